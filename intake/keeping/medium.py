"""The disk that backups lie on: written once, read back from the disk itself, never followed.

    DIR/TAPEDROP-BACKUP/<desk's name>-<8 hex>/    medium, evidence/, snapshots/

What is written is synced and dropped from memory before it is read back, so that what is hashed
came from the disk. A name that ends in `.part` is unfinished. The disk may have been in others'
hands: no link on it is followed.
"""

import errno
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from intake.durable import PRIVATE_FILE, PRIVATE_FOLDER, sync_folder
from intake.errors import BackupDiffers, BackupRefused, EvidenceDamaged, NoRoomThere
from intake.locking import working_at

FOLDER: Final = "TAPEDROP-BACKUP"
UNFINISHED: Final = ".part"
Passed = Callable[[int], None]
"""Is told how many more bytes have passed."""

_BLOCK: Final = 1024 * 1024
_FLUSH: Final = 32 * _BLOCK
_MEDIUM: Final = re.compile(rb"[0-9a-f]{32}\n")
_SNAPSHOT: Final = re.compile(r"(\d{4}-\d\d-\d\d)-([1-9]\d{0,5})")
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


class Medium:
    """One desk's folder on a disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def at(cls, disk: Path, name: str) -> "Medium":
        """Return the folder of the desk `name` on a disk, made if missing. Raises BackupRefused."""
        medium = cls(disk / FOLDER / name)
        for folder in (disk / FOLDER, medium.folder, medium.evidence, medium.snapshots):
            _require_no_link(folder)
            folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        medium.require_folders()
        for folder in (medium.folder, disk / FOLDER, disk):
            sync_folder(folder)
        return medium

    @property
    def evidence(self) -> Path:
        return self.folder / "evidence"

    @property
    def _name(self) -> Path:
        return self.folder / "medium"

    @property
    def snapshots(self) -> Path:
        return self.folder / "snapshots"

    def require_folders(self) -> None:
        """Raise BackupRefused where a folder is a link, or none: it could lead elsewhere."""
        for folder in (self.folder.parent, self.folder, self.evidence, self.snapshots):
            _require_no_link(folder)
            if not folder.is_dir():
                raise BackupRefused(f"{folder.name} is no folder")

    def name(self) -> str:
        """Return which disk this is, 32 hex digits; a new one where nothing says so."""
        known = self.known_name()
        if known is None:
            known = secrets.token_hex(16)
            self._name.unlink(missing_ok=True)
            put(self._name, [f"{known}\n".encode()])
            sync_folder(self.folder)
        return known

    def known_name(self) -> str | None:
        """Return which disk this is, if it says so. What it says is untrusted."""
        try:
            said = content(self._name, most=64)
        except (OSError, BackupRefused):
            return None
        return said.decode().strip() if _MEDIUM.fullmatch(said) else None

    def require_room(self, needed: int) -> None:
        """Raise NoRoomThere when `needed` more bytes can't be written."""
        usage = shutil.disk_usage(self.folder)
        # Some file systems (FAT through FUSE) say nothing of their size.
        if usage.total and needed > usage.free:
            raise NoRoomThere(needed=needed, free=usage.free)

    def envelope(self, digest: bytes) -> Path:
        return self.evidence / f"{digest.hex()}.gpg"

    def size(self, digest: bytes) -> int | None:
        """Return the size of an envelope that is there, in bytes."""
        try:
            found = self.envelope(digest).lstat()
        except FileNotFoundError:
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def keep(self, digest: bytes, blocks: Iterable[bytes], passed: Passed) -> None:
        """Write an envelope, and read it back; `passed` hears of every byte twice.

        Raises EvidenceDamaged when `blocks` are others than `digest` says, BackupDiffers when the
        disk gives back others.
        """
        path = self.envelope(digest)
        part = path.with_name(path.name + UNFINISHED)
        try:
            if put(part, blocks, passed) != digest:
                raise EvidenceDamaged(digest)
            if digest_of(part, passed) != digest:
                raise BackupDiffers(path)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def finished(self) -> list[Path]:
        """Return the snapshots that are whole by their names, the latest first."""
        found = []
        for path in self.snapshots.iterdir():
            match = _SNAPSHOT.fullmatch(path.name)
            if match and not path.is_symlink() and path.is_dir():
                found.append((match[1], int(match[2]), path))
        return [path for _day, _number, path in sorted(found, reverse=True)]

    def tidy(self) -> None:
        """Remove what earlier backups left unfinished."""
        for part in (*self.evidence.glob(f"*{UNFINISHED}"), *self.snapshots.glob(f"*{UNFINISHED}")):
            if part.is_dir() and not part.is_symlink():
                shutil.rmtree(part)
            else:
                part.unlink()

    def remove(self, snapshot: Path) -> None:
        """Remove a snapshot; if that breaks off, it is an unfinished one."""
        part = snapshot.with_name(snapshot.name + UNFINISHED)
        snapshot.rename(part)
        sync_folder(self.snapshots)
        shutil.rmtree(part)


