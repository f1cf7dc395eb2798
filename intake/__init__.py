"""The desk: import, verify, open, catalogue, export, reply; offline, on a reporter's own machine.

A newcomer starts in `pipeline.py`; what lies where in a desk's folder is told in `layout.py`.
"""
