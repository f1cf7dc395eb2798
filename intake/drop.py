"""What the desk knows of one drop: the words that catalogue, receipts and pages share."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from crypto.manifest import Manifest
from intake.errors import UnknownDrop

MESSAGE: Final = "message.txt"
"""What an envelope calls a message."""
_ID: Final = re.compile(r"(?:drop-)?0{0,8}([1-9][0-9]{0,8})")


class Status(StrEnum):
    """How far a drop has come."""

    STORED = "stored"
    OPENED = "opened"
    SET_ASIDE = "set aside"
    CANARY = "canary"
    """Opened, and the server's own test recording: kept out of every list of drops."""
    PURGED = "purged"
    """Destroyed: number and digest are left, so that no stick can bring it back."""


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


class CleaningOutcome(StrEnum):
    """What came of opening and cleaning, at the desk, what the server couldn't clean."""

    CLEANED = "cleaned at this desk"
    READ = "opened: it is a text"
    NO_KEY = "encrypted by its source, and no key here opens it"
    NOT_WHOLE = "encrypted by its source, and gpg does not vouch for it"
    TOO_LARGE = "encrypted by its source, and larger inside than it can be"
    TOO_SLOW = "encrypted by its source, and gpg took too long over it"
    NOT_CLEANABLE = "could not be cleaned here either"


@dataclass(frozen=True, slots=True)
class Cleaning:
    """One attempt. But for the outcome, it speaks of the cleaned copy, where there is one."""

    outcome: CleaningOutcome
    nested: bool
    """Whether its source had encrypted it before it was sent."""
    size: int = 0
    sha256: str = ""
    format: str = ""
    extension: str = "bin"
    removed: Mapping[str, int] = field(default_factory=dict)
    remains: Mapping[str, int] = field(default_factory=dict)


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
    purged_day: str | None = None
    """When it was destroyed, YYYY-MM-DD."""
    length_ms: int | None = None
    """How long it plays, as its headers say, if anybody has looked; 0 where they don't."""
    cleaned_format: str | None = None
    """What the copy is that this desk has cleaned, of a drop that came uncleaned."""
    source_number: int | None = None
    """Who sent it, on this desk; None until it has been opened."""

    @property
    def id(self) -> str:
        """What reporters call it: drop-0001, and so on."""
        return f"drop-{self.number:04d}"

    @property
    def kind(self) -> str | None:
        """Whether it is a recording or a message; None until it has been opened."""
        if self.manifest is None:
            return None
        return "message" if self.manifest.name == MESSAGE else "recording"

    @property
    def source_id(self) -> str | None:
        """What reporters call who sent it: source-0001, and so on."""
        return None if self.source_number is None else f"source-{self.source_number:04d}"


def number_of(untrusted_id: str) -> int:
    """Return the number in `drop-0007`, `0007` or `7`. Raises UnknownDrop."""
    match = _ID.fullmatch(untrusted_id)
    if match is None:
        raise UnknownDrop(untrusted_id)
    return int(match[1])
