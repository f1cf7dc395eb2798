"""The vault key, and the one place where keys are derived from it.

    vault key     32 random bytes, sealed to the reporter's OpenPGP key in vault.key.gpg
    subkeys       HKDF-SHA256 (RFC 5869, expand only), info "tapedrop vault 1 " and one label each:
                  catalogue · working copies · working copy names · desk signing key ·
                  custody marks · essences

One PIN a session: gpg opens vault.key.gpg once, and everything else at the desk hangs on it.
"""

import secrets
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from hmac import digest as hmac
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from crypto.chunks import held, hold
from crypto.errors import NoKeyOpens, NotAnEnvelope, Tampered
from crypto.gpg import Gpg
from crypto.own_keys import HEAD_SIZE, OwnKeys
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

    def working_copy_key(self, own: bytes) -> bytes:
        """Return the key of the container of a working copy whose `own` key this is."""
        info = b"tapedrop working copy 2"
        return HKDF(SHA256(), KEY_SIZE, salt=self._derived("working copies"), info=info).derive(own)

    def mark(self, digest: bytes) -> str:
        """Return what the custody log calls the drop of this digest: 32 hex digits.

        It is SHA-256 of a salt and the digest; the salt, once told, proves it of this drop alone.
        """
        return mark_of(self.mark_salt(digest), digest)

    def mark_salt(self, digest: bytes) -> bytes:
        """Return the salt of a drop's mark, 16 bytes."""
        return hmac(self._derived("custody marks"), digest, "sha256")[:16]

    def essence(self, digest: bytes) -> bytes:
        """Return what the catalogue keeps of a coded sound's SHA-256, 32 bytes.

        Whoever has the catalogue alone can't ask it whether a recording they know is among these.
        """
        return hmac(self._derived("essences"), digest, "sha256")

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


def mark_of(salt: bytes, digest: bytes) -> str:
    """Return the mark of the drop of this digest in the custody log whose salt this is."""
    return sha256(salt + digest).hexdigest()[:32]


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

    Raises VaultLocked, PinRefused, CardAbsent, VaultDamaged, GpgFailed.
    """
    return opened_by(sealed, gpg=gpg, fingerprint=fingerprint)[0]


def opened_by(sealed: bytes, *, gpg: Gpg, fingerprint: str) -> tuple[Vault, str]:
    """The same, with the fingerprint of the subkey that opened it."""
    own = OwnKeys(gpg, (key for key in gpg.secret_keys() if key.primary == fingerprint))
    key = bytearray()

    def take(block: bytes) -> None:
        key.extend(block)
        if len(key) > KEY_SIZE:  # the file may be somebody else's, and what is in it, compressed
            raise VaultDamaged("vault.key.gpg")

    try:
        found = own.session_key(sealed[:HEAD_SIZE])
        gpg.decrypt([sealed], take, session_key=found.session_key)
    except NoKeyOpens:
        raise VaultLocked(fingerprint) from None
    except (Tampered, NotAnEnvelope):
        raise VaultDamaged("vault.key.gpg") from None
    if len(key) != KEY_SIZE:
        raise VaultDamaged("vault.key.gpg")
    return Vault(bytes(key)), found.subkey
