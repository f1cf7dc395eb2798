"""What reporters call things: drop-0007, case-0002, note-0004, source-0001; or by their names."""

import re
from typing import Final

import click

from intake.errors import UnknownRecord
from intake.records import Kind, Record
from intake.unlocked import Unlocked

_ID: Final = re.compile(r"(?:([a-z]+)-)?0{0,8}([1-9][0-9]{0,8})")
NAMED: Final = frozenset({Kind.CASE, Kind.PERSON})


def kind_and_number(untrusted: str) -> tuple[str, int] | None:
    """Return `("case", 2)` of case-0002, `("", 7)` of 7, and None of what is no id."""
    match = _ID.fullmatch(untrusted)
    return (match[1] or "", int(match[2])) if match else None


def record_named(
    room: Unlocked, kind: Kind, untrusted: str, *, also_removed: bool = False
) -> Record:
    """Return the record of one kind that a person named: by id, by number, or by its name.

    By id it may be one that was removed. Raises UnknownRecord, and click.UsageError where several
    are called so.
    """
    found = kind_and_number(untrusted)
    if found is not None and found[0] in {"", kind}:
        return room.catalogue.records.one(kind, found[1], also_removed=also_removed)
    called = records_called(room, kind, untrusted) if kind in NAMED else []
    if not called:
        raise UnknownRecord(untrusted)
    if len(called) > 1:
        listed = ", ".join(each.name for each in called)
        raise click.UsageError(f"several are called so: {listed}; name one by its id")
    return called[0]


def records_called(room: Unlocked, kind: Kind, untrusted: str) -> list[Record]:
    """Return the cases, or the people, of this name; upper and lower case are one."""
    sought = untrusted.strip().casefold()
    return [
        each
        for each in room.catalogue.records.all(kind)
        if any(getattr(head.content, "name", "").casefold() == sought for head in each.heads)
    ]
