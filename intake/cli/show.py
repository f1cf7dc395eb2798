"""tapedrop-intake show: all that is known of a drop, a source, a case, a person or a note."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import click

from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.naming import kind_and_number, records_called
from intake.cli.talk import print_json, print_lines
from intake.errors import UnknownRecord
from intake.layout import Layout
from intake.records import Kind
from intake.unlocked import Unlocked
from intake.views import View
from intake.views.case import case_view, person_view
from intake.views.drop import drop_view
from intake.views.record import record_view
from intake.views.source import source_view
from intake.views.transcript import transcript_view

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk show drop-0002
  $ tapedrop-intake --desk desk show "olive crane"
"""
_VIEWS: Final[Mapping[Kind, Callable[..., View]]] = {
    Kind.CASE: case_view,
    Kind.PERSON: person_view,
}


@click.command(
    "show", short_help="Show a drop, a source's thread, a case, a person, a note.", epilog=_EPILOG
)
@click.argument("thing", metavar="ID")
@click.option("--transcript", is_flag=True, help="Show what is said in a drop, line by line.")
@at_desk
@as_json
def command(thing: str, transcript: bool, desk: Layout, as_json: bool) -> None:
    """Show what is known of ID: a drop, and what a message says; a source, and all that was written
    between you; a case; a person; any note or other record, with its earlier versions.

    A source may be named by its two words, a case or a person by its name.
    """
    with unlocked(desk) as room:
        view = transcript_view(room, room.drop(thing)) if transcript else _view(room, thing)
    if as_json:
        print_json(view.said)
        return
    print_lines(view.lines)


def _view(room: Unlocked, untrusted: str) -> View:
    named = kind_and_number(untrusted)
    if named is None:
        return _called(room, untrusted)
    kind, number = named
    if kind in {"", "drop"}:
        return drop_view(room, room.drop(untrusted))
    if kind == "source":
        return source_view(room, room.catalogue.sources.one(number))
    if kind not in set(Kind):
        raise UnknownRecord(untrusted)
    record = room.catalogue.records.one(Kind(kind), number, also_removed=True)
    view = record_view if record.content is None else _VIEWS.get(Kind(kind), record_view)
    return view(room, record)


def _called(room: Unlocked, name: str) -> View:
    """Return the view of the one source, case or person of this name."""
    found = {each.id: (source_view, each) for each in room.catalogue.sources.called(name)}
    views: dict[str, tuple[Callable[..., View], Any]] = dict(found)
    for kind, view in _VIEWS.items():
        views |= {each.name: (view, each) for each in records_called(room, kind, name)}
    if not views:
        raise UnknownRecord(name)
    if len(views) > 1:
        raise click.UsageError(f"several are called so: {', '.join(views)}")
    ((view, what),) = views.values()
    return view(room, what)
