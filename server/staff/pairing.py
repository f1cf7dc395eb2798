"""Pair the drop with desks, by two small files that people carry by hand.

    from the server   {"version": 1, "kind": "tapedrop server 1", "export_key", "newsroom"}
    from a desk       {"version": 1, "kind": "tapedrop desk 1", "desk", "signing_key", "newsroom"}

Keys are Ed25519 public keys in hex (RFC 8032); `newsroom` lists primary key fingerprints.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from server.errors import NotFit, NotPaired
from server.files import write_new
from server.staff import roster
from server.staff.desks import LARGEST_BYTES, Desk, paired, read_desk


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
    """Take a desk on; return it. Pairing it again changes nothing.

    Raises NotPaired, NewerVersion.
    """
    try:
        with untrusted_file.open("rb") as file:
            desk = read_desk(file.read(LARGEST_BYTES))
    except OSError as error:
        raise NotPaired(f"can't read {untrusted_file}: {error.strerror}") from None
    others = paired(desks)
    for known in others:
        if known.desk == desk.desk and known.signing_key != desk.signing_key:
            raise NotPaired(f"another desk called {desk.desk} is paired already")
        if known == desk:
            return desk
    if not others:
        roster.begin(desks, desk)
    write_new(desks / f"{desk.signing_key[:32]}.json", msgspec.json.encode(desk))
    return desk
