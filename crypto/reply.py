"""Seal a reporter's reply so that only the source's codename opens it.

    magic     "TDR1", 4 bytes
    sealed    HPKE (RFC 9180), single shot, base mode: KEM X-Wing (ML-KEM-768 with X25519,
              draft-connolly-cfrg-xwing-kem), KDF HKDF-SHA256, AEAD AES-256-GCM
    info      "tapedrop reply 1", a zero byte, the 16-byte mailbox id, the reply's name
    inside    length of the text (u32 big-endian), the text in UTF-8, zeros to a multiple of 4 KiB

The X-Wing key pair comes from the codename's 32-byte reply seed: SHAKE256 to 96 bytes, 64 for
ML-KEM and 32 for X25519, as the draft says. Stored replies thus hold against someone who records
now and decrypts later.
"""

from hashlib import shake_256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from crypto.errors import NewerVersion, Tampered

PUBLIC_KEY_SIZE: Final = 1184 + 32
LONGEST_BYTES: Final = 256 * 1024
_MAGIC: Final = b"TDR1"
_BLOCK: Final = 4096
_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def public_key_of(reply_seed: bytes) -> bytes:
    """Return the 1,216-byte X-Wing public key that replies to this source are sealed to."""
    mlkem, x25519 = _key_pair(reply_seed)
    return mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()


def seal_reply(text: str, *, to: bytes, mailbox_id: bytes, name: str) -> bytes:
    """Return `text` sealed to the public key `to`; `name` is what the store will call it.

    Raises ValueError when the text is over 256 KiB or `to` is no X-Wing public key.
    """
    encoded = text.encode()
    if len(encoded) > LONGEST_BYTES:
        raise ValueError("reply too long")
    if len(to) != PUBLIC_KEY_SIZE:
        raise ValueError("not an X-Wing public key")
    public_key = MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(to[:-32]), X25519PublicKey.from_public_bytes(to[-32:])
    )
    inside = len(encoded).to_bytes(4, "big") + encoded
    inside += bytes(-len(inside) % _BLOCK)
    return _MAGIC + _SUITE.encrypt(inside, public_key, _info(mailbox_id, name))


def open_reply(sealed: bytes, *, reply_seed: bytes, mailbox_id: bytes, name: str) -> str:
    """Return the text of a reply. Raises Tampered, or NewerVersion."""
    if not sealed.startswith(_MAGIC):
        if sealed.startswith(b"TDR"):
            raise NewerVersion(sealed[:4].decode("ascii", "replace"))
        raise Tampered("not a reply")
    private_key = MLKEM768X25519PrivateKey(*_key_pair(reply_seed))
    try:
        inside = _SUITE.decrypt(sealed[len(_MAGIC) :], private_key, _info(mailbox_id, name))
    except (InvalidTag, ValueError):
        raise Tampered("the reply is not what was sealed") from None
    length = int.from_bytes(inside[:4], "big")
    if length > len(inside) - 4:
        raise Tampered("the reply's length is wrong")
    try:
        return inside[4 : 4 + length].decode()
    except UnicodeDecodeError:
        raise Tampered("the reply is not text") from None


def _key_pair(reply_seed: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    expanded = shake_256(reply_seed).digest(96)
    return (
        MLKEM768PrivateKey.from_seed_bytes(expanded[:64]),
        X25519PrivateKey.from_private_bytes(expanded[64:]),
    )


def _info(mailbox_id: bytes, name: str) -> bytes:
    return b"tapedrop reply 1\x00" + mailbox_id + name.encode()
