"""The two files by which a server and a desk learn each other's keys.

    server    {"version": 1, "kind": "tapedrop server 1", "export_key": 64 hex digits,
               "newsroom": [primary fingerprints]}
    desk      {"version": 1, "kind": "tapedrop desk 1", "desk": name, "signing_key": 64 hex digits,
               "newsroom": [primary fingerprints]}

They hold nothing secret, but whoever can swap one is believed from then on: security staff carry
them, and compare what both machines print.
"""

import json
from pathlib import Path
from typing import Final, Literal

import msgspec

from crypto.errors import NewerVersion
from intake.errors import BadSettings
from intake.settings import Ed25519Hex, Newsroom, Settings

LARGEST_BYTES: Final = 64 * 1024


class ServerPairing(msgspec.Struct, frozen=True):
    """What a server says of itself."""

    version: Literal[1]
    kind: Literal["tapedrop server 1"]
    export_key: Ed25519Hex
    newsroom: Newsroom


class _Version(msgspec.Struct):
    version: int


def read_server_pairing(path: Path) -> ServerPairing:
    """Return what the server's file says. Raises BadSettings, NewerVersion."""
    with path.open("rb") as file:
        said = file.read(LARGEST_BYTES + 1)
    if len(said) > LARGEST_BYTES:
        raise BadSettings(path, "too long for a pairing file")
    try:
        version = msgspec.json.decode(said, type=_Version).version
        if version > 1:
            raise NewerVersion(str(version))
        return msgspec.json.decode(said, type=ServerPairing)
    except msgspec.MsgspecError as error:
        raise BadSettings(path, str(error)) from None


def desk_pairing(settings: Settings, signing_key: bytes) -> bytes:
    """Return the desk's file, given the public half of its signing key."""
    said = {
        "version": 1,
        "kind": "tapedrop desk 1",
        "desk": settings.desk.name,
        "signing_key": signing_key.hex(),
        "newsroom": list(settings.server.newsroom),
    }
    return json.dumps(said, indent=1).encode() + b"\n"
