"""tapedrop-intake search: find words in all that the desk knows."""

import sys
from dataclasses import asdict
from typing import Any, Final

import click

from intake import timecodes
from intake.catalogue.finding import Found, Hit, Place
from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.talk import note, print_json, print_marked
from intake.cli.terminal import columns_of
from intake.drop import Drop
from intake.layout import Layout
from intake.records import Kind
from intake.searching.query import Query, query, typed
from intake.searching.snippets import snippet
from intake.unlocked import Unlocked
from intake.views.doubts import doubts
from intake.views.rows import cells

_EPILOG: Final = """\b
A word finds what begins with it (three letters and more); accents make no difference.
  "two words"    exactly these, side by side
  -guard         not where this stands
  in:case-0001  tag:border  status:verified  assignee:AB  from:"olive crane"
  drop-0007  source-0002
                 only in these drops; with a minus, in all but these
  kind:quote  by:AB
                 only in lines of this kind, or of this writer. Kinds: note, quote, transcript,
                 message, summary, tag, case, person, appearance, check, status, assignee,
                 reply, retention, removed, drop

\b
Example:
  $ tapedrop-intake --desk desk search telephone number -office
  drop-0007  2026-11-20  olive crane  WAV
    note-0012   3:12   she gives the telephone number twice
    transcript  7:44   …the number of my aunt, the telephone in…
"""
_NARROWEST: Final = 20
_WIDTH: Final = 100
"""Columns of a line, where no terminal says how many there are."""


@click.command(
    "search",
    short_help="Find words in notes, transcripts, messages and all else.",
    epilog=_EPILOG,
    # Without short options, -guard is a word to leave out.
    context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]},
)
@click.argument("words", metavar="WORD...", nargs=-1, required=True)
@click.option("--limit", metavar="N", type=click.IntRange(1, 1000), default=20,
              help="Show at most N drops (default: 20).")  # fmt: skip
@at_desk
@as_json
def command(words: tuple[str, ...], limit: int, desk: Layout, as_json: bool) -> None:
    """Find drops, cases and people by what is known of them: every WORD has to be found.

    Notes, quotes, transcripts, messages, summaries, tags, cases, people, checks and replies are
    looked through.
    """
    unknown = next((each for each in words if each.startswith("--")), None)
    if unknown is not None:
        raise click.NoSuchOption(unknown, ctx=click.get_current_context())
    asked = query(typed(words))
    if not asked.asks:
        raise click.UsageError("say at least one word to find")
    for each in asked.too_short:
        note(f"{each}: a single letter is looked for as a word; give two of what it begins with")
    with unlocked(desk) as room:
        for case in asked.cases:
            room.catalogue.records.one(Kind.CASE, case)
        for each in doubts(room, asked):
            note(f"warning: {each}")
        found = room.catalogue.search.find(asked, limit=limit)
        drops = [_drop(room, hit) for hit in found.hits]
    if as_json:
        rows = [_row(*each, asked) for each in zip(found.hits, drops, strict=True)]
        print_json({"total": found.total, "found": rows})
    else:
        _print(found, drops, asked)


def _drop(room: Unlocked, hit: Hit) -> Drop | None:
    return room.catalogue.drops.of(hit.about) if hit.about is not None else None


def _name(hit: Hit, drop: Drop | None) -> str:
    return drop.id if drop is not None else hit.name or "a drop that is not here"


def _about(drop: Drop | None) -> tuple[str, ...]:
    """Return its day, whose it is and what it is, as `list` says them."""
    return cells(drop)[1:4] if drop is not None and drop.manifest is not None else ()


def _row(hit: Hit, drop: Drop | None, asked: Query) -> dict[str, Any]:
    pseudonym = drop.manifest.source.pseudonym if drop is not None and drop.manifest else None
    lines = [
        {"kind": place.kind, "id": place.name, "at_ms": place.at_ms}
        | asdict(snippet(place.text, asked.terms, width=4 * _WIDTH))
        for place in hit.places
    ]
    return {
        "id": _name(hit, drop),
        "pseudonym": pseudonym,
        "total": hit.lines,
        "lines": lines,
    }


def _print(found: Found, drops: list[Drop | None], asked: Query) -> None:
    for hit, drop in zip(found.hits, drops, strict=True):
        click.echo("  ".join([_name(hit, drop), *_about(drop)]))
        widest = max((len(place.name) for place in hit.places), default=0)
        for place in hit.places:
            _print_place(place, asked, widest)
        if hit.lines > len(hit.places):
            click.echo(f"  and {hit.lines - len(hit.places)} more")
    if not found.total:
        note("nothing found")
    elif found.total > len(found.hits):
        note(f"the first {len(found.hits)} of {found.total}; --limit shows more")


def _print_place(place: Place, asked: Query, widest: int) -> None:
    at = timecodes.text(place.at_ms) if place.at_ms is not None else ""
    head = f"  {place.name:{widest}}  {at:8}"
    room = min(columns_of(sys.stdout) or _WIDTH, _WIDTH) - len(head)
    shown = snippet(place.text, asked.terms, width=max(room - 4, _NARROWEST))
    print_marked(f"{head} ", shown.text, shown.marks)
