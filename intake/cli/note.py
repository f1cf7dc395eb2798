"""tapedrop-intake note: what reporters write about drops, and how far the work is."""

from collections.abc import Sequence
from typing import Any, BinaryIO, Final

import click

from intake import timecodes
from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.list_ import print_drops
from intake.cli.naming import kind_and_number, record_named
from intake.cli.note_transcript import transcript
from intake.cli.removing import confirmed, for_good, remove
from intake.cli.talk import note as talk
from intake.cli.talk import print_json
from intake.cli.texts import TimeCode, given_text, text_from
from intake.layout import Layout
from intake.pen import one_line
from intake.records import Kind, Record, WorkStatus
from intake.settings import MOST_INITIALS
from intake.unlocked import Unlocked
from intake.views.record import in_time, note_lines, record_row
from intake.views.rows import row

_AT: Final = click.option("--at", "at_ms", metavar="TIME", type=TimeCode(),
                          help="Where it stands: 3:12, or 1:02:03.5.")  # fmt: skip
_UNTIL: Final = click.option("--until", "until_ms", metavar="TIME", type=TimeCode(),
                             help="Where what it is about ends.")  # fmt: skip


@click.group(
    "note",
    short_help="Notes, quotes, tags, summaries, and how far the work is.",
    subcommand_metavar="VERB …",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk note add drop-0002 --at 3:12 "a door, then a second voice"
  $ tapedrop-intake --desk desk note set drop-0002 --status verifying --assign AB --tag cells
""",
)
def command() -> None:
    """Write about drops: notes and quotes at a time, tags, a summary, and how far the work is.

    What a command line says stays in your shell's history; what is typed when asked doesn't.
    """


@command.command(
    "add",
    epilog="""\b
Example: the second is typed, and ends with Ctrl-D
  $ tapedrop-intake --desk desk note add drop-0002 --at 3:12 --until 3:20 --quote "Count them."
  $ tapedrop-intake --desk desk note add drop-0002
""",
)
@click.argument("thing", metavar="ID")
@click.argument("text", required=False)
@text_from
@_AT
@_UNTIL
@click.option("--quote", is_flag=True, help="It is what is said there, word for word.")
@at_desk
@as_json
def add(
    thing: str,
    text: str | None,
    file: BinaryIO | None,
    at_ms: int | None,
    until_ms: int | None,
    quote: bool,
    desk: Layout,
    as_json: bool,
) -> None:
    """Add a note about a drop, a case or a person."""
    said = given_text(text, file, "the note")
    with unlocked(desk) as room:
        about, within, name = _thing(room, thing)
        note = room.pen.note(
            said, about=about, within=within, at_ms=at_ms, until_ms=until_ms, quote=quote
        )
    if as_json:
        print_json(record_row(note, drop=name if about else None, within=name if within else None))
    else:
        place = timecodes.span(at_ms, until_ms)
        click.echo(f"{note.name} of {name}{f' at {place}' if place else ''}")


@command.command(
    "list",
    short_help="List the notes of a drop, a case or a person.",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk note list drop-0002
""",
)
@click.argument("thing", metavar="ID")
@at_desk
@as_json
def list_(thing: str, desk: Layout, as_json: bool) -> None:
    """List the notes of a drop, a case or a person, in the order of time."""
    with unlocked(desk) as room:
        about, within, name = _thing(room, thing)
        notes = room.catalogue.records.all(Kind.NOTE, about=about, within=within)
    if as_json:
        where = {"drop": name if about else None, "within": name if within else None}
        print_json([record_row(each, **where) for each in in_time(notes)])
    elif notes:
        for line in note_lines(notes):
            click.echo(line.removeprefix("  "))
    else:
        talk(f"no notes of {name}")


