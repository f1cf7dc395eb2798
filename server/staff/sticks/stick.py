"""The stick that a bag is carried on: what it is, what it can hold, and how it fails.

Nothing here trusts a stick. Whoever writes to it holds its folders open, so that what comes after
it was pulled fails, and never lands on the machine's own disk where the stick was mounted.
"""

import ctypes
import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from server.errors import ServerError
from server.files import NO_ROOM

FAT_LIMIT: Final = 2**32 - 1
"""The largest file that FAT holds, in bytes: its length has 32 bits."""
FAT_NAMES: Final = 16_000
"""How many of our names one folder of FAT holds: 2 MiB of entries of 32 bytes, 4 to a name."""
_FAT: Final = {"vfat", "msdos", "fuse.fusefat"}
_IN_MEMORY: Final = {"tmpfs", "ramfs", "devtmpfs", "overlay"}
_MOUNTED_BELOW: Final = (Path("/media"), Path("/mnt"), Path("/run/media"))
_GONE: Final = {
    errno.EIO,
    errno.ENODEV,
    errno.ENXIO,
    errno.ENOENT,
    errno.ENOTCONN,
    errno.ECONNABORTED,
    errno.ESHUTDOWN,
    errno.ESTALE,
    errno.ENOMEDIUM,
}

_syncfs = ctypes.CDLL(None, use_errno=True).syncfs
_syncfs.argtypes = (ctypes.c_int,)


class StickFailed(ServerError):
    """The stick did not take the bag, and has nothing that looks like one; `hint`: what to do."""

    def __init__(self, what: str, *, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


class StickFull(StickFailed):
    """There is no room: `needed` and `free` are bytes, where they were known beforehand."""

    def __init__(self, to: Path, *, needed: int | None = None, free: int | None = None) -> None:
        figures = "" if needed is None else f": {in_gb(needed)} more are needed"
        figures += "" if free is None else f", {in_gb(free)} are free"
        hint = (
            "delete from it bags that a desk has imported, or take a larger one; then run it again"
        )
        super().__init__(f"{to} is full{figures}", hint=hint)
        self.needed, self.free = needed, free


class StickReadOnly(StickFailed):
    """It can be read and not written."""

    def __init__(self, to: Path) -> None:
        hint = "move the switch on its side, or unplug it, put it in again, and run it again"
        super().__init__(f"{to} can only be read", hint=hint)


class StickGone(StickFailed):
    """It was there, and doesn't answer any more."""

    def __init__(self, to: Path) -> None:
        hint = "put it in again and run the same again: it goes on; if it fails twice, take another"
        super().__init__(f"{to} does not answer: it was pulled, or is broken", hint=hint)


class StickDiffers(StickFailed):
    """It gave back something else than was written, in the file `name`."""

    def __init__(self, to: Path, name: str) -> None:
        hint = "do not use this stick any more; take another, and run it again"
        super().__init__(f"{to} gives back something else than was written ({name})", hint=hint)
        self.name = name


class TooLargeForStick(StickFailed):
    """A drop is larger than a file can be there; `largest` is that of all in bytes, if known."""

    def __init__(self, to: Path, *, largest: int | None = None) -> None:
        size = "" if largest is None else f" of {in_gb(largest)}"
        hint = "format the stick as exFAT, which erases it, and run it again"
        why = "FAT32 ends at 4 GiB (4.3 GB) a file"
        super().__init__(f"{to} can't hold a drop{size}: {why}", hint=hint)
        self.largest = largest


class NameTaken(StickFailed):
    """What lies at `path` is a link or a file, or another bag, where ours would be."""

    def __init__(self, path: Path) -> None:
        hint = f"look what it is, and rename or delete it; then run it again: {path}"
        super().__init__(f"{path} is not a folder of ours", hint=hint)
        self.path = path


class StickRefuses(StickFailed):
    """The file system there answers with an error of its own."""

    def __init__(self, to: Path, why: str) -> None:
        hint = "who runs this must be allowed to write there; if so, take another stick"
        super().__init__(f"can't write to {to}: {why}", hint=hint)


@dataclass(frozen=True, slots=True)
class Place:
    """What a bag is written to: `kind` is the file system's name, empty when it isn't known.

    `is_stick` is whether it is a file system of its own, and not this machine's.
    """

    kind: str
    is_stick: bool

    @property
    def is_fat(self) -> bool:
        """Whether a file there ends at 4 GiB."""
        return self.kind in _FAT

    @property
    def may_keep_in_memory(self) -> bool:
        """Whether a program of its own stands between, which may answer from its memory."""
        return self.kind.startswith("fuse") or self.kind in _IN_MEMORY


def place_at(to: Path, machine: Iterable[Path]) -> Place:
    """Return what `to` is, which is made if need be. Raises OSError.

    `machine` are folders that lie on this machine's own disks.
    """
    to.mkdir(parents=True, exist_ok=True)
    to = to.resolve()
    kind = _kind(to)
    ours = {folder.stat().st_dev for folder in (Path("/"), *machine)}
    mounted = next(each for each in (to, *to.parents) if each.is_mount())
    is_apart = mounted == to or any(map(mounted.is_relative_to, _MOUNTED_BELOW))
    return Place(kind, is_apart and kind not in _IN_MEMORY and to.stat().st_dev not in ours)


def free_bytes(folder: int) -> int | None:
    """Return how much the file system of this descriptor can still hold, if it says so."""
    facts = os.fstatvfs(folder)
    return facts.f_bavail * facts.f_frsize if facts.f_blocks else None


def block_bytes(folder: int) -> int:
    """Return in steps of how many bytes the file system of this descriptor gives room."""
    return max(os.fstatvfs(folder).f_frsize, 1)


def in_blocks(size: int, block: int) -> int:
    """Return what a file of `size` bytes takes, in whole blocks of so many bytes."""
    return -(-size // block) * block


def sync_stick(folder: int) -> None:
    """Have everything on the file system of this descriptor written out. Raises OSError."""
    if _syncfs(folder) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@contextmanager
def failures_named(to: Path) -> Iterator[None]:
    """Say whatever the file system at `to` answers in our own words."""
    try:
        yield
    except OSError as error:
        raise _named(error, to) from None


def _named(error: OSError, to: Path) -> StickFailed:
    match error.errno:
        case errno.EFBIG:
            return TooLargeForStick(to)
        case number if number in NO_ROOM:
            return StickFull(to)
        case errno.EROFS:
            return StickReadOnly(to)
        case number if number in _GONE:
            return StickGone(to)
        case number:
            return StickRefuses(to, os.strerror(number or 0))


def _kind(place: Path) -> str:
    """Return the file system's name (proc(5), mountinfo), or nothing when it isn't listed."""
    device = place.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    kind = ""
    with Path("/proc/self/mountinfo").open(encoding="utf-8", errors="replace") as mounts:
        for line in mounts:
            before, _, after = line.partition(" - ")
            if before.split()[2] == number:
                kind = after.split()[0]
    return kind


def in_gb(size: int) -> str:
    """Return a size as it is printed on sticks: in thousands."""
    return f"{size / 10**9:.1f} GB" if size >= 10**9 else f"{size / 10**6:.1f} MB"
