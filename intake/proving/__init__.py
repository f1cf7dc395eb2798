"""What was done at the desk, and how it is proved to others (docs/custody.md).

custody      the log: every entry holds the hash of the one before
signed       files that carry out the desk's word, and how far the log reached
statement    the account of drops, for an editor or a court
"""