@command.command(
    "edit",
    short_help="Write a note anew; what it said before is kept.",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk note edit note-0004 --at 3:14
  $ tapedrop-intake --desk desk note edit note-0004 "two doors, then a second voice"
""",
)
@click.argument("which", metavar="NOTE")
@click.argument("text", required=False)
@text_from
@_AT
@_UNTIL
@click.option("--whole", is_flag=True, help="It is about the whole recording, no time in it.")
@click.option("--quote/--no-quote", default=None, help="It is what is said, word for word; or not.")
@at_desk
@as_json
def edit(
    which: str,
    text: str | None,
    file: BinaryIO | None,
    at_ms: int | None,
    until_ms: int | None,
    whole: bool,
    quote: bool | None,
    desk: Layout,
    as_json: bool,
) -> None:
    """Write a note anew, or move it; what it said before is kept, and show tells it.

    Of a note in conflict this stands in for both versions.
    """
    moved = at_ms is not None or until_ms is not None or whole or quote is not None
    said = given_text(text, file, "the note anew") if text or file or not moved else None
    with unlocked(desk) as room:
        before = record_named(room, Kind.NOTE, which)
        if before.content is None and said is None:
            raise click.UsageError(f"one desk removed {before.name}: say what it is to say")
        shown = before.content
        after = room.pen.rewrite(
            before,
            shown.text if said is None else said,
            at_ms=None if whole else (shown.at_ms if shown and at_ms is None else at_ms),
            until_ms=_end(shown, at_ms, until_ms, whole),
            quote=bool(shown and shown.quote) if quote is None else quote,
        )
    if as_json:
        print_json(record_row(after))
    else:
        for line in note_lines([after]):
            click.echo(line.removeprefix("  "))


@command.command(
    "remove",
    short_help="Remove notes; what they said is kept aside, unless for good.",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk note remove note-0004
  $ tapedrop-intake --desk desk note remove note-0004 --for-good
""",
)
@click.argument("which", metavar="NOTE...", nargs=-1, required=True)
@for_good
@confirmed
@at_desk
@as_json
def remove_(
    which: Sequence[str], for_good: bool, given: str | None, desk: Layout, as_json: bool
) -> None:
    """Remove notes. What they said stays among their earlier versions, where `show` has it.

    With --for-good it doesn't: for what should never have been written down, as who a source is.
    """
    remove(desk, Kind.NOTE, which, for_good=for_good, given=given, as_json=as_json)


@command.command(
    "set",
    short_help="Say how far the work is, who does it, tags, a summary.",
    epilog="""\b
Statuses, in their order:
  new          nobody has begun
  listening    somebody listens, notes and quotes
  verifying    the checklist is being worked through
  verified     it is what it is said to be
  cleared      for use, by the editor and whoever else has to
  published    it was used
  rejected     it will not be used

\b
Example:
  $ tapedrop-intake --desk desk note set drop-0002 drop-0003 --status listening --assign AB
  $ tapedrop-intake --desk desk note set case-0001 --tag cells --untag unclear
  $ tapedrop-intake --desk desk note set drop-0002 --summary "A guard counts; a child is told to"
""",
)
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option(
    "--status", type=click.Choice([each.value for each in WorkStatus]), help="How far the work is."
)
@click.option("--assign", metavar="AB", help="Who does it, by initials; '' for nobody.")
@click.option("--tag", "tags", metavar="TAG", multiple=True, help="Give a tag.")
@click.option("--untag", "untags", metavar="TAG", multiple=True, help="Take a tag away.")
@click.option("--summary", metavar="TEXT", help="One line on what it is; '' for none.")
@at_desk
@as_json
def set_(
    ids: Sequence[str],
    status: str | None,
    assign: str | None,
    tags: Sequence[str],
    untags: Sequence[str],
    summary: str | None,
    desk: Layout,
    as_json: bool,
) -> None:
    """Say of drops, or of all of a case, how far the work is, who does it, tags, a summary."""
    if assign is not None and len(one_line(assign)) > MOST_INITIALS:
        raise click.UsageError(f"initials are up to {MOST_INITIALS} letters")
    said = {Kind.STATUS: status, Kind.ASSIGNEE: assign, Kind.SUMMARY: summary}
    said = {kind: text for kind, text in said.items() if text is not None}
    if not (said or tags or untags):
        raise click.UsageError("say what is to be set: --status, --assign, --tag or another")
    with unlocked(desk) as room, room.catalogue.whole():
        drops = room.drops(ids)
        for drop in drops:
            for kind, text in said.items():
                room.pen.say(kind, drop.digest, text or "")
            for tag in tags:
                room.pen.tag(drop.digest, tag)
            for tag in untags:
                room.pen.tag(drop.digest, tag, on=False)
        glances = {drop.digest: room.catalogue.records.glance(drop.digest) for drop in drops}
    if as_json:
        print_json([row(drop, glances[drop.digest]) for drop in drops])
    else:
        print_drops(drops, glances)


command.add_command(transcript)


def _thing(room: Unlocked, untrusted: str) -> tuple[bytes | None, bytes | None, str]:
    """Return what a note is about: a drop's digest, or the record it is within; and its name."""
    named = kind_and_number(untrusted)
    if named is not None and named[0] in {Kind.CASE, Kind.PERSON}:
        record: Record = record_named(room, Kind(named[0]), untrusted)
        return None, record.id, record.name
    drop = room.drop(untrusted)
    return drop.digest, None, drop.id


def _end(shown: Any, at_ms: int | None, until_ms: int | None, whole: bool) -> int | None:
    """Return where a note ends now: one that is moved has no end unless one was said."""
    if whole or until_ms is not None or at_ms is not None or shown is None:
        return None if whole else until_ms
    end: int | None = shown.until_ms
    return end
