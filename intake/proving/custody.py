"""The custody log: what was done with each drop at this desk, every entry holding the one before.

    entry    canonical JSON: version, number, day, act, drop, by, said, previous (docs/custody.md)
    hash     SHA-256 of the entry's bytes; `previous` is that of the entry before, zeros at first
    drop     a mark: only who knows the vault can tell which envelope it is, and prove it of one

Never in it: a source's handle, an original name, a plain digest, a clock finer than a day.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Final

import msgspec

from intake.errors import CustodyBroken, CustodyRewritten, CustodyShorter

VERSION: Final = "tapedrop custody 1"
_MOST_ENTRIES: Final = 2**53
NOTHING: Final = bytes(32)
"""What the first entry holds as the hash of the one before."""


class Act(StrEnum):
    """What was done."""

    WAS_HERE = "was here before"
    """The log begins: an earlier Tapedrop kept none."""
    IMPORTED = "imported"
    OPENED = "opened"
    SET_ASIDE = "set aside"
    EXPORTED = "exported"
    SHARED = "shared"
    MERGED = "merged"
    HELD = "put on hold"
    RELEASED = "released from hold"
    PURGED = "purged"
    BACKED_UP = "backed up"
    BACKUP_GONE = "lost a backup"
    RESTORED = "restored"
    TOLD = "told the server"
    RESEALED = "sealed the vault anew"
    KEY_DESTROYED = "destroyed a key"
    STATED = "accounted for"
    """A statement about it was written to a file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log. `said` are small facts: a count, a fingerprint, a desk's name."""

    number: int
    day: str
    act: Act
    drop: str | None
    by: str
    said: Mapping[str, str | int]
    previous: bytes

    @property
    def encoded(self) -> bytes:
        """The entry's bytes: JSON with sorted members and no spaces."""
        told = {
            "version": VERSION,
            "number": self.number,
            "day": self.day,
            "act": self.act,
            "drop": self.drop,
            "by": self.by,
            "said": dict(self.said),
            "previous": self.previous.hex(),
        }
        return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()

    @property
    def hash(self) -> bytes:
        return sha256(self.encoded).digest()


@dataclass(frozen=True, slots=True)
class Head:
    """How far a log reaches: the number of its last entry, and that one's hash."""

    number: int = 0
    hash: bytes = NOTHING


def next_entry(
    head: Head, act: Act, *, day: date, drop: str | None, by: str, said: Mapping[str, str | int]
) -> Entry:
    """Return the entry that follows `head`."""
    return Entry(head.number + 1, day.isoformat(), act, drop, by, said, head.hash)


def followed(entries: Iterable[Entry], heads: Collection[Head] = ()) -> Head:
    """Go through a log to its end; return its head, which agrees with each of `heads`.

    They are what was carried out of the desk before. A log whose entries follow each other can
    still be another one: written anew with the vault's key, or an older one put in its place.
    Raises CustodyRewritten, CustodyShorter, and what `entries` raises.
    """
    wanted: dict[int, set[bytes]] = {}
    for each in heads:
        wanted.setdefault(each.number, set()).add(each.hash)
    head, agreed = Head(), 0
    for entry in entries:
        head = Head(entry.number, entry.hash)
        said = wanted.pop(entry.number, None)
        if said is None:
            continue
        if said != {entry.hash}:
            raise CustodyRewritten(first=agreed + 1, number=entry.number)
        agreed = entry.number
    if wanted and max(wanted):
        raise CustodyShorter(number=head.number, carried_out=max(wanted))
    return head


class _Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: str
    number: int
    day: str
    act: Act
    drop: str | None
    by: str
    said: dict[str, str | int]
    previous: str


def read_entry(encoded: bytes) -> Entry:
    """Return the entry whose bytes these are. Raises ValueError when they are not as we write it.

    Whether it follows another is not looked at.
    """
    told = msgspec.json.decode(encoded, type=_Told)
    date.fromisoformat(told.day)
    if not 0 < told.number < _MOST_ENTRIES:
        raise ValueError("no log has an entry of this number")
    previous = bytes.fromhex(told.previous)
    entry = Entry(told.number, told.day, told.act, told.drop, told.by, told.said, previous)
    if entry.encoded != encoded:
        raise ValueError("another writing of an entry")
    return entry


def verified(encoded: Iterable[bytes]) -> Iterator[Entry]:
    """Yield the entries of a log, each checked to follow the one before.

    Raises CustodyBroken at the first that doesn't, by the number that it should have.
    """
    head = Head()
    for each in encoded:
        try:
            entry = read_entry(each)
        except ValueError:
            raise CustodyBroken(head.number + 1) from None
        if entry.number != head.number + 1 or entry.previous != head.hash:
            raise CustodyBroken(head.number + 1)
        head = Head(entry.number, entry.hash)
        yield entry
