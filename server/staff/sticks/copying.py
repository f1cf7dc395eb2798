"""Bring bytes onto a stick, keep what lies there already if it is the same, and read all back.

Files are opened below their folder's descriptor, never through a link. Memory is a block or two,
and what was written is synced every 32 MiB: so progress is the stick's own, and a stick that was
pulled is noticed soon.
"""

import ctypes
import mmap
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from server.store import Store

Passed = Callable[[int], None]
"""Is told how many more bytes have passed."""

_BLOCK: Final = 1024 * 1024
_WINDOW: Final = 64 * _BLOCK
_FLUSH: Final = 32 * _BLOCK
_mincore = ctypes.CDLL(None, use_errno=True).mincore
_mincore.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p)

_FLAGS: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Copied:
    """A drop that is on the stick: its SHA-256, and how many of its bytes were there before."""

    digest: bytes
    size: int
    kept: int


async def copy(
    store: Store, name: str, to: str, folder: int, passed: Passed, *, mode: int
) -> Copied:
    """Have the drop `name` as the file `to` in a folder, whatever is in that file now.

    It is compared with the store from its beginning, and kept as far as it is the same.
    Raises NoSuchObject, StoreFailed, OSError; what was written so far stays then.
    """
    file = os.open(to, os.O_RDWR | os.O_CREAT | _FLAGS, 0o600, dir_fd=folder)
    try:
        _let_read(file, mode)
        digest, end, same, synced = sha256(), 0, True, 0
        kept = 0
        async for block in store.get(name):
            digest.update(block)
            if same:
                same = _read(file, len(block), end) == block
            if same:
                kept += len(block)
            else:
                _write_all(file, block, end)
            end += len(block)
            if end - synced >= _FLUSH:
                synced = end
                _sync(file)
            passed(len(block))
        if os.fstat(file).st_size > end:
            os.ftruncate(file, end)
        _sync(file)
        return Copied(digest.digest(), end, kept)
    finally:
        os.close(file)


async def digest_of(store: Store, name: str, passed: Passed) -> bytes:
    """Return a drop's SHA-256. Raises NoSuchObject, StoreFailed."""
    digest = sha256()
    async for block in store.get(name):
        digest.update(block)
        passed(len(block))
    return digest.digest()


def write(name: str, content: bytes, folder: int, *, mode: int) -> None:
    """Write a small file that wasn't there, and sync it. Raises OSError."""
    file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600, dir_fd=folder)
    try:
        _let_read(file, mode)
        _write_all(file, content, 0)
        _sync(file)
    finally:
        os.close(file)


def read_back(name: str, folder: int, passed: Passed) -> tuple[bytes, bool]:
    """Return the SHA-256 of a file that was synced, and whether it came from the stick.

    It may have come from this machine's memory where the kernel doesn't say otherwise. What is no
    regular file reads as nothing. Raises OSError.
    """
    found, end = sha256(), 0
    file = os.open(name, os.O_RDONLY | _FLAGS, dir_fd=folder)
    try:
        from_stick = _dropped(file)
        while stat.S_ISREG(os.fstat(file).st_mode) and (block := os.pread(file, _BLOCK, end)):
            found.update(block)
            end += len(block)
            passed(len(block))
    finally:
        os.close(file)
    return found.digest(), from_stick


def _dropped(file: int) -> bool:
    """Have the kernel forget what it holds of a file; return whether it did, by mincore(2)."""
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    size = os.fstat(file).st_size
    for start in range(0, size, _WINDOW):
        length = min(_WINDOW, size - start)
        in_memory = ctypes.create_string_buffer(-(-length // mmap.PAGESIZE))
        try:
            with mmap.mmap(file, length, access=mmap.ACCESS_COPY, offset=start) as mapped:
                first = ctypes.c_char.from_buffer(mapped)
                failed = _mincore(ctypes.addressof(first), length, in_memory)
                del first  # or it could not be unmapped
        except (OSError, ValueError):
            return False
        if failed or any(page & 1 for page in in_memory.raw):
            return False
    return True


def _let_read(file: int, mode: int) -> None:
    with suppress(OSError):  # FAT knows no modes; what else it may be, the next call says
        os.fchmod(file, mode)


def _read(file: int, size: int, start: int) -> bytes:
    read = b""
    while len(read) < size and (more := os.pread(file, size - len(read), start + len(read))):
        read += more
    return read


def _write_all(file: int, block: bytes, start: int) -> None:
    with memoryview(block) as rest:
        done = 0
        while done < len(block):
            done += os.pwrite(file, rest[done:], start + done)


def _sync(file: int) -> None:
    os.fsync(file)
    # What is read back must come from the stick, not from memory.
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
