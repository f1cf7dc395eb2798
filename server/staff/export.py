"""Copy every sealed drop into a signed bag on a stick, and read it back before saying so.

    <to>/TAPEDROP/<random>/data/<random>.gpg   the envelopes, as the store holds them
    <to>/TAPEDROP/<random>/…                   the lists and the signature (`crypto/bag.py`), last

Until it is read back, the bag's folder ends in `.part`, which every reader passes over.
The drop may run meanwhile: whatever has a name in the store is whole.
"""

import os
import shutil
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto.bag import DATA, FOLDER, UNFINISHED, Bag, Kind, tag_files
from server.errors import NoSuchObject, StoreFailed, StoreFull
from server.files import NO_ROOM, sync_folder
from server.staff.opened import keep_exported
from server.store import Store, random_name

_BLOCK: Final = 1024 * 1024


class NotWritten(StoreFailed):
    """The stick did not take the bag, or gave back other bytes than were written."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A bag that was read back whole; `folder` is None when there was nothing to export."""

    folder: Path | None
    drops: int
    bytes: int


async def export(
    store: Store,
    to: Path,
    *,
    export_key: Ed25519PrivateKey,
    newsroom: tuple[str, ...],
    day: date,
    receipts: Path,
) -> Exported:
    """Write a bag of all drops below `to`, which is made if need be.

    What was carried is noted in the folder `receipts`, so that it can be told later which drop a
    desk's receipt is about. Raises StoreFailed when the store can't be read, NotWritten or
    StoreFull when the stick can't be written; then no bag is left.
    """
    names = sorted([name async for name in store.names("drops/")])
    if not names:
        return Exported(None, 0, 0)
    whole = to / FOLDER / random_name()
    folder = whole.with_suffix(UNFINISHED)
    try:
        (folder / DATA).mkdir(parents=True, mode=0o700)
        digests: dict[str, bytes] = {}
        carried: dict[str, bytes] = {}
        total = 0
        for name in names:
            listed = f"{DATA}/{name.removeprefix('drops/')}.gpg"
            try:
                carried[name], size = await _copy(store, name, folder / listed)
            except NoSuchObject:  # it was swept meanwhile: the desks have opened it
                (folder / listed).unlink()
                continue
            digests[listed] = carried[name]
            total += size
        sync_folder(folder / DATA)
        bag = Bag(Kind.DROPS, day, newsroom, digests)
        for tag_name, content in tag_files(bag, export_key).items():
            _write(folder / tag_name, content)
            digests[tag_name] = sha256(content).digest()
        for place in (folder, folder.parent, to):
            sync_folder(place)
        _read_back(folder, digests)
        _note(carried, receipts)
        folder.rename(whole)
        sync_folder(whole.parent)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        if error.errno in NO_ROOM:
            raise StoreFull(f"{to} is full") from None
        raise NotWritten(f"can't write to {to}: {os.strerror(error.errno or 0)}") from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Exported(whole, len(carried), total)


async def _copy(store: Store, name: str, path: Path) -> tuple[bytes, int]:
    digest, size = sha256(), 0
    with path.open("xb") as file:
        async for block in store.get(name):
            digest.update(block)
            size += len(block)
            file.write(block)
        _sync(file)
    return digest.digest(), size


def _note(carried: dict[str, bytes], receipts: Path) -> None:
    try:
        keep_exported(receipts, carried)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise StoreFailed(f"can't note in {receipts} what was carried: {why}") from None


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        _sync(file)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
    # What is read back must come from the stick, not from memory.
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _read_back(folder: Path, digests: dict[str, bytes]) -> None:
    for name, digest in digests.items():
        read = sha256()
        with (folder / name).open("rb") as file:
            while block := file.read(_BLOCK):
                read.update(block)
        if read.digest() != digest:
            raise NotWritten("what was written reads back as something else; don't use this stick")
