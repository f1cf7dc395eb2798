"""Write a bag of envelopes on a stick, and go on with one that was broken off.

    <to>/TAPEDROP/<32 hex digits>.<16 hex digits>.part/    until all of it has been read back
    <to>/TAPEDROP/<32 hex digits>/                         from then on

The second number says whose it is: of one that is ours, each envelope that is whole by its own
hash stays, and everything else is written anew. Nothing on a stick is believed or followed.
"""

import errno
import os
import re
import secrets
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from crypto.bag import DATA, FOLDER, UNFINISHED
from intake.arriving.evidence import Evidence
from intake.arriving.pace import Step
from intake.durable import (
    FOLDER_FOR_ANYONE,
    FOR_ANYONE,
    PRIVATE_FILE,
    SHARED_FOLDER,
    sync_folder,
)
from intake.errors import CopyDiffers, EvidenceDamaged, StickFull, StickGone, TooLargeForStick
from intake.locking import working_at

Told = Callable[[Step], None]
"""Hears how far it is."""

_BLOCK: Final = 1024 * 1024
_FLUSH: Final = 32 * _BLOCK
_ROOM_FOR_LISTS: Final = 1024 * 1024
_FAT: Final = {"vfat", "msdos", "fuse.fusefat"}
_FAT_LIMIT: Final = 2**32 - 1
_FULL: Final = {errno.ENOSPC, errno.EDQUOT}
_GONE: Final = {
    errno.EIO,
    errno.ENODEV,
    errno.ENXIO,
    errno.ENOENT,
    errno.ENOTCONN,
    errno.ESHUTDOWN,
    errno.ESTALE,
}
_ENVELOPE: Final = re.compile(r"[0-9a-f]{32}\.gpg")
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def outgoing(to: Path, owner: bytes) -> Iterator["Outgoing"]:
    """Give one bag on its way onto the stick `to`; `owner` are bytes that only its writer has.

    Raises DeskBusy where another command is writing just that one.
    """
    bag = Outgoing(to, owner)
    with working_at(bag.part, alone=True):
        yield bag


class Outgoing:
    """One bag on its way onto a stick. Made with `outgoing`."""

    def __init__(self, to: Path, owner: bytes) -> None:
        self._to = to
        self._folder = to / FOLDER
        self._folder.mkdir(parents=True, exist_ok=True)
        whose = sha256(b"tapedrop unfinished case\x00" + owner).hexdigest()[:16]
        ours = re.compile(rf"[0-9a-f]{{32}}\.{whose}{re.escape(UNFINISHED)}")
        begun = [path for path in sorted(self._folder.iterdir()) if ours.fullmatch(path.name)]
        parts = [path for path in begun if _is_folder(path)]
        self.part = (
            parts[0] if parts else self._folder / f"{secrets.token_hex(16)}.{whose}{UNFINISHED}"
        )
        for other in begun:
            if other != self.part:
                _remove(other)
        self.part.mkdir(exist_ok=True)
        self._data = self.part / DATA
        self._needed = _ROOM_FOR_LISTS

    def envelopes(
        self, evidence: Evidence, digests: Collection[bytes], told: Told
    ) -> dict[bytes, str]:
        """Have these envelopes on the stick; return what each is called under data/.

        Raises StickFull, StickGone, TooLargeForStick, EvidenceDamaged.
        """
        sizes = {digest: evidence.size(digest) for digest in digests}
        with self._failures_named():
            names = self._kept(frozenset(digests))
            missing = [digest for digest in digests if digest not in names]
            total, passed = sum(sizes[digest] for digest in missing), 0
            self._require_room([sizes[digest] for digest in missing])
            for number, digest in enumerate(missing, start=1):
                name = f"{secrets.token_hex(16)}.gpg"
                for size in _written(self._data / name, evidence.blocks(digest), digest):
                    passed += size
                    told(Step(passed, total, number, len(missing)))
                names[digest] = name
        return names

    def finish(self, files: Mapping[str, bytes], digests: Mapping[str, bytes], told: Told) -> Path:
        """Write the small `files`, read everything back, and give the bag its name; return it.

        `digests` are the SHA-256 of all there is, by the names within the bag. Raises CopyDiffers,
        StickFull, StickGone.
        """
        with self._failures_named():
            for name, content in files.items():
                for _ in _written(self.part / name, [content], sha256(content).digest()):
                    pass
            self._read_back(digests, told)
            for each in (self._data, self.part):
                _let_in(each, FOLDER_FOR_ANYONE)
                sync_folder(each)
            bag = self._folder / self.part.name.partition(".")[0]
            self.part.rename(bag)
            _let_in(self._folder, SHARED_FOLDER)
            sync_folder(self._folder)
            sync_folder(self._to)
        return bag

    def _read_back(self, digests: Mapping[str, bytes], told: Told) -> None:
        total = sum((self.part / name).stat().st_size for name in digests)
        passed = 0
        for name, digest in digests.items():
            found = sha256()
            for block in _blocks(self.part / name):
                found.update(block)
                passed += len(block)
                told(Step(passed, total))
            if found.digest() != digest:
                raise CopyDiffers(self.part / name)

    def _kept(self, wanted: frozenset[bytes]) -> dict[bytes, str]:
        """Return the envelopes that are whole already; nothing else is left."""
        for path in list(self.part.iterdir()):
            if path != self._data or not _is_folder(path):
                _remove(path)
        self._data.mkdir(exist_ok=True)
        names: dict[bytes, str] = {}
        for path in sorted(self._data.iterdir()):
            digest = _digest(path) if _ENVELOPE.fullmatch(path.name) else None
            if digest in wanted and digest not in names:
                names[digest] = path.name
            else:
                _remove(path)
        return names

    @contextmanager
    def _failures_named(self) -> Iterator[None]:
        """Say of a stick that filled up all the same, or was pulled, that it is the stick."""
        try:
            yield
        except OSError as error:
            if error.errno in _GONE:
                raise StickGone(self._to) from None
            if error.errno in _FULL:
                free = shutil.disk_usage(self._to).free
                raise StickFull(needed=self._needed, free=free) from None
            raise

    def _require_room(self, sizes: Collection[int]) -> None:
        if _file_system(self._data) in _FAT and max(sizes, default=0) > _FAT_LIMIT:
            raise TooLargeForStick(max(sizes))
        self._needed, free = sum(sizes) + _ROOM_FOR_LISTS, shutil.disk_usage(self._data).free
        if self._needed > free:
            raise StickFull(needed=self._needed, free=free)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _remove(path: Path) -> None:
    if _is_folder(path):
        shutil.rmtree(path)
    else:
        path.unlink()


