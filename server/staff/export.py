"""Copy every sealed drop into a signed bag on a stick, and read it back before saying so.

    <to>/TAPEDROP/<random>/data/<random>.gpg   the envelopes, as the store holds them
    <to>/TAPEDROP/<random>/…                   the lists and the signature (`crypto/bag.py`), last

Until it is read back, the bag's folder ends in `.part`, which every reader passes over; the next
export goes on in it (`unfinished.py`). The drop may run meanwhile: whatever has a name in the
store is whole.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto.bag import (
    DATA,
    FOLDER,
    LARGEST_TAG_FILE_BYTES,
    TAG_FILES,
    Bag,
    Kind,
    tag_files,
    verified,
)
from crypto.errors import CryptoError
from server.errors import NoSuchObject, StoreFailed
from server.files import read_regular
from server.staff.alone import alone
from server.staff.copying import Passed, copy, digest_of, read_back, write
from server.staff.days import keep_last_export
from server.staff.opened import keep_exported
from server.staff.sticks import (
    FAT_LIMIT,
    FAT_NAMES,
    Place,
    StickDiffers,
    StickFull,
    TooLargeForStick,
    block_bytes,
    failures_named,
    free_bytes,
    in_blocks,
    place_at,
)
from server.staff.unfinished import Bags, holds, make_folder, opened_folder, remove_others
from server.store import Store

MOST_DROPS: Final = 100_000
"""What a desk takes in one bag."""
_LINE_BYTES: Final = 108
"""What the list takes for a drop: a digest, two spaces, a name, a line feed."""

Progress = Callable[[str, int, int], None]
"""Is told what goes on, and how many of how many bytes have passed."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A bag that was read back whole; `folder` is None when there was nothing to export.

    Of its `bytes`, `kept` lay on the stick already; `was_there` is whether the whole bag did.
    `left` drops go into the next bag: this one is full. `from_stick` is whether what was read back
    came from the stick for certain, and not from this machine's memory.
    """

    folder: Path | None = None
    place: Place | None = None
    drops: int = 0
    bytes: int = 0
    kept: int = 0
    was_there: bool = False
    left: int = 0
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

    What was carried is noted in the folder `receipts`, so that it can be told later which drop a
    desk's receipt is about. `machine` are folders on this machine's own disks, beside `receipts`:
    what lies on the same disk is no stick. Raises StoreFailed when the store can't be read, a leaf
    of StickFailed when the stick can't be written, or gives back something else, and NotFit while
    another export runs. Then there is no bag, and what was written so far waits for the next one.
    """
    with alone(receipts, "export"), failures_named(to):
        found = {one.name: one.size async for one in store.listed("drops/")}
        if not found:
            return Exported()
        place = place_at(to, (receipts, *machine))
        names = sorted(found)[: FAT_NAMES if place.is_fat else MOST_DROPS]
        largest = max(found[name] for name in names)
        if place.is_fat and largest > FAT_LIMIT:
            raise TooLargeForStick(to, largest=largest)
        with Bags(to, export_key.public_key()) as bags:
            sizes = {name: found[name] for name in names}
            going = _Export(
                store, bags, place, sizes, export_key, newsroom, day, receipts, progress
            )
            done = await going.there_already() or await going.write()
        if done.folder:
            with _noted_in(receipts):
                keep_last_export(receipts, day)
    return replace(done, left=len(found) - len(names))


