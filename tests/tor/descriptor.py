"""Read what an onion service publishes of itself, as whoever knows its address can.

Two layers, each AES-256 in CTR mode under keys that SHAKE-256 makes of the address and of what is
public in the descriptor (rend-spec-v3, "Hidden service descriptors: encryption format"):

    salt 16 · what is encrypted · MAC 32      the MAC isn't looked at: tor has done that
"""

import re
from base64 import b32decode, b64decode
from hashlib import sha3_256, shake_256
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

_KEY: Final = 32
_SALT: Final = 16
_CERTIFIED: Final = 1 + 1 + 4 + 1 + _KEY
"""Bytes of the certificate before its extensions; the first of these is the blinded key."""


def inside(published: str, host: str) -> str:
    """Return the inner part of a descriptor that was published for this `….onion`."""
    identity = b32decode(host.removesuffix(".onion").upper())[:_KEY]
    certificate = _object(published, "ED25519 CERT")
    at = _CERTIFIED + 1 + 2 + 1 + 1
    blinded = certificate[at : at + _KEY]
    credential = sha3_256(b"credential" + identity).digest()
    secret = blinded + sha3_256(b"subcredential" + credential + blinded).digest()
    (revision,) = re.findall(r"^revision-counter (\d+)$", published, re.MULTILINE)
    secret += int(revision).to_bytes(8, "big")
    outer = _opened(_object(published, "MESSAGE"), secret, b"hsdir-superencrypted-data")
    return _opened(_object(outer, "MESSAGE"), secret, b"hsdir-encrypted-data")


def effort_asked(published: str, host: str) -> int:
    """Return how much work it asks for. Raises ValueError when it knows of none."""
    (effort,) = re.findall(r"^pow-params v1 \S+ (\d+) \S+$", inside(published, host), re.MULTILINE)
    return int(effort)


def _opened(held: bytes, secret: bytes, purpose: bytes) -> str:
    salt, content = held[:_SALT], held[_SALT:-_KEY]
    keys = shake_256(secret + salt + purpose).digest(_KEY + _SALT + _KEY)
    reader = Cipher(AES(keys[:_KEY]), CTR(keys[_KEY : _KEY + _SALT])).decryptor()
    return reader.update(content).rstrip(b"\0").decode()


def _object(text: str, kind: str) -> bytes:
    found = re.search(f"-----BEGIN {kind}-----\n(.+?)-----END {kind}-----", text, re.DOTALL)
    assert found is not None, kind
    return b64decode(found[1])
