"""python -m scrub is tapedrop-scrub."""

from scrub.cli import main

main()
