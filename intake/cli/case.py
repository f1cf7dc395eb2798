"""tapedrop-intake case: the stories that drops belong to."""

from collections.abc import Sequence
from typing import Any, Final

import click
import msgspec

from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.naming import record_named, records_called
from intake.cli.removing import confirmed, for_good, remove
from intake.cli.talk import note, print_json, print_table
from intake.cli.texts import given_text
from intake.errors import BadText
from intake.layout import Layout
from intake.pen import as_said, one_line
from intake.records import Case, Kind, Record
from intake.unlocked import Unlocked
from intake.views.case import case_view
from intake.views.record import record_row
from intake.wording import plain

_CASE: Final = click.argument("case", metavar="CASE")


@click.group(
    "case",
    short_help="The stories that drops belong to.",
    subcommand_metavar="VERB …",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk case add "The cellar"
  $ tapedrop-intake --desk desk case put case-0001 drop-0002 drop-0005
  $ tapedrop-intake --desk desk list --case case-0001
""",
)
def command() -> None:
    """The stories that drops belong to; a drop may be in several, or in none.

    CASE is an id, as case-0001, or the case's name. Other verbs take a case for all of its drops.
    """


@command.command(
    "add",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk case add "The cellar" --summary "What is heard below the station"
""",
)
@click.argument("name", metavar="NAME")
@click.option("--summary", metavar="TEXT", default="", help="What it is about.")
@at_desk
@as_json
def add(name: str, summary: str, desk: Layout, as_json: bool) -> None:
    """Begin a case."""
    with unlocked(desk) as room:
        namesakes = records_called(room, Kind.CASE, name)
        case = room.pen.case(name, summary)
    for each in namesakes:
        note(f"warning: {each.name} is called so, too: from now on say their ids")
    _told(case, as_json=as_json)


@command.command(
    "list",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk case list --closed
""",
)
@click.option("--closed", is_flag=True, help="Those that are closed, too.")
@at_desk
@as_json
def list_(closed: bool, desk: Layout, as_json: bool) -> None:
    """List the cases that are open."""
    with unlocked(desk) as room:
        cases = room.catalogue.records.all(Kind.CASE)
        counts = {each.id: len(_members(room, each)) for each in cases}
    shown = [(case, counts[case.id]) for case in cases if closed or not _is_closed(case)]
    if as_json:
        print_json([record_row(case) | {"drops": count} for case, count in shown])
    elif shown:
        print_table(("id", "drops", "status", "name"), [
            (case.name, str(count), "closed" if _is_closed(case) else "open", _name(case))
            for case, count in shown
        ])  # fmt: skip
    else:
        note("no cases")


@command.command(
    "show",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk case show "The cellar"
""",
)
@_CASE
@at_desk
@as_json
def show(case: str, desk: Layout, as_json: bool) -> None:
    """Show a case: its drops, its notes, and what desks don't agree on."""
    with unlocked(desk) as room:
        view = case_view(room, record_named(room, Kind.CASE, case))
    if as_json:
        print_json(view.said)
    else:
        click.echo("\n".join(view.lines))


@command.command(
    "put",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk case put "The cellar" drop-0002 drop-0005
""",
)
@_CASE
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@at_desk
@as_json
def put(case: str, ids: Sequence[str], desk: Layout, as_json: bool) -> None:
    """Put drops in a case; all of another case's, where ID is one."""
    _move(case, ids, desk, on=True, as_json=as_json)


@command.command(
    "take",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk case take case-0001 drop-0005
""",
)
@_CASE
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@at_desk
@as_json
def take(case: str, ids: Sequence[str], desk: Layout, as_json: bool) -> None:
    """Take drops out of a case; they stay at the desk."""
    _move(case, ids, desk, on=False, as_json=as_json)


@command.command(
    "close",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk case close case-0001
""",
)
@_CASE
@at_desk
@as_json
def close(case: str, desk: Layout, as_json: bool) -> None:
    """Close a case: it and its drops stay, and case list passes it over."""
    _change(case, desk, as_json=as_json, closed=True)


@command.command(
    "reopen",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk case reopen case-0001
""",
)
@_CASE
@at_desk
@as_json
def reopen(case: str, desk: Layout, as_json: bool) -> None:
    """Open a closed case again."""
    _change(case, desk, as_json=as_json, closed=False)


@command.command(
    "rename",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk case rename case-0001 "Below the station"
""",
)
@_CASE
@click.argument("name", metavar="NAME")
@at_desk
@as_json
def rename(case: str, name: str, desk: Layout, as_json: bool) -> None:
    """Give a case another name.

    Of a case in conflict this stands in for both versions.
    """
    line = one_line(name)
    if not line:
        raise BadText("a case has a name")
    _change(case, desk, as_json=as_json, name=line)


@command.command(
    "describe",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk case describe case-0001 "What is heard below the station"
""",
)
@_CASE
@click.argument("text", required=False)
@at_desk
@as_json
def describe(case: str, text: str | None, desk: Layout, as_json: bool) -> None:
    """Say what a case is about."""
    said = as_said(given_text(text, None, "what the case is about"))
    _change(case, desk, as_json=as_json, summary=said)


@command.command(
    "remove",
    short_help="Remove a case and its notes; its drops stay.",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk case remove case-0001
""",
)
@click.argument("which", metavar="CASE...", nargs=-1, required=True)
@for_good
@confirmed
@at_desk
@as_json
def remove_(
    which: Sequence[str], for_good: bool, given: str | None, desk: Layout, as_json: bool
) -> None:
    """Remove a case and its notes; its drops stay at the desk. Earlier versions are kept.

    With --for-good they aren't.
    """
    remove(desk, Kind.CASE, which, for_good=for_good, given=given, as_json=as_json)


def _move(case: str, ids: Sequence[str], desk: Layout, *, on: bool, as_json: bool) -> None:
    with unlocked(desk) as room, room.catalogue.whole():
        found = record_named(room, Kind.CASE, case)
        drops = room.drops(ids)
        for drop in drops:
            room.pen.put_in(found, drop.digest, on=on)
        count = len(_members(room, found))
    if as_json:
        print_json(record_row(found) | {"moved": [drop.id for drop in drops], "drops": count})
        return
    moved = ", ".join(drop.id for drop in drops) or "nothing"
    way = "put in" if on else "taken out of"
    click.echo(f"{moved} {way} {found.name} {_name(found)}; it has {count} now")


def _change(case: str, desk: Layout, *, as_json: bool, **members: Any) -> None:
    with unlocked(desk) as room:
        found = record_named(room, Kind.CASE, case)
        before = found.content or next(each.content for each in found.heads if each.content)
        after = room.pen.change(found, msgspec.structs.replace(before, **members))
    _told(after, as_json=as_json)


def _told(case: Record, *, as_json: bool) -> None:
    if as_json:
        print_json(record_row(case))
    else:
        click.echo(f"{case.name} {_name(case)}{' (closed)' if _is_closed(case) else ''}")


def _members(room: Unlocked, case: Record) -> list[Record]:
    return room.catalogue.records.all(Kind.MEMBER, within=case.id)


def _is_closed(case: Record) -> bool:
    return isinstance(case.content, Case) and case.content.closed


def _name(case: Record) -> str:
    return plain(case.content.name) if case.content else "(in conflict)"
