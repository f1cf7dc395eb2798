"""What the desk answers to the server: a receipt for every envelope, and the answers that wait.

    data/receipts.json    {"version": "tapedrop receipt 1", "desk": name,
                           "envelopes": {sha256 hex: "stored" | "opened" | "set aside: <why>"}}
                          "tapedrop receipt 2" also says "canary: YYYY-MM-DD", the day that the
                          server's own test source sent it; written only where there is one
    data/custody.json     how far the custody log reaches (docs/custody.md); the server passes it
                          over, and whoever keeps it can hold the log against it
    data/<mailbox id>-<name>.reply

"opened" is a promise that the server may delete a drop: said only of what a verified backup of the
vault holds too, with what opens it. Of a purged drop it is said if that was so before; else it is
"set aside: purged". "canary" is the same promise, of what nobody needs.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Final

from crypto.bag import DATA, Bag, Kind
from intake.drop import Drop, Status
from intake.settings import Settings

VERSION: Final = "tapedrop receipt 1"
VERSION_WITH_CANARIES: Final = "tapedrop receipt 2"


@dataclass(frozen=True, slots=True)
class Receipts:
    """What the desk says of each envelope."""

    states: Mapping[bytes, str]
    unsafe: int
    """How many were opened, and are in no verified backup yet."""

    @property
    def opened(self) -> int:
        """How many the server may delete, as far as this desk is asked."""
        return sum(state == Status.OPENED for state in self.states.values())

    def encoded(self, desk: str) -> bytes:
        """Return receipts.json."""
        canaries = any(state.startswith(f"{Status.CANARY}: ") for state in self.states.values())
        said = {"version": VERSION_WITH_CANARIES if canaries else VERSION, "desk": desk}
        envelopes = {digest.hex(): state for digest, state in self.states.items()}
        return json.dumps(said | {"envelopes": envelopes}, indent=1).encode() + b"\n"


def receipts(drops: Iterable[Drop], *, backed_up: Callable[[bytes], bool]) -> Receipts:
    """Return what is said of each drop; `backed_up` tells whether a verified backup holds it."""
    states, unsafe = {}, 0
    for drop in drops:
        state = states[drop.digest] = _state(drop, backed_up)
        unsafe += drop.status is Status.OPENED and state != Status.OPENED
    return Receipts(states, unsafe)


def answers(
    settings: Settings, files: Mapping[str, bytes], *, day: date
) -> tuple[Bag, dict[str, bytes]]:
    """Return a bag of answers and the files it lists, by their names under the bag."""
    payload = {f"{DATA}/{name}": content for name, content in files.items()}
    digests = {name: sha256(content).digest() for name, content in payload.items()}
    return Bag(Kind.ANSWERS, day, settings.server.newsroom, digests), payload


def _state(drop: Drop, backed_up: Callable[[bytes], bool]) -> str:
    match drop.status:
        case Status.SET_ASIDE:
            return f"{Status.SET_ASIDE}: {drop.set_aside}"
        case Status.CANARY:
            return f"{Status.CANARY}: {drop.canary_day}"
        case Status.OPENED | Status.PURGED if backed_up(drop.digest):
            return Status.OPENED
        case Status.PURGED:
            return f"{Status.SET_ASIDE}: {Status.PURGED}"
    return Status.STORED
