"""A desk that signs what it says, for tests of what the server believes."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto.bag import Bag, Kind, tag_files


@dataclass(frozen=True)
class Key:
    """A reporter's public key."""

    fingerprint: str
    block: str


class DeskKey:
    """A desk that signs bags."""

    def __init__(self, name: str = "desk") -> None:
        self.name = name
        self.key = Ed25519PrivateKey.generate()

    @property
    def public(self) -> str:
        return self.key.public_key().public_bytes_raw().hex()

    def introduction(self, folder: Path, newsroom: Sequence[str] = (), **more: object) -> Path:
        """Write the desk's pairing file: as desks wrote it first, unless more is said."""
        said = {
            "version": 1,
            "kind": "tapedrop desk 1",
            "desk": self.name,
            "signing_key": self.public,
            "newsroom": list(newsroom),
        }
        path = folder / f"{self.name}.json"
        path.write_text(json.dumps(said | more))
        return path

    def pair_with(self, desks: Path) -> None:
        """Lie in the drop's folder of desks, as one that it is paired with."""
        self.introduction(desks)

    def bag(
        self,
        folder: Path,
        data: Mapping[str, bytes],
        kind: Kind = Kind.ANSWERS,
        day: date = date(2026, 11, 20),
    ) -> Path:
        bag = folder / "TAPEDROP" / os.urandom(4).hex()
        (bag / "data").mkdir(parents=True)
        digests = {name: sha256(content).digest() for name, content in data.items()}
        tags = tag_files(Bag(kind, day, (), digests), self.key)
        for name, content in (data | tags).items():
            (bag / name).write_bytes(content)
        return bag


def receipts(version: int = 1, **envelopes: str) -> dict[str, bytes]:
    said = {"version": f"tapedrop receipt {version}", "desk": "desk", "envelopes": envelopes}
    return {"data/receipts.json": json.dumps(said).encode()}
