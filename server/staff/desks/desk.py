"""The desks this drop is paired with: a file each, as the desk introduced itself.

    desks/<first 32 digits of its signing key>.json

A desk's file is of version 1, or 2 since it carries its reporter's own public key; both are read.
Keys are Ed25519 public keys in hex (RFC 8032); `newsroom` lists primary key fingerprints.
"""

import re
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from crypto.comparing import canonical, read_object, words_of
from crypto.errors import NewerVersion
from server.errors import NotPaired

LARGEST_BYTES: Final = 64 * 1024
VERSION: Final = 2
_DESK_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,39}")
_Fingerprint = Annotated[str, msgspec.Meta(pattern=r"\A([0-9A-F]{40}|[0-9A-F]{64})\Z")]


class _Version(msgspec.Struct):
    version: int


class Desk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A desk, as it introduces itself."""

    version: Literal[1, 2]
    kind: Literal["tapedrop desk 1", "tapedrop desk 2"]
    desk: str
    signing_key: str
    newsroom: list[_Fingerprint]
    key: str = ""
    """The reporter's public key, armoured; empty in a file of version 1."""

    def public_key(self) -> Ed25519PublicKey:
        """Return the key that its answers are signed with."""
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.signing_key))


def introduced(untrusted: bytes) -> tuple[Desk, str]:
    """Return the desk whose file this is, and the eight words of the file.

    The words cover all that is read of it. Raises NotPaired, NewerVersion.
    """
    try:
        said = read_object(untrusted)
        version = msgspec.convert(said, type=_Version).version
        if version > VERSION:
            raise NewerVersion(f"a desk's pairing file, version {version}")
        desk = msgspec.json.decode(canonical(said), type=Desk)
        desk.public_key()
    except (msgspec.MsgspecError, ValueError):
        no_desk = NotPaired("not a desk's pairing file")
        no_desk.hint = "a desk writes it: tapedrop-intake pair --to FILE"
        raise no_desk from None
    if not _DESK_NAME.fullmatch(desk.desk):
        raise NotPaired("a desk's name is letters, digits and spaces")
    return desk, words_of(said)


def paired(desks: Path) -> list[Desk]:
    """Return every desk that this drop is paired with.

    Raises NotPaired when a file is spoilt, NewerVersion.
    """
    return [introduced(path.read_bytes())[0] for path in sorted(desks.glob("*.json"))]
