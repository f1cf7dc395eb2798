"""The evidence folder: every envelope that arrived, byte for byte, named for its SHA-256.

    evidence/<64 hex digits>.gpg
    evidence/<64 hex digits>.part    one whose import was interrupted (`parts.py`); no evidence

It needs no key and is never edited; the catalogue can be made anew from it.
"""

import fcntl
import re
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from io import RawIOBase
from pathlib import Path
from typing import Final

from intake.arriving.parts import Told, part_at, tidy_away
from intake.durable import sync_folder
from intake.errors import EvidenceDamaged, NoRoom, NotWhatWasSigned

BLOCK_SIZE: Final = 256 * 1024
_NAME: Final = re.compile(r"([0-9a-f]{64})\.gpg")
_PART: Final = re.compile(r"([0-9a-f]{64})\.part")


def _nobody(_size: int) -> None:
    """Hear nothing."""


class Evidence:
    """The envelopes in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def digests(self) -> frozenset[bytes]:
        """Return the digest of every envelope here, by its name."""
        return frozenset(digest for digest, _ in self._named(_NAME))

    def has(self, digest: bytes) -> bool:
        """Say whether an envelope of this name is here; reads nothing of it."""
        return self._path(digest).exists()

    def parts(self) -> frozenset[bytes]:
        """Return the digest of every envelope of which an interrupted import left something."""
        return frozenset(digest for digest, _ in self._named(_PART))

    def size_of_part(self, digest: bytes) -> int:
        """Return how many bytes an interrupted import left of an envelope."""
        try:
            return self._part(digest).stat().st_size
        except FileNotFoundError:
            return 0

    @property
    def room(self) -> tuple[int, int]:
        """How large the disk is, and how much of it is free, in bytes."""
        usage = shutil.disk_usage(self._folder)
        return usage.total, usage.free

    def require_room(self, needed: int) -> None:
        """Raise NoRoom when `needed` more bytes can't be kept."""
        _, free = self.room
        if needed > free:
            raise NoRoom(needed=needed, free=free)

    def is_whole(self, digest: bytes, told: Told = _nobody) -> bool:
        """Say whether the envelope is here and still what its name says; reads all of it."""
        passed = sha256()
        try:
            for block in self.blocks(digest):
                passed.update(block)
                told(len(block))
        except EvidenceDamaged:
            return False
        return passed.digest() == digest

    def keep(
        self,
        digest: bytes,
        blocks_from: Callable[[int], Iterable[memoryview]],
        *,
        untrusted_name: str,
        told: Told = _nobody,
    ) -> None:
        """Keep an envelope that must have this digest; `told` hears how many bytes went by.

        `blocks_from` yields its bytes from an offset on: that which an interrupted import left.
        What comes is kept for the next one, whatever `blocks_from` raises. Raises DeskBusy, and
        NotWhatWasSigned, when nothing is kept. The name is durable after `sync`.
        """
        with part_at(self._part(digest)) as part:
            part.take_up(told)
            left_by_another = part.size
            part.add(blocks_from(part.size), told)
            if part.digest != digest and left_by_another:
                # A power cut may leave anything at the end of a file that was being written.
                told(-part.size)
                part.empty()
                part.add(blocks_from(0), told)
            if part.digest != digest:
                part.discard()
                raise NotWhatWasSigned(untrusted_name)
            # One that is damaged gives way: what comes in its place was signed for.
            part.becomes(self._path(digest))

    def tidy(self, wanted: Collection[bytes]) -> None:
        """Remove what interrupted imports left, but of envelopes that are `wanted` and not here."""
        for digest, path in list(self._named(_PART)):
            if digest not in wanted or self.has(digest):
                tidy_away(path)

    def sync(self) -> None:
        """Make the names of what was kept as durable as the envelopes."""
        sync_folder(self._folder)

    def size(self, digest: bytes) -> int:
        """Return the envelope's size in bytes. Raises EvidenceDamaged when it is gone."""
        try:
            return self._path(digest).stat().st_size
        except FileNotFoundError:
            raise EvidenceDamaged(digest) from None

    def forget(self, digests: Iterable[bytes]) -> None:
        """Remove envelopes, for good."""
        for digest in digests:
            self._path(digest).unlink(missing_ok=True)
            self._part(digest).unlink(missing_ok=True)
        sync_folder(self._folder)

    def verify(self, digest: bytes, told: Told = _nobody) -> None:
        """Raise EvidenceDamaged unless the envelope is still what was imported.

        `told` hears how many bytes went by.
        """
        if not self.is_whole(digest, told):
            raise EvidenceDamaged(digest)

    def start(self, digest: bytes, size: int) -> bytes:
        """Return the first `size` bytes of the envelope. Raises EvidenceDamaged when it is gone."""
        return next(self.blocks(digest), b"")[:size]

    def blocks(self, digest: bytes) -> Iterator[bytes]:
        """Yield the envelope's bytes. Raises EvidenceDamaged when it is gone, or can't be read."""
        try:
            envelope = self._path(digest).open("rb", buffering=0)
        except FileNotFoundError:
            raise EvidenceDamaged(digest) from None
        with envelope:
            while block := self._read(envelope, digest):
                yield block

    @contextmanager
    def alone(self, digest: bytes) -> Iterator[None]:
        """Wait until nobody else is within such a block of this envelope.

        Raises EvidenceDamaged when it is gone.
        """
        try:
            envelope = self._path(digest).open("rb", buffering=0)
        except FileNotFoundError:
            raise EvidenceDamaged(digest) from None
        with envelope:
            fcntl.flock(envelope, fcntl.LOCK_EX)
            yield

    def _read(self, envelope: RawIOBase, digest: bytes) -> bytes | None:
        try:
            return envelope.read(BLOCK_SIZE)
        except OSError:  # a bad sector costs one drop, and not what is done with all the others
            raise EvidenceDamaged(digest) from None

    def verified_blocks(self, digest: bytes) -> Iterator[bytes]:
        """Yield the same, to be believed when the last has come. Raises EvidenceDamaged then."""
        passed = sha256()
        for block in self.blocks(digest):
            passed.update(block)
            yield block
        if passed.digest() != digest:
            raise EvidenceDamaged(digest)

    def _named(self, form: re.Pattern[str]) -> Iterator[tuple[bytes, Path]]:
        for path in self._folder.iterdir():
            if match := form.fullmatch(path.name):
                yield bytes.fromhex(match[1]), path

    def _path(self, digest: bytes) -> Path:
        return self._folder / f"{digest.hex()}.gpg"

    def _part(self, digest: bytes) -> Path:
        return self._folder / f"{digest.hex()}.part"