@dataclass(frozen=True, slots=True)
class _Export:
    """What is to be carried, `sizes` in bytes by name, and how it comes onto a stick."""

    store: Store
    bags: Bags
    place: Place
    sizes: Mapping[str, int]
    export_key: Ed25519PrivateKey
    newsroom: tuple[str, ...]
    day: date
    receipts: Path
    progress: Progress

    async def there_already(self) -> Exported | None:
        """Return the bag on the stick that holds just this, once it was compared and read back.

        So whoever can't tell whether an export came to its end runs it again, and nothing is
        written twice.
        """
        for name in self.bags.finished():
            with suppress(NotADirectoryError, PermissionError), self.bags.opened(name) as bag:
                tags = _tag_files(bag)
                digests = self._signed_in(tags)
                if not holds(bag, [*digests, *tags]) or not await self._are_in_store(digests):
                    continue
                size = self._total
                try:
                    from_stick = self._read_back(bag, digests, tags, size)
                except StickDiffers:  # a desk would set it aside
                    continue
                self.bags.sync()
                self._note(digests)
                return self._told(name, digests, size, size, from_stick, was_there=True)
        return None

    async def write(self) -> Exported:
        """Go on with the bag that is not finished, or begin one."""
        name = self.bags.take_up()
        with self.bags.opened(name) as bag:
            with self._data_in(bag) as data:
                digests, size, kept = await self._copy_all(data)
                os.fsync(data)
            if not digests:
                self.bags.remove(name)
                return Exported()
            tags = tag_files(Bag(Kind.DROPS, self.day, self.newsroom, digests), self.export_key)
            for tag_name, content in tags.items():
                write(tag_name, content, bag)
            os.fsync(bag)
            self.bags.sync()
            from_stick = self._read_back(bag, digests, tags, size)
        self._note(digests)
        whole = self.bags.finish(name, [*digests, *tags])
        return self._told(whole, digests, size, kept, from_stick)

    @contextmanager
    def _data_in(self, bag: int) -> Iterator[int]:
        """Hold data/ open, with nothing in it but what may be kept, and with room for the rest."""
        files = {_file(drop): size for drop, size in self.sizes.items()}
        remove_others(bag, lambda entry: entry.name == DATA and entry.is_dir(follow_symlinks=False))
        data = make_folder(DATA, bag, self.bags.to)
        try:
            there = remove_others(
                data, lambda entry: entry.name in files and entry.is_file(follow_symlinks=False)
            )
            unit = block_bytes(data)
            needed = in_blocks(len(files) * _LINE_BYTES, unit)
            for name, size in files.items():
                needed += max(in_blocks(size, unit) - in_blocks(there.get(name, 0), unit), 0)
            free = free_bytes(data)
            if free is not None and needed > free:
                raise StickFull(self.bags.to, needed=needed, free=free)
            yield data
        finally:
            os.close(data)

    async def _copy_all(self, data: int) -> tuple[dict[str, bytes], int, int]:
        """Return digests by names in the bag, their bytes, and how many of these were kept."""
        passed = self._counted("copying", self._total)
        digests: dict[str, bytes] = {}
        size = kept = 0
        for drop in self.sizes:
            try:
                copied = await copy(self.store, drop, _file(drop), data, passed)
            except NoSuchObject:  # it was swept meanwhile: the desks have opened it
                with suppress(FileNotFoundError):
                    os.unlink(_file(drop), dir_fd=data)
                continue
            digests[f"{DATA}/{_file(drop)}"] = copied.digest
            size += copied.size
            kept += copied.kept
        return digests, size, kept

    def _signed_in(self, tags: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """Return what a bag lists, if we signed it, for just these drops and keys."""
        try:
            said = verified(tags, self.export_key.public_key())
        except CryptoError:
            return {}
        listed = {f"{DATA}/{_file(drop)}" for drop in self.sizes}
        is_same = said.digests.keys() == listed and said.newsroom == self.newsroom
        return said.digests if is_same and said.kind is Kind.DROPS else {}

    async def _are_in_store(self, digests: Mapping[str, bytes]) -> bool:
        passed = self._counted("comparing", self._total)
        for drop in self.sizes:
            try:
                digest = await digest_of(self.store, drop, passed)
            except NoSuchObject:
                return False
            if digests[f"{DATA}/{_file(drop)}"] != digest:
                return False
        return True

    def _read_back(
        self, bag: int, digests: Mapping[str, bytes], tags: Mapping[str, bytes], size: int
    ) -> bool:
        """Return whether all came from the stick for certain. Raises StickDiffers, OSError."""
        expected = {**digests, **{tag: sha256(content).digest() for tag, content in tags.items()}}
        passed = self._counted("reading back", size + sum(map(len, tags.values())))
        all_from_stick = True
        with opened_folder(DATA, bag) as data:
            for listed, digest in expected.items():
                folder = data if listed in digests else bag
                found, from_stick = read_back(listed.rpartition("/")[2], folder, passed)
                if found != digest:
                    raise StickDiffers(self.bags.to, listed)
                all_from_stick &= from_stick
        return all_from_stick

    def _note(self, digests: Mapping[str, bytes]) -> None:
        carried = {
            drop: digests[listed]
            for drop in self.sizes
            if (listed := f"{DATA}/{_file(drop)}") in digests
        }
        with _noted_in(self.receipts):
            keep_exported(self.receipts, carried)

    def _told(
        self,
        name: str,
        digests: Mapping[str, bytes],
        size: int,
        kept: int,
        from_stick: bool,
        *,
        was_there: bool = False,
    ) -> Exported:
        return Exported(
            self.bags.to / FOLDER / name,
            self.place,
            drops=len(digests),
            bytes=size,
            kept=kept,
            was_there=was_there,
            from_stick=from_stick and not self.place.may_keep_in_memory,
        )

    @property
    def _total(self) -> int:
        return sum(self.sizes.values())

    def _counted(self, what: str, total: int) -> Passed:
        """Return what counts bytes, and tells how far it is."""
        so_far = 0

        def passed(size: int) -> None:
            nonlocal so_far
            so_far += size
            self.progress(what, so_far, total)

        return passed


@contextmanager
def _noted_in(receipts: Path) -> Iterator[None]:
    """Say of a note that can't be written that it is not the stick's fault."""
    try:
        yield
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise StoreFailed(f"can't note in {receipts} what was carried: {why}") from None


def _file(drop: str) -> str:
    return f"{drop.removeprefix('drops/')}.gpg"


def _tag_files(bag: int) -> dict[str, bytes]:
    """Return those of a bag's lists that can be read."""
    tags = {}
    for name in TAG_FILES:
        with suppress(OSError, ValueError):
            tags[name] = read_regular(Path(name), LARGEST_TAG_FILE_BYTES, folder=bag)
    return tags
