"""Write a file so that it is there whole, or not at all.

It is written without a name (O_TMPFILE), synced, and only then linked under its own, so a crash
leaves nothing behind and nothing is ever overwritten. File systems that know no nameless files
(FAT, on most sticks) get a `.part` that takes the name when all is written.
"""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from intake.errors import AlreadyThere

FOR_ANYONE: Final = 0o644
FOLDER_FOR_ANYONE: Final = 0o755
SHARED_FOLDER: Final = 0o1777
PRIVATE_FILE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700
_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NO_NAMELESS_FILES: Final = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL}


@contextmanager
def appearing(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write that appears at `path`, synced, when the block ends well.

    If the block raises there is no file. Raises AlreadyThere when the name is taken.
    """
    if path.is_symlink() or path.exists():
        raise AlreadyThere(path)
    with _new(path, f"{path.name}.part") as out:
        yield out


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """The same, for a file that stands in for one that may be there, if the block ends well."""
    # Of another name each time: what one that was killed has left stands in nobody's way.
    with _new(path, f"{path.name}.{secrets.token_hex(8)}.part") as out:
        yield out
        path.unlink(missing_ok=True)


def write(path: Path, content: bytes) -> None:
    """Write a small file. Raises AlreadyThere."""
    with appearing(path) as out:
        out.write(content)


def carry_out(path: Path, content: bytes) -> None:
    """Write a small file that whoever gets the stick may read. Raises AlreadyThere."""
    write(path, content)
    with suppress(OSError):  # a stick (FAT) refuses to be told, and lets anyone read
        path.chmod(FOR_ANYONE)


def rewrite(path: Path, content: bytes) -> None:
    """Write a small file anew in one step: a crash leaves the old one or the new one."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)  # left by one that was interrupted
    with _exclusive(part) as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    part.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` as durable as the files they name."""
    fd = os.open(folder, _FOLDER_FLAGS)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _new(path: Path, part_name: str) -> AbstractContextManager[BinaryIO]:
    try:
        fd = os.open(path.parent, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, PRIVATE_FILE)
    except OSError as error:
        if error.errno in _NO_NAMELESS_FILES:
            return _beside(path, path.with_name(part_name))
        raise
    return _nameless(fd, path)


@contextmanager
def _nameless(fd: int, path: Path) -> Iterator[BinaryIO]:
    with os.fdopen(fd, "wb") as out:
        yield out
        out.flush()
        os.fsync(fd)
        folder = os.open(path.parent, _FOLDER_FLAGS)
        try:
            # Only with a folder's descriptor does Python call linkat(), which follows /proc's link.
            os.link(f"/proc/self/fd/{fd}", path.name, dst_dir_fd=folder, follow_symlinks=True)
            os.fsync(folder)
        except FileExistsError:
            raise AlreadyThere(path) from None
        finally:
            os.close(folder)


@contextmanager
def _beside(path: Path, part: Path) -> Iterator[BinaryIO]:
    try:
        with _exclusive(part) as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        # An empty file takes the name, if it is free, and the whole one then takes its place.
        _exclusive(path).close()
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(path.parent)


def _exclusive(path: Path) -> BinaryIO:
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.fdopen(os.open(path, flags, PRIVATE_FILE), "wb")
    except FileExistsError:
        raise AlreadyThere(path) from None
