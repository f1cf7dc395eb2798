"""tapedrop-intake person: who is heard, or spoken of, and what they are in which drop."""

from collections.abc import Sequence
from typing import Any, Final

import click
import msgspec

from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.naming import record_named
from intake.cli.removing import confirmed, for_good, remove
from intake.cli.talk import note, print_json, print_table
from intake.errors import BadText
from intake.layout import Layout
from intake.pen import as_said, one_line
from intake.records import Kind, Record
from intake.views.case import person_view
from intake.views.record import record_row
from intake.wording import plain

_PERSON: Final = click.argument("person", metavar="PERSON")


@click.group(
    "person",
    short_help="Who is heard, or spoken of, and what they are in which drop.",
    subcommand_metavar="VERB …",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk person add "the second voice" --about "a woman, from the coast"
  $ tapedrop-intake --desk desk person in drop-0002 person-0001 --role guard
""",
)
def command() -> None:
    """Who is heard in recordings, or spoken of; never who sent them.

    PERSON is an id, as person-0001, or the name. A description does where no name is sure.
    """


@command.command(
    "add",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk person add "the second voice" --about "a woman, from the coast"
""",
)
@click.argument("name", metavar="NAME")
@click.option("--about", metavar="TEXT", default="", help="What is known of them.")
@at_desk
@as_json
def add(name: str, about: str, desk: Layout, as_json: bool) -> None:
    """Add somebody."""
    with unlocked(desk) as room:
        person = room.pen.person(name, about)
    _told(person, as_json=as_json)


@command.command(
    "list",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk person list
""",
)
@at_desk
@as_json
def list_(desk: Layout, as_json: bool) -> None:
    """List everybody."""
    with unlocked(desk) as room:
        records = room.catalogue.records
        people = [
            (each, len(records.all(Kind.APPEARANCE, within=each.id)))
            for each in records.all(Kind.PERSON)
        ]
    if as_json:
        print_json([record_row(person) | {"drops": count} for person, count in people])
    elif people:
        rows = [(person.name, str(count), _name(person)) for person, count in people]
        print_table(("id", "drops", "name"), rows)
    else:
        note("nobody yet")


@command.command(
    "show",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk person show person-0001
""",
)
@_PERSON
@at_desk
@as_json
def show(person: str, desk: Layout, as_json: bool) -> None:
    """Show somebody: what is known of them, and in which drops they are."""
    with unlocked(desk) as room:
        view = person_view(room, record_named(room, Kind.PERSON, person))
    if as_json:
        print_json(view.said)
    else:
        click.echo("\n".join(view.lines))


@command.command(
    "in",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk person in drop-0002 person-0001 --role guard
""",
)
@click.argument("drop_id", metavar="ID")
@_PERSON
@click.option("--role", required=True, help="What they are there: guard, doctor, spoken of…")
@at_desk
@as_json
def in_(drop_id: str, person: str, role: str, desk: Layout, as_json: bool) -> None:
    """Say what somebody is in a drop, or in every drop of a case."""
    _appear(drop_id, person, role, desk, as_json=as_json)


@command.command(
    "out",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk person out drop-0002 person-0001
""",
)
@click.argument("drop_id", metavar="ID")
@_PERSON
@at_desk
@as_json
def out(drop_id: str, person: str, desk: Layout, as_json: bool) -> None:
    """Say that somebody is not in a drop after all."""
    _appear(drop_id, person, None, desk, as_json=as_json)


@command.command(
    "edit",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk person edit person-0001 --name "the guard from the coast"
""",
)
@_PERSON
@click.option("--name", help="Another name.")
@click.option("--about", metavar="TEXT", help="What is known of them; '' for nothing.")
@at_desk
@as_json
def edit(person: str, name: str | None, about: str | None, desk: Layout, as_json: bool) -> None:
    """Change a name, or what is known; what was said before is kept.

    Of a person in conflict this stands in for both versions.
    """
    if name is None and about is None:
        raise click.UsageError("say what is to change: --name or --about")
    members: dict[str, Any] = {}
    if name is not None:
        members["name"] = one_line(name)
        if not members["name"]:
            raise BadText("somebody has a name, or a description instead")
    if about is not None:
        members["about"] = as_said(about)
    with unlocked(desk) as room:
        found = record_named(room, Kind.PERSON, person)
        before = found.content or next(each.content for each in found.heads if each.content)
        after = room.pen.change(found, msgspec.structs.replace(before, **members))
    _told(after, as_json=as_json)


@command.command(
    "remove",
    short_help="Remove somebody, from every drop, too.",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk person remove person-0001
  $ tapedrop-intake --desk desk person remove person-0001 --for-good
""",
)
@click.argument("which", metavar="PERSON...", nargs=-1, required=True)
@for_good
@confirmed
@at_desk
@as_json
def remove_(
    which: Sequence[str], for_good: bool, given: str | None, desk: Layout, as_json: bool
) -> None:
    """Remove somebody, what they are in drops, and notes of them; earlier versions are kept.

    With --for-good they aren't.
    """
    remove(desk, Kind.PERSON, which, for_good=for_good, given=given, as_json=as_json)


def _appear(drop_id: str, person: str, role: str | None, desk: Layout, *, as_json: bool) -> None:
    with unlocked(desk) as room, room.catalogue.whole():
        found = record_named(room, Kind.PERSON, person)
        drops = room.drops([drop_id])
        for drop in drops:
            room.pen.heard(found, drop.digest, role)
    if as_json:
        print_json({"id": found.name, "drops": [drop.id for drop in drops], "role": role})
        return
    where = ", ".join(drop.id for drop in drops) or "no drop"
    what = "not in" if role is None else f"{plain(one_line(role))} in"
    click.echo(f"{found.name} {_name(found)}: {what} {where}")


def _told(person: Record, *, as_json: bool) -> None:
    if as_json:
        print_json(record_row(person))
    else:
        click.echo(f"{person.name} {_name(person)}")


def _name(person: Record) -> str:
    return plain(person.content.name) if person.content else "(in conflict)"
