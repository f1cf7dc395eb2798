"""tapedrop-server lockdown: take nothing any more, and keep what there is."""

from pathlib import Path
from typing import Final

import click

from server.cli.options import answer, config_option, folder_of, json_option
from server.cli.talk import confirm, note
from server.running import is_running
from server.staff.emergency.lockdown import lock_down, locked_down

_TYPED: Final = "lock down"
_WILL: Final = (
    "it will take no uploads any more, whoever starts it, until it is unlocked",
    "what is arriving now is broken off; what of it is whole is kept, and sources are told",
    "what it has stays: drops, mailboxes, replies; sources can come back and read",
)


@click.command(
    "lockdown",
    short_help="Take nothing any more; keep what there is.",
    epilog="""\b
Example: it asks to type it once more
  tapedrop-server lockdown
""",
)
@click.option("--confirm", "given", metavar="TEXT", help=f"Answer the question: {_TYPED!r}.")
@config_option
@json_option
def command(given: str | None, config_file: Path, as_json: bool) -> None:
    """Take no uploads any more, until `unlock`. Drops, mailboxes and replies stay.

    A running drop follows within seconds, without a restart. Its pages say calmly that nothing is
    taken at the moment.
    """
    folder = folder_of(config_file)
    running = is_running(folder)
    if locked_down(folder):
        lines = ["it is locked down already"]
    else:
        for line in _WILL:
            note(line)
        option = f'--confirm "{_TYPED}"'
        confirm(f"to lock it down, type: {_TYPED}", _TYPED, given=given, option=option)
        lock_down(folder)
        lines = ["locked down: nothing is taken from now on"]
        if running:
            lines.append("the running drop follows within two seconds")
        lines.append("later: tapedrop-server unlock")
    answer({"locked_down": True, "running": running}, lines, as_json=as_json)
