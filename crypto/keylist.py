"""The newsroom's key list, signed by a desk: whom a drop seals to from then on.

    version      "tapedrop keys 1"
    drop         the drop's export key: a list is for one drop
    signed_at    seconds since 1970 by the desk's clock, so that an older list is known as one
    readers      {primary fingerprint: the public key, armoured, or "" where the drop has it}
    desks        {signing key: name}, those who may sign the next list
    signer       the signing key of the desk that signed this one
    signature    Ed25519 (RFC 8032) in hex over "tapedrop keys 1", a zero byte, and the canonical
                 bytes (`comparing.py`) of all the other members

Keys are Ed25519 public keys, 64 hex digits. `docs/keylist.md` has the rules for whoever takes one.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from crypto.comparing import canonical, read_object
from crypto.errors import BadKeyList, NewerVersion, WrongSignature

VERSION: Final = "tapedrop keys 1"
LARGEST_BYTES: Final = 1024 * 1024
MOST_READERS: Final = 64
MOST_DESKS: Final = 64
LARGEST_KEY: Final = 64 * 1024
"""Characters in one armoured key."""

_VERSIONS: Final = "tapedrop keys "
_SIGNED: Final = b"tapedrop keys 1\x00"
_MEMBERS: Final = {"version", "drop", "signed_at", "readers", "desks", "signer", "signature"}
_FINGERPRINT: Final = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}")
_ED25519: Final = re.compile(r"[0-9a-f]{64}")
_SIGNATURE: Final = re.compile(r"[0-9a-f]{128}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,39}")
_ARMOURED: Final = re.compile(
    r"-----BEGIN PGP PUBLIC KEY BLOCK-----\n[ -~\n]+\n-----END PGP PUBLIC KEY BLOCK-----\n?"
)
_LAST_SECOND: Final = 253_402_300_799  # of the year 9999


@dataclass(frozen=True, slots=True)
class KeyList:
    """What a desk signs. Keys are in hex, as above."""

    drop: str
    signed_at: int
    readers: Mapping[str, str]
    desks: Mapping[str, str]

    @property
    def fingerprints(self) -> frozenset[str]:
        """Primary fingerprints of everyone who reads."""
        return frozenset(self.readers)

    @property
    def digest(self) -> bytes:
        """SHA-256 by which a list is known again, 32 bytes."""
        return sha256(canonical(asdict(self))).digest()


def is_list(untrusted: bytes) -> bool:
    """Say whether a file is meant to be a signed list, rather than a key; it may be a bad one."""
    return untrusted.lstrip()[:1] == b"{"


def signed(keys: KeyList, signing_key: Ed25519PrivateKey) -> bytes:
    """Return the list as a file, signed. Raises BadKeyList when it could not be taken."""
    said = {"version": VERSION, **asdict(keys)}
    said["signer"] = signing_key.public_key().public_bytes_raw().hex()
    said["signature"] = signing_key.sign(_SIGNED + canonical(said)).hex()
    written = canonical(said) + b"\n"
    _well_formed(said)
    if len(written) > LARGEST_BYTES:
        raise BadKeyList("it is larger than a key list may be")
    return written


def verified(untrusted: bytes, signers: Collection[str]) -> KeyList:
    """Return what the list says, once the signature of one of `signers` (in hex) holds.

    Raises BadKeyList, WrongSignature, NewerVersion. Whether it is for this drop, and newer than
    the last one, is the caller's to see; so is whether each armoured key is what it is said to be.
    """
    if len(untrusted) > LARGEST_BYTES:
        raise BadKeyList("it is larger than a key list may be")
    try:
        said = read_object(untrusted)
    except ValueError:
        raise BadKeyList("it can't be read") from None
    version = said.get("version")
    if not isinstance(version, str) or not version.startswith(_VERSIONS):
        raise BadKeyList("it is no key list")
    if version != VERSION:
        raise NewerVersion(version[:100])
    _well_formed(said)
    signature = bytes.fromhex(said.pop("signature"))
    if said["signer"] not in signers:
        raise WrongSignature("the key list is not signed by a desk that may sign it")
    try:
        signer = Ed25519PublicKey.from_public_bytes(bytes.fromhex(said["signer"]))
        signer.verify(signature, _SIGNED + canonical(said))
    except (InvalidSignature, ValueError):
        raise WrongSignature("the key list is not what the desk signed") from None
    return KeyList(said["drop"], said["signed_at"], said["readers"], said["desks"])


def _well_formed(said: Mapping[str, Any]) -> None:
    if said.keys() != _MEMBERS:
        raise BadKeyList("it has other members than it should")
    signed_at = said["signed_at"]
    # A bool is an int to Python.
    if type(signed_at) is not int or not 0 < signed_at <= _LAST_SECOND:
        raise BadKeyList("it doesn't say when it was signed")
    keys = (said["drop"], _ED25519), (said["signer"], _ED25519), (said["signature"], _SIGNATURE)
    if not all(_is(key, pattern) for key, pattern in keys):
        raise BadKeyList("a key, or the signature, is not in hex")
    if not _is_map(said["readers"], _FINGERPRINT, MOST_READERS):
        raise BadKeyList(f"it names no reader, more than {MOST_READERS}, or not by fingerprint")
    if not all(block == "" or _is_armoured(block) for block in said["readers"].values()):
        raise BadKeyList("what it gives as a public key is none")
    if not _is_map(said["desks"], _ED25519, MOST_DESKS):
        raise BadKeyList("it names no desk that may sign, or not by its key")
    if not all(_is(name, _NAME) for name in said["desks"].values()):
        raise BadKeyList("a desk's name is letters, digits and spaces")


def _is_map(said: object, key: re.Pattern[str], most: int) -> bool:
    return isinstance(said, dict) and 0 < len(said) <= most and all(_is(name, key) for name in said)


def _is_armoured(said: object) -> bool:
    return isinstance(said, str) and len(said) <= LARGEST_KEY and _is(said, _ARMOURED)


def _is(said: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(said, str) and pattern.fullmatch(said) is not None
