"""Files that are still on their way in: what has come of each is kept, and gone on from.

    <64 hex digits>.part    what has come of the envelope of that SHA-256, synced now and then

Nobody believes such a file: after a crash its end may be anything. Whoever goes on with it hashes
what is there, and the whole takes its own name only when the digest is the one it is called for.
"""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from intake.durable import PRIVATE_FILE
from intake.errors import DeskBusy

SYNCED_EACH: Final = 64 * 1024 * 1024
"""How much of an envelope a power cut may cost, in bytes; about as much again is under way."""
_BLOCK_SIZE: Final = 1024 * 1024
_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC

Told = Callable[[int], None]


class Part:
    """One such file, open, and ours alone. `size` is in bytes."""

    def __init__(self, path: Path, fd: int, pool: ThreadPoolExecutor) -> None:
        self._path = path
        self._fd = fd
        self._pool = pool
        self._syncing: Future[None] | None = None
        self._passed = sha256()
        self.size = 0

    @property
    def digest(self) -> bytes:
        """SHA-256 of everything that is here."""
        return self._passed.digest()

    def take_up(self, told: Told) -> None:
        """Hash what an earlier run left; `told` hears how many bytes went by."""
        buffer = memoryview(bytearray(_BLOCK_SIZE))
        while got := os.preadv(self._fd, [buffer], self.size):
            self._passed.update(buffer[:got])
            self.size += got
            told(got)

    def add(self, blocks: Iterable[memoryview], told: Told) -> None:
        """Write blocks at the end; what could be written of them stays, whatever is raised."""
        synced = self.size
        for block in blocks:
            # Hashing and writing take about as long, and neither needs the interpreter.
            hashing = self._pool.submit(self._passed.update, block)
            try:
                self._write(block)
            finally:
                hashing.result()
            told(len(block))
            if self.size - synced >= SYNCED_EACH:
                synced = self.size
                self._sync_behind()

    def empty(self) -> None:
        """Forget what is here."""
        os.ftruncate(self._fd, 0)
        self._passed = sha256()
        self.size = 0

    def discard(self) -> None:
        """Take the file away."""
        self._path.unlink()

    def becomes(self, path: Path) -> None:
        """Give the file its own name, synced; one that has it gives way.

        The name itself is durable when its folder is synced, which is the caller's to do.
        """
        os.fsync(self._fd)
        self._path.replace(path)

    def finish(self) -> None:
        """Wait for what is under way."""
        if self._syncing is not None:
            self._syncing.result()

    def _write(self, block: memoryview) -> None:
        while block:
            written = os.pwrite(self._fd, block, self.size)
            self.size += written
            block = block[written:]

    def _sync_behind(self) -> None:
        """Have what is here synced while more is copied; wait for the sync before."""
        self.finish()
        self._syncing = self._pool.submit(_synced, self._fd)


@contextmanager
def part_at(path: Path) -> Iterator[Part]:
    """Give the part at `path`, made if missing. Raises DeskBusy when another command writes it."""
    fd = os.open(path, _FLAGS, PRIVATE_FILE)
    try:
        _take_lock(fd, path)
        with ThreadPoolExecutor(2) as pool:
            part = Part(path, fd, pool)
            try:
                yield part
            finally:
                part.finish()
    finally:
        os.close(fd)


def tidy_away(path: Path) -> None:
    """Remove a part, unless another command is writing it."""
    fd = os.open(path, _FLAGS, PRIVATE_FILE)
    try:
        _take_lock(fd, path)
        path.unlink()
    except DeskBusy:
        pass
    finally:
        os.close(fd)


def _take_lock(fd: int, path: Path) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Between opening and locking, another may have finished it: then this is evidence by now.
        ours = os.path.samestat(os.fstat(fd), path.lstat())
    except (BlockingIOError, FileNotFoundError):
        raise DeskBusy from None
    if not ours:
        raise DeskBusy


def _synced(fd: int) -> None:
    os.fdatasync(fd)
    # What is on the disk needn't crowd what others work on out of memory.
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
