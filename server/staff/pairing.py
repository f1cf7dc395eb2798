"""Pair the drop with desks, by two small files that people carry by hand.

    from the server   {"version": 1, "kind": "tapedrop server 1", "export_key", "newsroom"}
    from a desk       {"version": 1, "kind": "tapedrop desk 1", "desk", "signing_key", "newsroom"}

Keys are Ed25519 public keys in hex (RFC 8032); `newsroom` lists primary key fingerprints.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from server.errors import NotFit, NotPaired
from server.files import write_new

_DESK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,39}")
_LARGEST = 64 * 1024


class Desk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A desk, as it introduces itself."""

    version: Literal[1]
    kind: Literal["tapedrop desk 1"]
    desk: str
    signing_key: str
    newsroom: list[str]

    def public_key(self) -> Ed25519PublicKey:
        """Return the key that its answers are signed with."""
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.signing_key))


def new_export_key() -> bytes:
    """Return a fresh private key as PEM (PKCS #8)."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_export_key(path: Path) -> Ed25519PrivateKey:
    """Return the key that this drop's bags are signed with. Raises NotFit."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError):
        raise NotFit([f"can't read the export key {path}"]) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise NotFit([f"{path} is not an Ed25519 key"])
    return key


def introduction(export_key: Ed25519PrivateKey, newsroom: Sequence[str]) -> bytes:
    """Return the file that a desk is made with."""
    said = {
        "version": 1,
        "kind": "tapedrop server 1",
        "export_key": export_key.public_key().public_bytes_raw().hex(),
        "newsroom": list(newsroom),
    }
    return msgspec.json.format(msgspec.json.encode(said)) + b"\n"


def pair(untrusted_file: Path, desks: Path) -> Desk:
    """Take a desk on; return it. Pairing it again changes nothing. Raises NotPaired, NotFit."""
    try:
        with untrusted_file.open("rb") as file:
            desk = _read(file.read(_LARGEST))
    except OSError as error:
        raise NotPaired(f"can't read {untrusted_file}: {error.strerror}") from None
    for known in paired(desks):
        if known.desk == desk.desk and known.signing_key != desk.signing_key:
            raise NotPaired(f"another desk called {desk.desk} is paired already")
        if known == desk:
            return desk
    write_new(desks / f"{desk.signing_key[:32]}.json", msgspec.json.encode(desk))
    return desk


def paired(desks: Path) -> list[Desk]:
    """Return every desk that this drop is paired with. Raises NotPaired when a file is spoilt."""
    return [_read(path.read_bytes()) for path in sorted(desks.glob("*.json"))]


def _read(untrusted: bytes) -> Desk:
    try:
        desk = msgspec.json.decode(untrusted, type=Desk)
        desk.public_key()
    except (msgspec.DecodeError, ValueError):
        raise NotPaired("not a desk's pairing file") from None
    if not _DESK_NAME.fullmatch(desk.desk):
        raise NotPaired("a desk's name is letters, digits and spaces")
    return desk
