"""What the store held when yesterday ended, counted once a day: looking twice tells nothing.

    receipts/counted.json    `Counted` below, as it was on the first look today

A source may come at any moment, close a mailbox, or delete a reply. So what came today is left out,
and what sources can change is counted on the first look of a day and told from that file for the
rest of it. Drops are counted anew when staff did something: exported, imported receipts, swept. The
file is made anew where it can't be read.

Memory is eight bytes for each drop that was carried out, and less than a hundred while they are
sorted; a million objects are listed once a day.
"""

import os
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from contextlib import suppress
from datetime import date, timedelta
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from server.config import Admitting, Config, Engine
from server.files import read_regular, replace
from server.staff.desks.desk import Desk
from server.staff.sticks.opened import desks_required, exported_names, opened_drops
from server.store import Store

_NAME: Final = "counted.json"
_LARGEST: Final = 64 * 1024
_CHANGED_BY_STAFF: Final = ("exported", "swept", "*.opened")
_NAME_BYTES: Final = 8
"""Of a drop's random name: two of a million share them in one case of ten million."""


class Free(StrEnum):
    """How much of a disk is free, in steps so wide that no upload shows."""

    HALF = "more than half"
    QUARTER = "more than a quarter"
    TENTH = "more than a tenth"
    LITTLE = "less than a tenth"
    TOO_LITTLE = "too little for newcomers"
    UNKNOWN = "nobody can say"


_STEPS: Final = {Free.HALF: 0.5, Free.QUARTER: 0.25, Free.TENTH: 0.1}


class Drops(msgspec.Struct, frozen=True):
    """Sealed drops: how many, from when the oldest is, and the same of those not carried out yet.

    `may_go` is how many the next sweep may delete, if each still is what was carried out.
    """

    number: int
    oldest: date | None
    waiting: int
    oldest_waiting: date | None
    may_go: int


class Counted(msgspec.Struct, frozen=True):
    """What was in the store at the end of the day before `day`, and how much room there was.

    `after` stands for what staff had done by then.
    """

    day: date
    after: str
    drops: Drops
    mailboxes: int
    replies: int
    spool: Free
    store: Free


async def counted(
    folder: Path, config: Config, store: Store, desks: list[Desk], today: date
) -> Counted:
    """Return what was counted today, counting what wasn't yet. Raises StoreFailed."""
    receipts = folder / config.places.receipts
    before = _kept(receipts / _NAME)
    if before is not None and before.day != today:
        before = None
    after = _done_by_staff(receipts)
    if before is not None and before.after == after:
        return before
    found = Counted(
        day=today,
        after=after,
        drops=await _drops(store, receipts, config, desks, today),
        mailboxes=before.mailboxes if before else await _mailboxes(store, today),
        replies=before.replies if before else await _replies(store, today),
        **_rooms(folder, config),
    )
    with suppress(OSError):  # a full disk, or who looks may only read: it is counted next time
        replace(receipts / _NAME, msgspec.json.encode(found))
    return found


def _kept(path: Path) -> Counted | None:
    try:
        return msgspec.json.decode(read_regular(path, _LARGEST), type=Counted)
    except (OSError, ValueError):
        return None


def _done_by_staff(receipts: Path) -> str:
    """Return what changes when staff, or the night's sweep, did something to the drops."""
    said = sha256()
    for pattern in _CHANGED_BY_STAFF:
        for path in sorted(receipts.glob(pattern)):
            facts = path.stat()
            said.update(f"{path.name} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return said.hexdigest()


async def _drops(
    store: Store, receipts: Path, config: Config, desks: list[Desk], today: date
) -> Drops:
    carried = _Names(exported_names(receipts))
    required = desks_required(config.keeping.desks_required, desks)
    opened = opened_drops(receipts, desks, required)
    due = _Names(_random_part(name) for name, _digest in opened)
    last = today - timedelta(days=config.keeping.opened_days)
    number = waiting = may_go = 0
    oldest = oldest_waiting = today
    async for each in store.listed("drops/"):
        if each.day >= today:
            continue
        name = _random_part(each.name)
        number += 1
        oldest = min(oldest, each.day)
        may_go += each.day <= last and name in due
        if name not in carried:
            waiting += 1
            oldest_waiting = min(oldest_waiting, each.day)
    return Drops(
        number,
        oldest if number else None,
        waiting,
        oldest_waiting if waiting else None,
        may_go,
    )


async def _mailboxes(store: Store, today: date) -> int:
    """Count those into which something came before today; they come one after the other."""
    number, last = 0, ""
    async for each in store.listed("mailboxes/"):
        mailbox = each.name.split("/")[1]
        if each.day < today and mailbox != last:
            number, last = number + 1, mailbox
    return number


async def _replies(store: Store, today: date) -> int:
    number = 0
    async for each in store.listed("replies/"):
        number += each.day < today
    return number


class _Names:
    """Random names, to ask whether one is among them."""

    def __init__(self, names: Iterable[bytes]) -> None:
        self._sorted = array("Q", sorted(map(_number, names)))

    def __contains__(self, name: bytes) -> bool:
        at = bisect_left(self._sorted, _number(name))
        return at < len(self._sorted) and self._sorted[at] == _number(name)


def _number(name: bytes) -> int:
    return int.from_bytes(name[:_NAME_BYTES], "big")


def _random_part(name: str) -> bytes:
    return bytes.fromhex(name.removeprefix("drops/"))


def _rooms(folder: Path, config: Config) -> dict[str, Free]:
    limits, places = config.admission, config.places
    is_here = config.store.engine is Engine.FOLDER
    return {
        "spool": _free(folder / places.spool, limits.spool_floor_bytes, limits),
        "store": _free(folder / places.store, limits.store_floor_bytes, limits)
        if is_here
        else Free.UNKNOWN,
    }


def _free(place: Path, floor: int, limits: Admitting) -> Free:
    try:
        facts = os.statvfs(place)
    except OSError:
        return Free.UNKNOWN
    if facts.f_bavail * facts.f_frsize < floor + limits.reserved_room_bytes:
        return Free.TOO_LITTLE
    share = facts.f_bavail / max(facts.f_blocks, 1)
    return next((step for step, least in _STEPS.items() if share > least), Free.LITTLE)
