"""tapedrop-server unlock: take uploads again after a lockdown."""

from pathlib import Path
from typing import Final

import click

from server.cli.options import answer, config_option, folder_of, json_option
from server.cli.talk import confirm, note
from server.running import is_running
from server.staff.emergency.lockdown import locked_down, unlock

_TYPED: Final = "unlock"


@click.command(
    "unlock",
    short_help="Take uploads again after a lockdown.",
    epilog="""\b
Example: it asks to type it once more
  tapedrop-server unlock
""",
)
@click.option("--confirm", "given", metavar="TEXT", help=f"Answer the question: {_TYPED!r}.")
@config_option
@json_option
def command(given: str | None, config_file: Path, as_json: bool) -> None:
    """Take uploads again. A running drop follows within seconds, without a restart."""
    folder = folder_of(config_file)
    running = is_running(folder)
    if not locked_down(folder):
        lines = ["it is not locked down"]
    else:
        note("it will take uploads again, from anybody who reaches it")
        option = f'--confirm "{_TYPED}"'
        confirm(f"to unlock it, type: {_TYPED}", _TYPED, given=given, option=option)
        unlock(folder)
        lines = ["unlocked: uploads are taken again"]
        if running:
            lines.append("the running drop follows within two seconds")
    answer({"locked_down": False, "running": running}, lines, as_json=as_json)
