"""Working copies: opened recordings, each in a container under the vault.

    working/<32 hex digits>    a `crypto.chunks` container, purpose "working copy", named inside
                               for the evidence it was opened from, and for what it is of it

Each drop has a key of its own for them, which lies in the catalogue and goes when it is purged; a
container's is HKDF of both, so neither vault nor catalogue alone reads it. A cache: copies may be
dropped at any time, and opening the envelope again makes them anew.
"""

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Final

from crypto.chunks import ChunkReader, ChunkWriter
from crypto.errors import Tampered
from intake.catalogue.keys import Keys
from intake.durable import replacing, sync_folder
from intake.errors import VaultDamaged
from intake.scrubbing import PURPOSE
from intake.vault import Vault
from scrub import Handle

_BLOCK_SIZE: Final = 256 * 1024


class Of(StrEnum):
    """What a copy is of."""

    SENT = ""
    """What was in the envelope."""
    INSIDE = "inside"
    """What was in the OpenPGP message that was in the envelope."""
    CLEANED = "cleaned"
    """Either, cleaned at this desk."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy as the sandbox receives it."""

    handle: Handle
    size: int


class WorkingCopies:
    """The working copies in one folder."""

    def __init__(self, folder: Path, vault: Vault, keys: Keys) -> None:
        self._folder = folder
        self._vault = vault
        self._keys = keys

    @contextmanager
    def new(self, digest: bytes, key: bytes, of: Of = Of.SENT) -> Iterator[ChunkWriter]:
        """Give a container to fill from evidence `digest`; it is there only if the block ends well.

        `key` (32 bytes) is the drop's own. Replaces one that is there.
        """
        with replacing(self._path(digest, of)) as held:
            key = self._vault.working_copy_key(key)
            writer = ChunkWriter(held, key, purpose=PURPOSE, name=_name(digest, of))
            yield writer
            writer.finish()

    def has(self, digest: bytes, of: Of = Of.SENT) -> bool:
        """Say whether there is a copy, and the key that reads it."""
        return self._keys.of(digest) is not None and self._path(digest, of).exists()

    def is_whole(self, digest: bytes, sha256_hex: str) -> bool:
        """Say whether the copy of what was sent is what it should be; reads all of it."""
        try:
            for _block in self.blocks(digest, sha256_hex):
                pass
        except VaultDamaged:
            return False
        return True

    def forget(self, digest: bytes) -> None:
        """Drop the copies of this evidence, if there are any."""
        for of in Of:
            self._path(digest, of).unlink(missing_ok=True)

    def forget_all(self, digests: Iterable[bytes]) -> None:
        """Drop every copy of these, and what is left of one that was never finished."""
        names = {self._path(digest, of).name for digest in digests for of in Of}
        left = [path for path in self._folder.iterdir() if path.name.partition(".")[0] in names]
        for path in left:
            path.unlink(missing_ok=True)
        if left:
            sync_folder(self._folder)

    @contextmanager
    def reading(self, digest: bytes, of: Of = Of.SENT) -> Iterator[ChunkReader]:
        """Give the recording, seekable. Raises FileNotFoundError, VaultDamaged."""
        with _reading(self._path(digest, of), self._key(digest, of), _name(digest, of)) as found:
            yield found

    @contextmanager
    def handed(self, digest: bytes, of: Of = Of.SENT) -> Iterator[Copy]:
        """Give the recording as the sandbox takes it. Raises FileNotFoundError, VaultDamaged."""
        with self.reading(digest, of) as recording:
            size = recording.seek(0, 2)
        secret = self._key(digest, of) + _name(digest, of).encode("ascii")
        with self._path(digest, of).open("rb", buffering=0) as held:
            yield Copy(Handle(held.fileno(), secret), size)

    def blocks(self, digest: bytes, sha256_hex: str, of: Of = Of.SENT) -> Iterator[bytes]:
        """Yield the recording, in any thread; believe it only when the last block has come.

        Raises VaultDamaged when its SHA-256 is another.
        """
        path, key, name = self._path(digest, of), self._key(digest, of), _name(digest, of)

        def checked() -> Iterator[bytes]:
            passed = sha256()
            with _reading(path, key, name) as recording:
                while block := recording.read(_BLOCK_SIZE):
                    passed.update(block)
                    yield block
            if passed.hexdigest() != sha256_hex:
                raise VaultDamaged(f"working/{path.name}")

        return checked()

    def _key(self, digest: bytes, of: Of) -> bytes:
        keys = self._keys.of(digest)
        if keys is None:
            raise VaultDamaged(f"working/{self._path(digest, of).name}")
        return self._vault.working_copy_key(keys.copy)

    def _path(self, digest: bytes, of: Of) -> Path:
        return self._folder / self._vault.working_copy_name(digest + of.encode("ascii"))


@contextmanager
def _reading(path: Path, key: bytes, name: str) -> Iterator[ChunkReader]:
    with path.open("rb", buffering=0) as held:
        try:
            yield ChunkReader(held.fileno(), key, purpose=PURPOSE, name=name)
        except Tampered:
            raise VaultDamaged(f"working/{path.name}") from None
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            # A bad sector costs one copy, which can be made again.
            raise VaultDamaged(f"working/{path.name}") from None


def _name(digest: bytes, of: Of) -> str:
    return f"{digest.hex()}:{of}" if of else digest.hex()
