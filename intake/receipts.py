"""What the desk answers to the server: a receipt for every envelope, and the answers that wait.

    data/receipts.json    {"version": "tapedrop receipt 1", "desk": name,
                           "envelopes": {sha256 hex: "stored" | "set aside: <why>"}}
                          "tapedrop receipt 2" also says "canary: YYYY-MM-DD", the day that the
                          server's own test source sent it; written only where there is one
    data/<mailbox id>-<name>.reply

"opened" is a promise that the server may delete a drop. It needs a verified backup of the vault,
so a desk that has none never says it. "canary" is the same promise, of what nobody needs.
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
VERSION_WITH_CANARIES: Final = "tapedrop receipt 2"


def receipt(desk: str, drops: Iterable[Drop]) -> bytes:
    """Return receipts.json."""
    envelopes: dict[str, str] = {}
    version = VERSION
    for drop in drops:
        envelopes[drop.digest.hex()] = _state(drop)
        if drop.status is Status.CANARY:
            version = VERSION_WITH_CANARIES
    said = {"version": version, "desk": desk}
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
    if drop.status is Status.CANARY:
        return f"{Status.CANARY}: {drop.canary_day}"
    return str(Status.STORED)
