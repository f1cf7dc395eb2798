"""Write the objects in a folder anew, so that the disk knows the day they came, and no more.

When a file was born and changed, its inode number and where it lies can't be set, only be had
anew. For each object, in the order given:

    copy        an unnamed file in anew/, with midnight of the object's day as its time; synced
    linkat      to anew/<name, its slashes as dots>
    renameat2   of a drop, from drops/ to rested/
    renameat2   RENAME_EXCHANGE: both are whole at every moment; what was deleted meanwhile stays
                deleted, because there is nothing to trade with
    unlink      what is in anew/ now: the old one

A name in anew/ is never an object's only one. So whatever a crash leaves there may be removed by
anybody at any time, also while another process rewrites: then that object waits for the next night.

The old ones stay open until a batch is done. File systems give a freed inode number, and freed
blocks, to the next that asks: one by one, each copy would get the number of the one rewritten
before it, and their times tell which that was. On ext4 this gave the order of arrival back, whole.

A folder keeps names in the order in which they came, too: Btrfs and XFS show it, ext4 has it in its
blocks. Hence rested/: there, drops stand in the order of the nights, and can't be laid side by side
with the mailboxes that began with them. An object goes from drops/ to rested/ and never back, so
whoever looks for it looks in this order.
"""

import errno
import os
import threading
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from server.files import NO_ROOM, sync_folder
from server.store.trading import exchange, rename_to_new

DAY_NS: Final = 86_400 * 10**9
"""Rewriting leaves midnight behind; nothing else does."""
RESTED: Final = "rested"
"""The folder of drops that were written anew. Their names go on beginning with drops/."""
_ANEW: Final = "anew"
_DROPS: Final = "drops"
_BLOCK: Final = 1024 * 1024
_BATCH: Final = 256
_BATCH_BYTES: Final = 1024**3
_SMALL: Final = 64
"""Of the room that is to stay free, no more is asked for than so many times an object's size."""
_NAMELESS: Final = os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_OLD: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


def rewrite_all(
    root: Path, names: Iterable[str], stopped: threading.Event, *, kept_free: int = 0
) -> int:
    """Write these objects anew, in this order; return how many found no room.

    `kept_free` bytes are left to those who are sending meanwhile. Raises OSError, when all others
    are done, if any of them failed.
    """
    clear(root)
    for folder in (_ANEW, RESTED):
        (root / folder).mkdir(mode=0o700, exist_ok=True)
    without_room, failure = 0, None
    with _Batch() as batch:
        for name in names:
            if stopped.is_set():
                return without_room
            try:
                _rewrite(root, name, batch, stopped, kept_free)
            except FileExistsError:
                continue  # another process is at it
            except OSError as error:
                if error.errno in NO_ROOM:
                    without_room += 1
                else:
                    failure = error
    if failure is not None:
        raise failure
    return without_room


def clear(root: Path) -> None:
    """Remove what a crash left of a rewriting."""
    with suppress(FileNotFoundError):
        for path in list((root / _ANEW).iterdir()):
            path.unlink(missing_ok=True)


def places_of(root: Path, name: str) -> tuple[Path, ...]:
    """Return where an object may be, in the order in which to look."""
    path = root / name
    return (path, root / RESTED / path.name) if path.parent.name == _DROPS else (path,)


def copy_of(root: Path, name: str) -> Path:
    """Return where the object's other name is while it is rewritten."""
    return root / _ANEW / name.replace("/", ".")


class _Batch(ExitStack):
    """Holds old files open, and with them their inodes, until there are many."""

    def __init__(self) -> None:
        super().__init__()
        self._held = 0
        self._held_bytes = 0

    def held(self, path: Path) -> int:
        if self._held >= _BATCH or self._held_bytes >= _BATCH_BYTES:
            self.let_go()
        descriptor = os.open(path, _OLD)
        self.callback(os.close, descriptor)
        self._held += 1
        self._held_bytes += os.fstat(descriptor).st_size
        return descriptor

    def let_go(self) -> None:
        self.close()
        self._held = self._held_bytes = 0


def _rewrite(
    root: Path, name: str, batch: _Batch, stopped: threading.Event, kept_free: int
) -> None:
    places, copy = places_of(root, name), copy_of(root, name)
    with suppress(FileNotFoundError):
        path, facts = _found(places)
        if facts.st_mtime_ns % DAY_NS == 0:
            return
        if not _has_room(root, facts.st_size, kept_free):
            batch.let_go()
            if not _has_room(root, facts.st_size, kept_free):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        _copy(batch.held(path), copy, facts.st_mtime_ns, stopped)
        _trade(path, places[-1], copy)


def _found(places: tuple[Path, ...]) -> tuple[Path, os.stat_result]:
    for path in places[:-1]:
        with suppress(FileNotFoundError):
            return path, path.lstat()
    return places[-1], places[-1].lstat()


def _has_room(root: Path, size: int, kept_free: int) -> bool:
    disk = os.statvfs(root)
    return disk.f_bavail * disk.f_frsize >= size + min(kept_free, _SMALL * size)


def _copy(old: int, copy: Path, put_ns: int, stopped: threading.Event) -> None:
    """Link a synced copy of `old` to the name `copy`; not when it is stopped."""
    with os.fdopen(os.open(copy.parent, _NAMELESS, 0o600), "wb") as file:
        # No copy_file_range: where blocks can be shared, the copy would lie where the old one does.
        while block := os.read(old, _BLOCK):
            if stopped.is_set():
                return
            file.write(block)
        file.flush()
        midnight = put_ns - put_ns % DAY_NS
        os.utime(file.fileno(), ns=(midnight, midnight))
        os.fsync(file.fileno())
        for descriptor in (old, file.fileno()):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        _link(file.fileno(), copy)


def _link(descriptor: int, path: Path) -> None:
    folder = os.open(path.parent, _FOLDER)
    try:
        # Only with a folder descriptor does Python use linkat, which can follow /proc to the file.
        os.link(f"/proc/self/fd/{descriptor}", path.name, dst_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)


def _trade(path: Path, rests: Path, copy: Path) -> None:
    """Put the copy in the old one's place, unless nothing is there any more."""
    try:
        with suppress(FileNotFoundError):
            if path != rests:
                rename_to_new(path, rests)
            exchange(copy, rests)
            for folder in {rests.parent, path.parent}:
                sync_folder(folder)
    finally:
        copy.unlink(missing_ok=True)
