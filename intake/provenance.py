"""The signed lists of every bag that was taken in: where each envelope came from, and what didn't.

    bags/<32 hex digits>/    the five tag files, as they were on the stick, and `signer`: the key
                             they were checked against, 64 hex digits

The folder is named for the signed list itself (the first half of its SHA-256), because the name
that a bag's folder has on a stick is not signed. It appears when all that could be kept of the
bag has been kept, so a bag without one was interrupted, and importing it again finishes it.
"""

import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from crypto.bag import TAG_FILES, TAGMANIFEST, Bag, verified
from crypto.errors import CryptoError
from intake.durable import PRIVATE_FOLDER, sync_folder, write
from intake.errors import VaultDamaged

_SIGNER: Final = "signer"
_NAME: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Provenance:
    """The accepted bags of one desk."""

    folder: Path
    signer: Ed25519PublicKey

    def keep(self, tag_files: Mapping[str, bytes]) -> None:
        """Keep a bag's tag files; changes nothing when they are here."""
        name = sha256(tag_files[TAGMANIFEST]).hexdigest()[:32]
        if (self.folder / name).exists():
            return
        part = self.folder / f"part-{secrets.token_hex(8)}"
        part.mkdir(mode=PRIVATE_FOLDER)
        try:
            for file_name, content in tag_files.items():
                write(part / file_name, content)
            write(part / _SIGNER, self.signer.public_bytes_raw().hex().encode() + b"\n")
            part.rename(self.folder / name)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        sync_folder(self.folder)

    def bags(self) -> Iterator[tuple[str, Bag]]:
        """Yield each bag's name here and what it said. Raises VaultDamaged."""
        for bag in sorted(self.folder.iterdir()):
            if _NAME.fullmatch(bag.name):
                yield bag.name, self._read(bag)

    def digests(self) -> frozenset[bytes]:
        """Return the digest of every envelope that any bag listed."""
        return frozenset(digest for _, bag in self.bags() for digest in bag.digests.values())

    def _read(self, folder: Path) -> Bag:
        try:
            files = {name: (folder / name).read_bytes() for name in TAG_FILES}
            # Not this desk's present signer: the two may have been paired anew since.
            signer = bytes.fromhex((folder / _SIGNER).read_text("ascii"))
            return verified(files, Ed25519PublicKey.from_public_bytes(signer))
        except (CryptoError, OSError, ValueError):
            raise VaultDamaged(f"bags/{folder.name}") from None
