"""tapedrop-intake unlock: give the PIN once, for a while."""

from typing import Final

import click

from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.talk import print_json
from intake.layout import Layout
from intake.unlocking import IDLE_SECONDS, remember

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk unlock
  unlocked, until nothing was done for 15 minutes, or until tapedrop-intake lock
"""


@click.command("unlock", epilog=_EPILOG)
@at_desk
@as_json
def command(desk: Layout, as_json: bool) -> None:
    """Give the PIN once: the desk stays open while it is used.

    The kernel keeps the vault's key, in memory alone, until no command was given for 15 minutes.
    """
    with unlocked(desk) as room:
        remember(desk, room.vault)
    minutes = IDLE_SECONDS // 60
    if as_json:
        print_json({"unlocked": True, "idle_minutes": minutes})
    else:
        click.echo(f"unlocked, until nothing was done for {minutes} minutes, or until "
                   "tapedrop-intake lock")  # fmt: skip
