"""tapedrop-intake lock: have the vault's key, and PINs, forgotten."""

from pathlib import Path
from time import sleep
from typing import Final

import click

from crypto.card import forget_pins
from intake.cli.desk import as_json, at_desk
from intake.cli.talk import note, print_json
from intake.errors import DeskBusy, KeyringRefused
from intake.layout import Layout
from intake.locking import working_at
from intake.settings import read_settings
from intake.unlocking import lock

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk lock
  locked
"""
_TIMES: Final = 20
_A_WHILE: Final = 0.1


@click.command("lock", epilog=_EPILOG)
@at_desk
@as_json
def command(desk: Layout, as_json: bool) -> None:
    """Lock the desk: the next command asks for a PIN again.

    Ends what unlock began, and pages that are open. gpg-agent and the card forget the PINs that
    they were given.
    """
    try:
        was_unlocked = lock(desk)
    except KeyringRefused:
        was_unlocked = False  # what the kernel doesn't keep, it needn't forget
    finally:
        forget_pins(Path(read_settings(desk.settings).reporter.gnupg_home))
    if not _is_quiet(desk):
        note("a command that is at work now goes on until it is done")
    if as_json:
        print_json({"locked": True, "was_unlocked": was_unlocked})
    else:
        click.echo("locked")


def _is_quiet(desk: Layout) -> bool:
    """Say whether nothing is at work at the desk any more, once pages had time to end."""
    for _ in range(_TIMES):
        try:
            with working_at(desk.folder, alone=True):
                return True
        except DeskBusy:
            sleep(_A_WHILE)
    return False
