"""What security staff do with a drop: pair it, carry out and in, see whether it works.

`cli/` has a file for each verb and words what comes back; here is the work, without a terminal.
"""
