"""Bring one bag onto a stick: copy, list, sign, read back; only then does it get its name.

What is there already is used: the same bag, finished, or one that was begun (`unfinished.py`).
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

from crypto.bag import DATA, LARGEST_TAG_FILE_BYTES, TAG_FILES, Bag, Kind, tag_files, verified
from crypto.errors import CryptoError
from server.errors import NoSuchObject
from server.files import read_regular
from server.staff.sticks.copying import Copied, Passed, copy, digest_of, read_back, write
from server.staff.sticks.stick import StickDiffers, StickFull, block_bytes, free_bytes, in_blocks
from server.staff.sticks.unfinished import Bags, holds, make_folder, opened_folder, remove_others
from server.store import Store

_LINE_BYTES: Final = 108
"""What the list takes for a drop: a digest, two spaces, a name, a line feed."""

Progress = Callable[[str, int, int], None]
"""Is told what goes on, and how many of how many bytes have passed."""


@dataclass(frozen=True, slots=True)
class Written:
    """A bag that was read back, and the digest of each drop in it by its name in the store."""

    name: str
    carried: Mapping[str, bytes]
    size: int
    kept: int
    from_stick: bool
    was_there: bool = False


@dataclass(frozen=True, slots=True)
class Bagging:
    """What one bag is to hold, `sizes` in bytes by name, and how it comes onto a stick."""

    store: Store
    bags: Bags
    sizes: Mapping[str, int]
    export_key: Ed25519PrivateKey
    newsroom: tuple[str, ...]
    day: date
    progress: Progress

    async def there_already(self) -> Written | None:
        """Return the bag on the stick that holds just this, once it was compared and read back.

        So whoever can't tell whether an export came to its end runs it again, and nothing is
        written twice.
        """
        for name in self.bags.finished():
            with suppress(NotADirectoryError, PermissionError), self.bags.opened(name) as bag:
                tags = _tag_files(bag)
                carried = self._signed_in(tags)
                listed = [*map(_listed, carried), *tags]
                if not holds(bag, listed) or not await self._are_in_store(carried):
                    continue
                try:
                    from_stick = self._read_back(bag, carried, tags)
                except StickDiffers:  # a desk would set it aside
                    continue
                self.bags.sync()
                size = self._total
                return Written(name, carried, size, size, from_stick, was_there=True)
        return None

    async def write(self) -> Written | None:
        """Go on with the bag that is not finished, or begin one.

        Returns None when all that it was to hold was swept meanwhile.
        """
        name = self.bags.take_up()
        with self.bags.opened(name) as bag:
            with self._data_in(bag) as data:
                copied = await self._copy_all(data)
                os.fsync(data)
            if not copied:
                self.bags.remove(name)
                return None
            carried = {drop: each.digest for drop, each in copied.items()}
            digests = {_listed(drop): digest for drop, digest in carried.items()}
            tags = tag_files(Bag(Kind.DROPS, self.day, self.newsroom, digests), self.export_key)
            for tag_name, content in tags.items():
                write(tag_name, content, bag, mode=self.bags.modes.file)
            os.fsync(bag)
            self.bags.sync()
            from_stick = self._read_back(bag, carried, tags)
        size = sum(each.size for each in copied.values())
        kept = sum(each.kept for each in copied.values())
        return Written(name, carried, size, kept, from_stick)

    def finished(self, bag: Written) -> Written:
        """Return the same bag under the name that makes it one. Raises as Bags.finish does."""
        listed = [*map(_listed, bag.carried), *TAG_FILES]
        return replace(bag, name=self.bags.finish(bag.name, listed))

    @contextmanager
    def _data_in(self, bag: int) -> Iterator[int]:
        """Hold data/ open, with nothing in it but what may be kept, and with room for the rest."""
        files = {_file(drop): size for drop, size in self.sizes.items()}
        remove_others(bag, lambda entry: entry.name == DATA and entry.is_dir(follow_symlinks=False))
        data = make_folder(DATA, bag, self.bags.to, self.bags.modes.folder)
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

    async def _copy_all(self, data: int) -> dict[str, Copied]:
        """Copy every drop that is still in the store."""
        passed = self._counted("copying", self._total)
        copied: dict[str, Copied] = {}
        for drop in self.sizes:
            try:
                copied[drop] = await self._copy(drop, data, passed)
            except NoSuchObject:  # it was swept meanwhile: the desks have opened it
                with suppress(FileNotFoundError):
                    os.unlink(_file(drop), dir_fd=data)
        return copied

    async def _copy(self, drop: str, data: int, passed: Passed) -> Copied:
        mode = self.bags.modes.file
        return await copy(self.store, drop, _file(drop), data, passed, mode=mode)

    def _signed_in(self, tags: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return what a bag lists, if we signed it, for just these drops and keys."""
        try:
            said = verified(tags, self.export_key.public_key())
        except CryptoError:
            return {}
        listed = {_listed(drop): drop for drop in self.sizes}
        if said.digests.keys() != listed.keys() or said.newsroom != self.newsroom:
            return {}
        return {listed[name]: digest for name, digest in said.digests.items()}

    async def _are_in_store(self, carried: Mapping[str, bytes]) -> bool:
        passed = self._counted("comparing", self._total)
        for drop, digest in carried.items():
            try:
                if await digest_of(self.store, drop, passed) != digest:
                    return False
            except NoSuchObject:
                return False
        return True

    def _read_back(self, bag: int, carried: Mapping[str, bytes], tags: Mapping[str, bytes]) -> bool:
        """Return whether all came from the stick for certain. Raises StickDiffers, OSError."""
        passed = self._counted("reading back", self._total + sum(map(len, tags.values())))
        all_from_stick = True
        with opened_folder(DATA, bag) as data:
            files = [(data, _file(drop), digest) for drop, digest in carried.items()]
            files += [(bag, tag, sha256(content).digest()) for tag, content in tags.items()]
            for folder, name, digest in files:
                found, from_stick = read_back(name, folder, passed)
                if found != digest:
                    raise StickDiffers(self.bags.to, name)
                all_from_stick &= from_stick
        return all_from_stick

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


def _file(drop: str) -> str:
    return f"{drop.removeprefix('drops/')}.gpg"


def _listed(drop: str) -> str:
    return f"{DATA}/{_file(drop)}"


def _tag_files(bag: int) -> dict[str, bytes]:
    """Return those of a bag's lists that can be read."""
    tags = {}
    for name in TAG_FILES:
        with suppress(OSError, ValueError):
            tags[name] = read_regular(Path(name), LARGEST_TAG_FILE_BYTES, folder=bag)
    return tags
