"""tapedrop-server authorise: let only those come to an onion service who have a key."""

from pathlib import Path
from typing import Final

import click

from server.cli.options import answer, config_option, drop_at, json_option
from server.cli.talk import confirm, note, warn
from server.errors import SettingsRefused
from server.staff.clients import address_of, authorise, checked, clients_of, remove

_CLOSED: Final = "only those with a key"
_OPEN: Final = "everybody"


@click.command(
    "authorise",
    short_help="Let only those come who have a key.",
    epilog="""\b
Example: to staff's own onion service; then to the drop itself, while it is tried out
  tapedrop-server authorise alice --to /media/stick/alice.auth_private
      --onion /var/lib/tor-instances/tapedrop/staff-ssh
  tapedrop-server authorise alice --to /media/stick/alice.auth_private
  tapedrop-server authorise --list
  tapedrop-server authorise --remove alice
""",
)
@click.argument("name", required=False)
@click.option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The new file for their key: the line that their tor needs.",
)
@click.option(
    "--onion",
    type=click.Path(path_type=Path, file_okay=False),
    help="tor's HiddenServiceDir; the drop's own, tor.keys, unless told.",
)
@click.option("--list", "as_list", is_flag=True, help="Only say who may come.")
@click.option("--remove", "leaving", metavar="NAME", help="Let them no longer come.")
@click.option(
    "--confirm",
    "given",
    metavar="TEXT",
    help=f"Answer the question: {_CLOSED!r} with the first, {_OPEN!r} with the last.",
)
@config_option
@json_option
def command(
    name: str | None,
    to: Path | None,
    onion: Path | None,
    as_list: bool,
    leaving: str | None,
    given: str | None,
    config_file: Path,
    as_json: bool,
) -> None:
    """Let only those come to an onion service who have a key, each with one of their own.

    At the drop's own it is for trying it out: no source reaches it, or can see that it is there,
    until the last key is removed. Typed by root, because the files are tor's. tor has to be told;
    the last line says how.
    """
    asked = (name is not None) + as_list + (leaving is not None)
    if asked != 1 or (name is None) == (to is not None):
        raise click.UsageError("say one of: NAME --to FILE, --list, --remove NAME")
    service = onion or _of_the_drop(config_file)
    there = clients_of(service)
    address = address_of(service)
    if name is not None and to is not None:
        _add(service, name, to, there, given)
        lines = [f"{name} may come, with what is in {to}"]
    elif leaving is not None:
        _remove(service, leaving, there, given)
        lines = [f"{leaving} may no longer come"]
    else:
        lines = there or ["nobody needs a key: everybody may come who knows the address"]
    said = {"onion": f"http://{address}.onion", "clients": clients_of(service)}
    answer(said, lines, as_json=as_json)
    if leaving is not None:
        note("what they know of it by now is good until tor starts anew")
        note("hint: systemctl restart tor@tapedrop")
    elif name is not None:
        note("whoever has that file may come: hand it over, and wipe the stick")
        note("hint: systemctl reload tor@tapedrop")


def _of_the_drop(config_file: Path) -> Path:
    folder, config = drop_at(config_file, root_may=True)
    if not config.tor.keys:
        hint = "set tor.keys to tor's HiddenServiceDir, or name it with --onion"
        raise SettingsRefused("tor.keys doesn't say where the onion service is", hint=hint)
    return folder / config.tor.keys


def _add(service: Path, name: str, to: Path, there: list[str], given: str | None) -> None:
    """Let one more come; ask before the first, which keeps all others out."""
    if not there:
        warn("from then on nobody reaches it without a key: at the drop's own, no source does")
        confirm(
            f"to keep all others out, type: {_CLOSED}", _CLOSED, given=given, option=_say(_CLOSED)
        )
    authorise(service, name, to)


def _remove(service: Path, name: str, there: list[str], given: str | None) -> None:
    """Let one no longer come; ask before the last, which lets everybody in."""
    if there == [checked(name)]:
        warn("nobody needs a key then: everybody may come who knows the address")
        confirm(f"to let everybody come, type: {_OPEN}", _OPEN, given=given, option=_say(_OPEN))
    remove(service, name)


def _say(typed: str) -> str:
    return f'--confirm "{typed}"'
