"""Write and read small files so that a crash, or a stick, can do no harm."""

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

_FOR_ANYONE: Final = 0o644
_PRIVATE: Final = 0o600
NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""What a disk, or a quota, answers when it is full."""


def write_new(path: Path, content: bytes) -> None:
    """Write a file that wasn't there, 0600, synced with its folder. Raises FileExistsError.

    The name is taken with an empty file first: a stick (FAT) knows no hard links.
    """
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        replace(path, content)
    except BaseException:
        path.unlink()
        raise


def carry_out(path: Path, content: bytes) -> None:
    """Write a new file that whoever gets the stick may read: nothing in it is secret.

    Raises FileExistsError.
    """
    write_new(path, content)
    with suppress(OSError):  # a stick (FAT) refuses to be told, and lets anyone read
        path.chmod(_FOR_ANYONE)


def replace(path: Path, content: bytes, *, mode: int = _PRIVATE) -> None:
    """Write a file anew in one step: a crash leaves the old one or the new one."""
    _written_beside(path, content, mode).replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make what was renamed or linked in `folder` outlast a crash."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_regular(path: Path, largest_bytes: int, *, folder: int | None = None) -> bytes:
    """Return a file's content, following no link and waiting on no pipe.

    With `folder`, a descriptor, `path` is below it. Raises OSError, and ValueError when it is no
    regular file or too large.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, dir_fd=folder), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("not a regular file")
        content = file.read(largest_bytes + 1)
    if len(content) > largest_bytes:
        raise ValueError("larger than it may be")
    return content


def _written_beside(path: Path, content: bytes, mode: int) -> Path:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(temporary, flags, _PRIVATE), "wb") as file:
        if mode != _PRIVATE:  # a stick (FAT) refuses to be told
            os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return temporary