def _digest(path: Path) -> bytes | None:
    """Return a file's SHA-256; None of what is no regular file, or can't be read."""
    if path.is_symlink() or not path.is_file():
        return None
    found = sha256()
    try:
        for block in _blocks(path):
            found.update(block)
    except OSError:
        return None
    return found.digest()


def _written(path: Path, blocks: Iterable[bytes], digest: bytes) -> Iterable[int]:
    """Write a file that must have this digest, syncing now and then; yield each block's size."""
    passed, unsynced = sha256(), 0
    with os.fdopen(os.open(path, _WRITE, PRIVATE_FILE), "wb", buffering=0) as out:
        for block in blocks:
            passed.update(block)
            with memoryview(block) as rest:
                done = 0
                while done < len(rest):
                    done += out.write(rest[done:])
            unsynced += len(block)
            if unsynced >= _FLUSH:
                os.fsync(out.fileno())
                unsynced = 0
            yield len(block)
        if passed.digest() != digest:
            raise EvidenceDamaged(digest)
        with suppress(OSError):  # a stick (FAT) refuses to be told, and lets anyone read
            os.fchmod(out.fileno(), FOR_ANYONE)
        os.fsync(out.fileno())


def _blocks(path: Path) -> Iterable[bytes]:
    with os.fdopen(os.open(path, _READ), "rb", buffering=0) as file:
        # What is read must come from the stick, not from memory.
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while block := file.read(_BLOCK):
            yield block


def _let_in(folder: Path, mode: int) -> None:
    """Let the other machine's user in, who is none of this one's."""
    with suppress(OSError):  # somebody else's, or a stick (FAT) that knows no modes
        folder.chmod(mode)


def _file_system(place: Path) -> str:
    """Return the file system's name (proc(5), mountinfo), or nothing when it isn't listed."""
    device = place.stat().st_dev
    number, kind = f"{os.major(device)}:{os.minor(device)}", ""
    with Path("/proc/self/mountinfo").open(encoding="utf-8", errors="replace") as mounts:
        for line in mounts:
            before, _, after = line.partition(" - ")
            if before.split()[2] == number:
                kind = after.split()[0]
    return kind
