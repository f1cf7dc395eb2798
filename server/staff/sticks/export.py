"""Copy every sealed drop into a signed bag on a stick, and read it back before saying so.

    <to>/TAPEDROP/<random>/data/<random>.gpg   the envelopes, as the store holds them
    <to>/TAPEDROP/<random>/…                   the lists and the signature (`crypto/bag.py`), last

Until it is read back, the bag's folder ends in `.part`, which every reader passes over; the next
export goes on in it (`unfinished.py`). The drop may run meanwhile: whatever has a name in the
store is whole.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto.bag import FOLDER
from server.errors import StoreFailed
from server.staff.alone import alone
from server.staff.days import keep_last_export
from server.staff.sticks.bagging import Bagging, Progress, Written
from server.staff.sticks.opened import exported_drops, keep_exported
from server.staff.sticks.stick import (
    FAT_LIMIT,
    FAT_NAMES,
    Place,
    TooLargeForStick,
    failures_named,
    place_at,
)
from server.staff.sticks.unfinished import Bags
from server.store import Store

MOST_DROPS: Final = 100_000
"""What a desk takes in one bag; FAT holds fewer."""


@dataclass(frozen=True, slots=True)
class Exported:
    """Bags that were read back whole; none when there was nothing to export, else mostly one.

    Of all `bytes`, `kept` lay on the stick already; `was_there` is whether whole bags did.
    `from_stick` is whether what was read back came from the stick for certain, and not from this
    machine's memory.
    """

    folders: tuple[Path, ...] = ()
    place: Place | None = None
    drops: int = 0
    bytes: int = 0
    kept: int = 0
    was_there: bool = False
    from_stick: bool = False


async def export(
    store: Store,
    to: Path,
    *,
    export_key: Ed25519PrivateKey,
    newsroom: tuple[str, ...],
    day: date,
    receipts: Path,
    machine: tuple[Path, ...] = (),
    progress: Progress = lambda _what, _passed, _total: None,
) -> Exported:
    """Write a bag of all drops below `to`, which is made if need be.

    There are several where one can't hold them all; then each is whole before the next is begun.

    What was carried is noted in the folder `receipts`, so that it can be told later which drop a
    desk's receipt is about. `machine` are folders on this machine's own disks, beside `receipts`:
    what lies on the same disk is no stick. Raises StoreFailed when the store can't be read, a leaf
    of StickFailed when the stick can't be written, or gives back something else, and NotFit while
    another export runs. Then there is no bag, and what was written so far waits for the next one.
    """
    with alone(receipts, "export"), failures_named(to):
        sizes = {one.name: one.size async for one in store.listed("drops/")}
        if not sizes:
            return Exported()
        place = place_at(to, (receipts, *machine))
        if place.is_fat and max(sizes.values()) > FAT_LIMIT:
            raise TooLargeForStick(to, largest=max(sizes.values()))
        most, names = FAT_NAMES if place.is_fat else MOST_DROPS, sorted(sizes)
        parts = [names[start : start + most] for start in range(0, len(names), most)]
        done: list[Written] = []
        with Bags(to, export_key.public_key(), is_stick=place.is_stick) as bags:
            for part in parts:
                lot = {name: sizes[name] for name in part}
                writing = Bagging(store, bags, lot, export_key, newsroom, day, progress)
                bag = await writing.there_already() or await writing.write()
                if bag is not None:
                    _note(receipts, bag.carried, still_there=sizes)
                    done.append(bag if bag.was_there else writing.finished(bag))
        if done:
            _note_day(receipts, day)
    return Exported(
        folders=tuple(to / FOLDER / bag.name for bag in done),
        place=place,
        drops=sum(len(bag.carried) for bag in done),
        bytes=sum(bag.size for bag in done),
        kept=sum(bag.kept for bag in done),
        was_there=bool(done) and all(bag.was_there for bag in done),
        from_stick=all(bag.from_stick for bag in done) and not place.may_keep_in_memory,
    )


def _note(receipts: Path, carried: Mapping[str, bytes], still_there: Collection[str]) -> None:
    """Note what a bag carries, beside what others did and is still in the store."""
    with _noted_in(receipts):
        before = exported_drops(receipts)
        known = {drop: digest for drop, digest in before.items() if drop in still_there}
        keep_exported(receipts, {**known, **carried})


def _note_day(receipts: Path, day: date) -> None:
    with _noted_in(receipts):
        keep_last_export(receipts, day)


@contextmanager
def _noted_in(receipts: Path) -> Iterator[None]:
    """Say of a note that can't be written that it is not the stick's fault."""
    try:
        yield
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise StoreFailed(f"can't note in {receipts} what was carried: {why}") from None
