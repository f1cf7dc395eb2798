"""tapedrop-intake init: make a desk."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from intake.cli.desk import as_json, desk_gpg
from intake.cli.pair import show_pairing
from intake.cli.talk import compare, note
from intake.cli.texts import given_initials
from intake.errors import KeyNotUsable
from intake.founding import found_desk
from intake.layout import Layout
from intake.pairing import ServerPairing, read_server_pairing
from intake.wording import spaced

_FINGERPRINT: Final = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake init desk --server server.json \\
        --key 3F0A1C44B5D27E90AA61F0C2D9B8E7F65B0C91F2
  $ tapedrop-intake --desk desk pair --to /media/stick/pairing.json
"""


def whole_fingerprint(_context: click.Context, _option: click.Parameter, said: str) -> str:
    """Return a fingerprint as it was typed, checked: `callback` of an argument or option."""
    fingerprint = said.replace(" ", "").removeprefix("0x").upper()
    if not _FINGERPRINT.fullmatch(fingerprint):
        raise click.BadParameter("a whole fingerprint is 40 hex digits")
    return fingerprint


def _name(_context: click.Context, _option: click.Parameter, said: str | None) -> str | None:
    if said is not None and not _NAME.fullmatch(said):
        raise click.BadParameter("a desk's name is lower-case letters, digits and hyphens")
    return said


def _whom_it_names(server: ServerPairing, own: str) -> Iterator[str]:
    """Yield who reads, and who signs, by the server's word: those who run it wrote that file."""
    others = [each for each in server.newsroom if each != own]
    if others:
        yield "the drop seals to these keys too. no alarm will be raised at what they can read:"
        yield "whose are they?"
        yield from (f"  {spaced(each)}" for each in others)
    for signing_key, name in server.desks.items():
        yield f"it says that {name} may sign key lists, the desk whose key is {signing_key}"


@click.command("init", epilog=_EPILOG)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--server", "server_file", metavar="FILE", required=True,
              type=click.Path(path_type=Path, allow_dash=True),
              help="The file of tapedrop-server pair --to; - for what a camera read.")  # fmt: skip
@click.option("--key", metavar="FINGERPRINT", required=True, callback=whole_fingerprint,
              help="The reporter's OpenPGP key, which opens the vault.")  # fmt: skip
@click.option("--gnupg", metavar="HOME", type=click.Path(path_type=Path, file_okay=False),
              help="Where gpg finds that key (default: ~/.gnupg).")  # fmt: skip
@click.option("--name", callback=_name, help="What the server calls this desk.")
@click.option("--initials", metavar="AB", callback=given_initials,
              help="How notes and the custody log name the reporter, not the desk.")  # fmt: skip
@click.option("--outside-newsroom", is_flag=True,
              help="The key is not one of the newsroom's, and that is meant.")  # fmt: skip
@click.option("--words", help="The eight words that the server showed, where nobody can be asked.")
@as_json
def command(
    folder: Path,
    server_file: Path,
    key: str,
    gnupg: Path | None,
    name: str | None,
    initials: str | None,
    outside_newsroom: bool,
    words: str | None,
    as_json: bool,
) -> None:
    """Make a desk in DIR, for one reporter's key and one server.

    Asks for the eight words that the server showed, and shows those of this desk's own file.
    """
    home = (gnupg or Path.home() / ".gnupg").resolve()
    if not home.is_dir():
        raise KeyNotUsable(key, f"there is no keyring {home}")
    server, server_words = read_server_pairing(server_file)
    for line in _whom_it_names(server, key):
        note(line)
    # Ours are not shown: who copies them has compared nothing.
    question = "type the eight words that the server showed when its file was made"
    compare(question, server_words, given=words)
    settings = found_desk(
        folder,
        server=server,
        gpg=desk_gpg(home),
        fingerprint=key,
        now=datetime.now(UTC),
        name=name,
        initials=initials or "",
        outside_newsroom=outside_newsroom,
    )
    if not as_json:
        click.echo(f"made {settings.desk.name} in {folder}")
        click.echo(f"it believes bags signed by {settings.server.export_key}")
        click.echo(f"its newsroom's keys: {', '.join(settings.server.newsroom)}")
    show_pairing(Layout(folder), as_json=as_json)
