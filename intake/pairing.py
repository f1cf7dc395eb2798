"""The two files by which a server and a desk learn each other's keys.

    server    {"version": 2, "kind": "tapedrop server 2", "export_key": 64 hex digits,
               "newsroom": [primary fingerprints], "desks": {signing key: name},
               "canary": {"pseudonym", "mailbox_id"}}
    desk      {"version": 2, "kind": "tapedrop desk 2", "desk": name, "signing_key": 64 hex digits,
               "newsroom": [primary fingerprints], "key": the reporter's public key, armoured}

They hold nothing secret, but whoever can swap one is believed from then on. So both machines make
eight words of a file (`crypto/comparing.py`), and each asks for those that the other shows. A
server's file of version 1 is read still; it names no desks and no canary.
"""

import sys
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from crypto.comparing import canonical, read_object, words_of
from crypto.errors import NewerVersion
from intake.errors import BadSettings
from intake.settings import Canary, Ed25519Hex, Fingerprint, Settings, SignerName

LARGEST_BYTES: Final = 64 * 1024
VERSION: Final = 2
STANDARD_INPUT: Final = Path("-")


class ServerPairing(msgspec.Struct, frozen=True):
    """What a server says of itself."""

    version: Literal[1, 2]
    kind: Literal["tapedrop server 1", "tapedrop server 2"]
    export_key: Ed25519Hex
    newsroom: tuple[Fingerprint, ...]
    """Empty where nobody has given it a key yet."""
    desks: dict[Ed25519Hex, SignerName] = {}
    """The desks that may sign key lists; none before the first is paired."""
    canary: Canary | None = None


class DeskPairing(msgspec.Struct, frozen=True):
    """What a desk says of itself, as another desk reads it."""

    version: Literal[1, 2]
    kind: Literal["tapedrop desk 1", "tapedrop desk 2"]
    desk: SignerName
    signing_key: Ed25519Hex
    newsroom: tuple[Fingerprint, ...]
    key: str = ""


class _Version(msgspec.Struct):
    version: int


_OTHERWISE: Final[dict[Any, str]] = {
    ServerPairing: "it is not what tapedrop-server pair --to writes",
    DeskPairing: "it is not what tapedrop-intake pair --to writes",
}


def read_server_pairing(path: Path) -> tuple[ServerPairing, str]:
    """Return what the server's file says, and its eight words; "-" is standard input.

    Raises BadSettings, NewerVersion.
    """
    said = _read(path)
    return _as(ServerPairing, said, path), words_of(said)


def read_desk_pairing(path: Path, untrusted: bytes) -> tuple[DeskPairing, str]:
    """Return what a desk's file says, and its eight words. Raises BadSettings, NewerVersion."""
    said = _object(path, untrusted)
    return _as(DeskPairing, said, path), words_of(said)


def desk_pairing(settings: Settings, signing_key: str, block: str) -> bytes:
    """Return the desk's file, given its signing key's public half and the reporter's own key."""
    said = {
        "version": VERSION,
        "kind": f"tapedrop desk {VERSION}",
        "desk": settings.desk.name,
        "signing_key": signing_key,
        "newsroom": list(settings.server.newsroom),
        "key": block,
    }
    return msgspec.json.format(canonical(said), indent=1) + b"\n"


def _read(path: Path) -> dict[str, Any]:
    if path == STANDARD_INPUT:
        return _object(path, sys.stdin.buffer.read(LARGEST_BYTES + 1))
    try:
        with path.open("rb") as file:
            untrusted = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise BadSettings(path, (error.strerror or "it can't be read").lower()) from None
    return _object(path, untrusted)


def _object(path: Path, untrusted: bytes) -> dict[str, Any]:
    if len(untrusted) > LARGEST_BYTES:
        raise BadSettings(path, "too long for a pairing file")
    try:
        return read_object(untrusted)
    except ValueError as error:
        raise BadSettings(path, f"not a pairing file ({error})") from None


def _as(kind: Any, said: dict[str, Any], path: Path) -> Any:
    """Return what exactly the words cover, as one of the above."""
    try:
        version = msgspec.convert(said, type=_Version).version
        if version > VERSION:
            raise NewerVersion(str(version))
        return msgspec.convert(said, type=kind)
    except msgspec.MsgspecError:
        raise BadSettings(path, _OTHERWISE[kind]) from None
