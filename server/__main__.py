"""`python -m server` is `tapedrop-server`."""

from server.cli import main

main()
