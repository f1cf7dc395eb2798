"""tapedrop-intake list: every drop on a line."""

from collections.abc import Sequence
from typing import Final

import click

from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.rows import HEAD, cells, row
from intake.cli.talk import note, print_json, print_table
from intake.drop import Drop
from intake.layout import Layout

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk list
  id         day         from        what  size    condition  removed  remains  status
  drop-0001  2026-11-21  ozone fiber  WAV   3.4 MB  cleaned    place    nothing  opened
"""


@click.command("list", epilog=_EPILOG)
@click.option("--canaries", is_flag=True, help="List what the server's own test source sent.")
@at_desk
@as_json
def list_drops(desk: Layout, as_json: bool, canaries: bool) -> None:
    """List every drop of the desk."""
    with unlocked(desk) as room:
        drops = room.catalogue.canaries() if canaries else room.catalogue.drops()
    if as_json:
        print_json([row(drop) for drop in drops])
    else:
        print_drops(drops)


def print_drops(drops: Sequence[Drop]) -> None:
    """Print a table of drops, or say that there is none."""
    if drops:
        print_table(HEAD, [cells(drop) for drop in drops])
    else:
        note("no drops")
