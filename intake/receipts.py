"""What the desk answers to the server: a receipt for every envelope, and the answers that wait.

    data/receipts.json    {"version": "tapedrop receipt 1", "desk": name,
                           "envelopes": {sha256 hex: "stored" | "set aside: <why>"}}
    data/<mailbox id>-<name>.reply

"opened" is a promise that the server may delete a drop. It needs a verified backup of the vault,
so a desk that has none never says it.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from hashlib import sha256
from typing import Final

from crypto.bag import DATA, Bag, Kind
from intake.drop import Drop, Status
from intake.settings import Settings

VERSION: Final = "tapedrop receipt 1"


def receipt(desk: str, drops: Iterable[Drop]) -> bytes:
    """Return receipts.json."""
    said = {"version": VERSION, "desk": desk}
    envelopes = {drop.digest.hex(): _state(drop) for drop in drops}
    return json.dumps(said | {"envelopes": envelopes}, indent=1).encode() + b"\n"


def answers(
    settings: Settings, drops: Iterable[Drop], replies: Mapping[str, bytes], *, day: date
) -> tuple[Bag, dict[str, bytes]]:
    """Return a bag of answers and the files it lists, by their names under the bag."""
    payload = {f"{DATA}/receipts.json": receipt(settings.desk.name, drops)}
    payload |= {f"{DATA}/{name}": sealed for name, sealed in replies.items()}
    digests = {name: sha256(content).digest() for name, content in payload.items()}
    return Bag(Kind.ANSWERS, day, settings.server.newsroom, digests), payload


def _state(drop: Drop) -> str:
    if drop.status is Status.SET_ASIDE:
        return f"{Status.SET_ASIDE}: {drop.set_aside}"
    return str(Status.STORED)
