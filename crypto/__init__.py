"""Newsroom keys, envelopes, held chunks, codenames, replies and signed bags.

A library of ordinary synchronous functions: no clock, no network, no settings, and no files
but those it is handed. A newcomer starts in `envelope.py`.
"""
