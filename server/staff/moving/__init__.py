"""A backup, and a drop made from it on another machine."""
