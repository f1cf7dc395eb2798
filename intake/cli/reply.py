"""tapedrop-intake reply: answer a source."""

import sys
from datetime import UTC, datetime
from typing import BinaryIO, Final

import click

from crypto.reply import LONGEST_BYTES
from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.talk import note, print_json
from intake.errors import BadReply, NotOpenYet
from intake.layout import Layout
from intake.replies import put_reply
from intake.wording import plain

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk reply drop-0002 --text-from answer.txt
  $ tapedrop-intake --desk desk receipt --to /media/stick
"""


@click.command("reply", short_help="Write to the source of a drop.", epilog=_EPILOG)
@click.argument("drop_id", metavar="ID")
@click.option("--text-from", "file", metavar="FILE", type=click.File("rb"),
              help="The reply's text, in UTF-8; - is standard input.")  # fmt: skip
@at_desk
@as_json
def write_reply(drop_id: str, file: BinaryIO | None, desk: Layout, as_json: bool) -> None:
    """Write to the source of a drop; `receipt` puts what was written on a stick."""
    text = _text(file)
    with unlocked(desk) as room:
        drop = room.drop(drop_id)
        if drop.manifest is None:
            raise NotOpenYet(drop.id)
        source = drop.manifest.source
        put_reply(text, source, room.layout.outbox, day=datetime.now(UTC).date())
    if as_json:
        print_json({"id": drop.id, "pseudonym": source.pseudonym})
    else:
        click.echo(f"sealed to {plain(source.pseudonym)}; tapedrop-intake receipt carries it out")


def _text(file: BinaryIO | None) -> str:
    if file is None:
        if not sys.stdin.isatty():
            raise click.UsageError("name the text with --text-from FILE, or - for standard input")
        note("write to the source, and end with Ctrl-D on a line of its own")
        file = sys.stdin.buffer
    try:
        return file.read(LONGEST_BYTES + 1).decode().rstrip("\n")
    except UnicodeDecodeError:
        raise BadReply("it is not text in UTF-8") from None
