"""The vault key, and the one place where keys are derived from it.

    vault key     32 random bytes, sealed to the reporter's OpenPGP key in vault.key.gpg
    subkeys       HKDF-SHA256 (RFC 5869, expand only), info "tapedrop vault 1 " and one label each:
                  catalogue · working copies · working copy names · desk signing key

One PIN a session: gpg opens vault.key.gpg once, and everything else at the desk hangs on it.
"""

import secrets
from dataclasses import dataclass, field
from datetime import date
from hmac import digest as hmac
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from crypto.chunks import held, hold
from crypto.errors import NoKeyOpens, Tampered
from crypto.gpg import Gpg
from intake.errors import VaultDamaged, VaultLocked

KEY_SIZE: Final = 32
_SIGNING_KEY: Final = "desk signing key"
_SEALING_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Vault:
    """An unlocked vault."""

    key: bytes = field(repr=False)

    @property
    def catalogue_key(self) -> bytes:
        return self._derived("catalogue")

    @property
    def working_copy_key(self) -> bytes:
        return self._derived("working copies")

    def working_copy_name(self, digest: bytes) -> str:
        """Return what the working copy of evidence `digest` is called: 32 hex digits.

        Only the vault can tell which envelope a working copy belongs to.
        """
        return hmac(self._derived("working copy names"), digest, "sha256")[:16].hex()

    def hold_signing_key(self, signing_key: Ed25519PrivateKey) -> bytes:
        """Return the container that keeps the desk's signing key."""
        key = self._derived(_SIGNING_KEY)
        return hold(signing_key.private_bytes_raw(), key, purpose=_SIGNING_KEY)

    def signing_key(self, container: bytes) -> Ed25519PrivateKey:
        """Return the desk's signing key. Raises VaultDamaged."""
        try:
            raw = held(container, self._derived(_SIGNING_KEY), purpose=_SIGNING_KEY)
        except Tampered:
            raise VaultDamaged("desk.key") from None
        return Ed25519PrivateKey.from_private_bytes(raw)

    def _derived(self, label: str) -> bytes:
        info = b"tapedrop vault 1 " + label.encode()
        return HKDFExpand(SHA256(), KEY_SIZE, info=info).derive(self.key)


def new_vault() -> Vault:
    """Return a vault with a fresh key."""
    return Vault(secrets.token_bytes(KEY_SIZE))


def sealed_key(vault: Vault, *, gpg: Gpg, subkey: str, day: date) -> bytes:
    """Return the vault's key sealed to `subkey` (a fingerprint). Raises GpgFailed."""
    sealed = bytearray()
    gpg.encrypt([vault.key], sealed.extend, to=[subkey], day=day, limit_seconds=_SEALING_SECONDS)
    return bytes(sealed)


def unlock(sealed: bytes, *, gpg: Gpg, fingerprint: str) -> Vault:
    """Return the vault whose sealed key this is; gpg may ask the reporter for a PIN.

    Raises VaultLocked, VaultDamaged, GpgFailed.
    """
    key = bytearray()
    try:
        gpg.decrypt([sealed], key.extend)
    except NoKeyOpens:
        raise VaultLocked(fingerprint) from None
    except Tampered:
        raise VaultDamaged("vault.key.gpg") from None
    if len(key) != KEY_SIZE:
        raise VaultDamaged("vault.key.gpg")
    return Vault(bytes(key))
