"""Working copies: opened recordings, each in a container under the vault.

    working/<32 hex digits>    a `crypto.chunks` container, purpose "working copy", named inside
                               for the evidence it was opened from

A cache: it may be dropped at any time, and opening the envelope again makes it anew.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from crypto.chunks import ChunkReader, ChunkWriter
from crypto.errors import Tampered
from crypto.manifest import Manifest
from intake.durable import replacing
from intake.errors import VaultDamaged
from intake.vault import Vault

_PURPOSE: Final = "working copy"
_BLOCK_SIZE: Final = 256 * 1024


class WorkingCopies:
    """The working copies in one folder."""

    def __init__(self, folder: Path, vault: Vault) -> None:
        self._folder = folder
        self._vault = vault

    @contextmanager
    def new(self, digest: bytes) -> Iterator[ChunkWriter]:
        """Give a container to fill from evidence `digest`; it is there only if the block ends well.

        Replaces one that is there.
        """
        with replacing(self._path(digest)) as held:
            writer = ChunkWriter(
                held, self._vault.working_copy_key, purpose=_PURPOSE, name=digest.hex()
            )
            yield writer
            writer.finish()

    def has(self, digest: bytes) -> bool:
        return self._path(digest).exists()

    def forget(self, digest: bytes) -> None:
        """Drop the copy of this evidence, if there is one."""
        self._path(digest).unlink(missing_ok=True)

    @contextmanager
    def reading(self, digest: bytes) -> Iterator[ChunkReader]:
        """Give the recording, seekable. Raises FileNotFoundError, VaultDamaged."""
        path = self._path(digest)
        with path.open("rb", buffering=0) as held:
            try:
                yield ChunkReader(
                    held.fileno(),
                    self._vault.working_copy_key,
                    purpose=_PURPOSE,
                    name=digest.hex(),
                )
            except Tampered:
                raise VaultDamaged(f"working/{path.name}") from None

    def blocks(self, digest: bytes, manifest: Manifest) -> Iterator[bytes]:
        """Yield the recording; believe it only when the last block has come.

        Raises VaultDamaged when it is not the one that `manifest` speaks of.
        """
        passed = sha256()
        with self.reading(digest) as recording:
            while block := recording.read(_BLOCK_SIZE):
                passed.update(block)
                yield block
        if passed.hexdigest() != manifest.sha256:
            raise VaultDamaged(f"working/{self._path(digest).name}")

    def _path(self, digest: bytes) -> Path:
        return self._folder / self._vault.working_copy_name(digest)
