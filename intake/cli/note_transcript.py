"""tapedrop-intake note transcript: what is said in a recording, line by line."""

from typing import BinaryIO, Final

import click

from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.talk import note, print_json
from intake.layout import Layout
from intake.records import Kind, record_of
from intake.transcripts import LARGEST_BYTES, language_of, read_transcript
from intake.unlocked import today

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk note transcript drop-0002 interview.vtt --language es
  $ tapedrop-intake --desk desk show drop-0002 --transcript
"""


@click.command(
    "transcript", short_help="Add a transcript, or a newer one in its place.", epilog=_EPILOG
)
@click.argument("drop_id", metavar="ID")
@click.argument("file", metavar="FILE", type=click.File("rb"))
@click.option("--language", metavar="TAG", default="", help="The language it is in: es, pt-BR.")
@at_desk
@as_json
def transcript(drop_id: str, file: BinaryIO, language: str, desk: Layout, as_json: bool) -> None:
    """Add the transcript in FILE (WebVTT, SRT, or text with time codes in front) to a drop.

    A drop has one in each language; a newer one stands in for the one before, which is kept. A
    translation is a transcript in another language.
    """
    language = language_of(language)
    read = read_transcript(file.read(LARGEST_BYTES + 1), language=language)
    with unlocked(desk) as room:
        drop = room.drop(drop_id)
        record = room.catalogue.records.put(
            Kind.TRANSCRIPT,
            read.transcript,
            by=room.by,
            day=today(),
            about=drop.digest,
            record=record_of(Kind.TRANSCRIPT, drop.digest, language.encode()),
        )
    lines = len(read.transcript.lines)
    if read.left_out:
        note(f"warning: {read.left_out} time codes could not be read; their lines may be missing")
    if lines > 1 and not any(line.at_ms for line in read.transcript.lines):
        note("warning: no time code was found in it: every line stands at 0:00")
    if as_json:
        said = {"id": record.name, "drop": drop.id, "language": language, "lines": lines}
        print_json(said | {"left_out": read.left_out})
    else:
        click.echo(f"{record.name} of {drop.id}: {lines} lines")
