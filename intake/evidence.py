"""The evidence folder: every envelope that arrived, byte for byte, named for its SHA-256.

    evidence/<64 hex digits>.gpg

It needs no key and is never edited; the catalogue can be made anew from it.
"""

import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Final

from intake.durable import replacing
from intake.errors import EvidenceDamaged, NoRoom, NotWhatWasSigned

BLOCK_SIZE: Final = 256 * 1024
_NAME: Final = re.compile(r"([0-9a-f]{64})\.gpg")


class Evidence:
    """The envelopes in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def digests(self) -> frozenset[bytes]:
        """Return the digest of every envelope here, by its name."""
        matches = (_NAME.fullmatch(path.name) for path in self._folder.iterdir())
        return frozenset(bytes.fromhex(match[1]) for match in matches if match)

    def require_room(self, needed: int) -> None:
        """Raise NoRoom when `needed` more bytes can't be kept."""
        free = shutil.disk_usage(self._folder).free
        if needed > free:
            raise NoRoom(needed=needed, free=free)

    def is_whole(self, digest: bytes) -> bool:
        """Say whether the envelope is here and still what its name says; reads all of it."""
        try:
            with self._path(digest).open("rb") as envelope:
                return file_digest(envelope, sha256).digest() == digest
        except FileNotFoundError:
            return False

    def keep(
        self,
        digest: bytes,
        blocks: Iterable[memoryview],
        *,
        untrusted_name: str,
        told: Callable[[int], None],
    ) -> None:
        """Keep an envelope that must have this digest; `told` hears how many bytes went by.

        Raises NotWhatWasSigned, and keeps nothing, when the bytes are others; what `blocks` raises.
        """
        # One that is damaged gives way: what comes in its place was signed for.
        with replacing(self._path(digest)) as out:
            passed = sha256()
            for block in blocks:
                passed.update(block)
                out.write(block)
                told(len(block))
            if passed.digest() != digest:
                raise NotWhatWasSigned(untrusted_name)

    def size(self, digest: bytes) -> int:
        """Return the envelope's size in bytes. Raises EvidenceDamaged when it is gone."""
        try:
            return self._path(digest).stat().st_size
        except FileNotFoundError:
            raise EvidenceDamaged(digest) from None

    def verify(self, digest: bytes) -> None:
        """Raise EvidenceDamaged unless the envelope is still what was imported."""
        if not self.is_whole(digest):
            raise EvidenceDamaged(digest)

    def blocks(self, digest: bytes) -> Iterator[bytes]:
        """Yield the envelope's bytes."""
        with self._path(digest).open("rb", buffering=0) as envelope:
            while block := envelope.read(BLOCK_SIZE):
                yield block

    def _path(self, digest: bytes) -> Path:
        return self._folder / f"{digest.hex()}.gpg"