@contextmanager
def new_snapshot(medium: Medium, day: str) -> Iterator[Path]:
    """Give a folder for a snapshot, which takes its name when the block ends well.

    It is called for the day, and the next number of it; where the clock was ahead before, for the
    day of the latest one there: a restore takes the last. The path given ends in `.part`; what an
    earlier backup left unfinished is removed, so one is made at a time. Raises DeskBusy.
    """
    with working_at(medium.folder, alone=True):
        medium.tidy()
        day = max((day, *(path.name[: len(day)] for path in medium.finished()[:1])))
        number = 1 + max(_numbers(medium.finished(), day), default=0)
        part = medium.snapshots / f"{day}-{number}{UNFINISHED}"
        part.mkdir(mode=PRIVATE_FOLDER)
        try:
            yield part
            part.rename(medium.snapshots / f"{day}-{number}")
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        sync_folder(medium.snapshots)


def put(path: Path, blocks: Iterable[bytes], passed: Passed = lambda _size: None) -> bytes:
    """Write a file anew and sync it; return the SHA-256 of what was given."""
    given, since = sha256(), 0
    fd = os.open(path, _WRITE, PRIVATE_FILE)
    with os.fdopen(fd, "wb", buffering=0) as out:
        for block in blocks:
            given.update(block)
            rest = memoryview(block)
            while rest:
                rest = rest[out.write(rest) :]
            since += len(block)
            if since >= _FLUSH:
                since = 0
                _sync(fd)
            passed(len(block))
        _sync(fd)
    return given.digest()


def digest_of(path: Path, passed: Passed = lambda _size: None) -> bytes:
    """Return the SHA-256 of a file as the disk has it."""
    found = sha256()
    for block in read(path):
        found.update(block)
        passed(len(block))
    return found.digest()


def content(path: Path, *, most: int) -> bytes:
    """Return a small file as the disk has it. Raises BackupRefused when it is larger."""
    read_so_far = bytearray()
    for block in read(path):
        read_so_far += block
        if len(read_so_far) > most:
            raise BackupRefused(f"{path.name} is larger than it can be")
    return bytes(read_so_far)


def read(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes from the disk, not from memory; no link is followed."""
    # Asked before it is opened as well: opening a device can do things by itself.
    if not stat.S_ISREG(path.lstat().st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    fd = os.open(path, _READ)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        while block := os.read(fd, _BLOCK):
            yield block
    finally:
        os.close(fd)


def _require_no_link(folder: Path) -> None:
    if folder.is_symlink():
        raise BackupRefused(f"{folder.name} is a link")


def _sync(fd: int) -> None:
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)


def _numbers(snapshots: Iterable[Path], day: str) -> Iterator[int]:
    for path in snapshots:
        match = _SNAPSHOT.fullmatch(path.name)
        if match and match[1] == day:
            yield int(match[2])
