"""What lies where in a desk's folder, all of it 0700 and 0600.

    desk.toml             who the server and the reporter are (`settings.py`)
    pairing.json          what security staff carry to the server (`pairing.py`)
    vault.key.gpg         the vault key, 32 bytes, sealed to the reporter's OpenPGP key
    keys/<fingerprint>.asc the newsroom's public keys, as far as this desk has them
    desk.key              the desk's Ed25519 signing key, in a container under the vault
    catalogue.db          SQLCipher, under the vault
    evidence/<sha256>.gpg every envelope, byte for byte; .part: one that is still on its way in
    bags/<32 hex>/        the signed lists of every bag that was taken in
    working/<32 hex>      opened recordings in containers under the vault; may be dropped
    outbox/               sealed states, which tell sources what was opened

The evidence folder is the source of truth: importing needs no PIN, and whatever the catalogue
doesn't know yet it adopts from there.
"""

from dataclasses import dataclass
from pathlib import Path

from intake.errors import NotADesk


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one desk."""

    folder: Path

    @classmethod
    def of(cls, folder: Path) -> "Layout":
        """Return the layout of an existing desk. Raises NotADesk."""
        layout = cls(folder)
        if not layout.settings.is_file():
            raise NotADesk(folder)
        return layout

    @property
    def settings(self) -> Path:
        return self.folder / "desk.toml"

    @property
    def pairing(self) -> Path:
        return self.folder / "pairing.json"

    @property
    def vault_key(self) -> Path:
        return self.folder / "vault.key.gpg"

    @property
    def signing_key(self) -> Path:
        return self.folder / "desk.key"

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def catalogue(self) -> Path:
        return self.folder / "catalogue.db"

    @property
    def evidence(self) -> Path:
        return self.folder / "evidence"

    @property
    def bags(self) -> Path:
        return self.folder / "bags"

    @property
    def working(self) -> Path:
        return self.folder / "working"

    @property
    def outbox(self) -> Path:
        return self.folder / "outbox"

    @property
    def subfolders(self) -> tuple[Path, ...]:
        """Every folder inside the desk's own."""
        return self.keys, self.evidence, self.bags, self.working, self.outbox
