"""The drop: an aiohttp service behind an onion address, and the commands of those who run it.

A newcomer starts in `pipeline.py`, which carries one recording from the wire to the store, and in
`app.py`, which puts the pages on their addresses.
"""
