"""Take away what reporters wrote: aside, where it is kept; or for good, after a question."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import click

from intake.cli.desk import unlocked
from intake.cli.naming import record_named
from intake.cli.talk import confirm, note, print_json
from intake.layout import Layout
from intake.records import Kind, Record
from intake.unlocked import Unlocked

Verb = Callable[..., Any]
for_good: Final[Verb] = click.option(
    "--for-good", is_flag=True, help="With every earlier version; nothing brings it back here."
)
confirmed: Final[Verb] = click.option(
    "--confirm", "given", metavar="IDS", help="Answer the question: the ids, as they are listed."
)


def remove(
    desk: Layout,
    kind: Kind,
    which: Sequence[str],
    *,
    for_good: bool,
    given: str | None,
    as_json: bool,
) -> None:
    """Remove records of one kind, and whatever is within them; all, or none."""
    with unlocked(desk, alone=for_good) as room:
        found = {each.id: each for each in _named(room, kind, which, for_good)}
        names = ", ".join(each.name for each in found.values())
        if for_good:
            _ask(names, given)
        with room.catalogue.whole():
            for each in found.values():
                (_forget if for_good else _set_aside)(room, each)
        if for_good:
            room.catalogue.purged.settle()
    if as_json:
        print_json([each.name for each in found.values()])
    else:
        click.echo(f"removed {names}{' for good' if for_good else ''}")


def _named(room: Unlocked, kind: Kind, which: Sequence[str], removed: bool) -> list[Record]:
    return [record_named(room, kind, each, also_removed=removed) for each in which]


def _ask(names: str, given: str | None) -> None:
    note("what they ever said goes from this desk, and nothing brings it back")
    note("backups and desks with which it was shared keep it, and the next merge with one brings")
    note("it here again")
    confirm(f"to go on, type {names}", names, given=given, option="--confirm IDS")


def _forget(room: Unlocked, record: Record) -> None:
    room.catalogue.records.forget(record)


def _set_aside(room: Unlocked, record: Record) -> None:
    for each in room.catalogue.records.within(record.id):
        room.pen.change(each, None)
    room.pen.change(record, None)
