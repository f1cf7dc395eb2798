"""tapedrop-intake pair: this desk's file for the server once more, or the server's file anew."""

from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import Final

import click
from msgspec import structs

from crypto.comparing import canonical, read_object
from intake.cli.desk import as_json, at_desk
from intake.cli.talk import compare, draw, note, print_json
from intake.cli.texts import given_initials
from intake.durable import carry_out
from intake.layout import Layout
from intake.pairing import ServerPairing, read_desk_pairing, read_server_pairing
from intake.readers import keep, reintroduced
from intake.settings import Settings, read_settings

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk pair --to /media/stick/pairing.json
  $ tapedrop-intake --desk desk pair /media/stick/server.json
"""


@click.command(
    "pair", short_help="Show this desk's words, or take the server's file anew.", epilog=_EPILOG
)
@click.argument("server_file", metavar="[SERVER_FILE]", required=False,
                type=click.Path(path_type=Path, allow_dash=True))  # fmt: skip
@click.option("--to", metavar="FILE", type=click.Path(path_type=Path),
              help="Where a copy of pairing.json goes; never overwritten.")  # fmt: skip
@click.option("--qr/--no-qr", "drawn", default=None,
              help="Draw it for a camera, too, or don't; on a terminal it is drawn.")  # fmt: skip
@click.option("--words", help="The eight words that the server showed, where nobody can be asked.")
@click.option("--initials", metavar="AB", callback=given_initials,
              help="How notes and the custody log name the reporter from now on.")  # fmt: skip
@at_desk
@as_json
def command(
    server_file: Path | None,
    to: Path | None,
    drawn: bool | None,
    words: str | None,
    initials: str | None,
    desk: Layout,
    as_json: bool,
) -> None:
    """Show the eight words of this desk's pairing.json, which the server asks for.

    With SERVER_FILE, the same server's newer file, first learn from it the server's canary; and
    which desks sign key lists, where this desk has neither signed nor taken one yet.

    With --initials, the reporter is called so from now on; what was said before stays as it is.
    """
    if server_file is not None:
        server, server_words = read_server_pairing(server_file)
        before = read_settings(desk.settings)
        after = reintroduced(before, server)
        for line in _learned(before, after, server):
            note(line)
        question = "type the eight words that the server showed when its file was made"
        compare(question, server_words, given=words)
        keep(desk, after, {})
    if initials is not None:
        before = read_settings(desk.settings)
        keep(
            desk,
            structs.replace(before, reporter=structs.replace(before.reporter, initials=initials)),
            {},
        )
        note(f"notes and the custody log say {initials or before.desk.name} from now on")
    if to is not None:
        carry_out(to, desk.pairing.read_bytes())
    show_pairing(desk, drawn=drawn, carried=to, as_json=as_json)


def _learned(before: Settings, after: Settings, server: ServerPairing) -> Iterator[str]:
    """Yield what taking the server's file on comes to, to be looked at before the words."""
    if after.server.canary != before.server.canary:
        yield "it names another canary: what that sends is kept out of the list of drops"
    if after.server.signers != before.server.signers:
        for key, name in after.server.signers.items():
            yield f"it says that {name} may sign key lists, the desk whose key is {key}"
    elif server.desks and server.desks != after.server.signers:
        theirs = ", ".join(sorted(server.desks.values()))
        yield f"warning: it names other desks that may sign lists than this one knows: {theirs}"
        yield "none of that is believed. who may sign names others: tapedrop-intake keys add"


def show_pairing(
    desk: Layout, *, drawn: bool | None = None, carried: Path | None = None, as_json: bool
) -> None:
    """Show the desk's file: its words, and on a terminal the file itself as a QR code."""
    content = desk.pairing.read_bytes()
    said, words = read_desk_pairing(desk.pairing, content)
    if drawn or not as_json:
        draw(canonical(read_object(content)), asked=drawn)
    path = carried or desk.pairing
    if as_json:
        print_json({"desk": said.desk, "pairing": str(path), "words": words})
        return
    if carried is None:
        mine = quote(str(desk.folder))
        click.echo(f"next: tapedrop-intake --desk {mine} pair --to STICK/{path.name}")
        click.echo(f"then, at the server: tapedrop-server pair STICK/{path.name}")
    else:
        click.echo(f"wrote {path}")
        click.echo(f"next, at the server: tapedrop-server pair STICK/{path.name}")
    click.echo("it asks for these eight words; read them out, don't send them along:")
    click.echo(f"  {words}")
