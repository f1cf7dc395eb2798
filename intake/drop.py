"""What the desk knows of one drop: the words that catalogue, receipts and pages share."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from crypto.manifest import Manifest
from intake.errors import UnknownDrop

_ID: Final = re.compile(r"(?:drop-)?0{0,8}([1-9][0-9]{0,8})")


class Status(StrEnum):
    """How far a drop has come."""

    STORED = "stored"
    OPENED = "opened"
    SET_ASIDE = "set aside"
    CANARY = "canary"
    """Opened, and the server's own test recording: kept out of every list of drops."""


class SetAside(StrEnum):
    """Why a drop was set aside; the server is told in these words."""

    NOT_ARRIVED = "did not arrive whole"
    TAMPERED = "gpg does not vouch for it"
    NOT_AN_ENVELOPE = "not laid out as an envelope"


class Alarm(StrEnum):
    """What an envelope that opened says, or does, that it must not."""

    OTHER_NEWSROOM = "sealed for another key list than this desk's"
    EARLIER_KEYS = "sealed to the newsroom's earlier keys"
    MISCOUNTED = "sealed to another number of keys than it says"
    MORE_READERS = "sealed to more keys than the newsroom has"
    FEWER_READERS = "sealed to fewer keys than the newsroom has"


@dataclass(frozen=True, slots=True)
class Drop:
    """One row of the catalogue. `manifest` is None until the drop has been opened."""

    number: int
    digest: bytes
    """SHA-256 of the envelope."""
    status: Status
    set_aside: SetAside | None
    manifest: Manifest | None
    alarms: tuple[Alarm, ...]
    canary_day: str | None = None
    """When it was sent, YYYY-MM-DD, if it is the canary's; that is all that is kept of it."""

    @property
    def id(self) -> str:
        """What reporters call it: drop-0001, and so on."""
        return f"drop-{self.number:04d}"


def number_of(untrusted_id: str) -> int:
    """Return the number in `drop-0007`, `0007` or `7`. Raises UnknownDrop."""
    match = _ID.fullmatch(untrusted_id)
    if match is None:
        raise UnknownDrop(untrusted_id)
    return int(match[1])
