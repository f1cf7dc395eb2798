"""What an envelope says of itself, as JSON inside it; `docs/envelope.md` describes each member."""

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Final

from crypto.errors import NewerVersion, NotAnEnvelope

VERSION: Final = "tapedrop envelope 1"


class Condition(StrEnum):
    """How what lies inside came to be as it is."""

    CLEANED = "cleaned"
    """Scrubbed, and proved to be clean."""
    UNCLEANED = "uncleaned"
    """Could not be cleaned; the source chose to send it all the same."""
    WRITTEN = "written"
    """A message, typed into the form."""


@dataclass(frozen=True, slots=True)
class Source:
    """The sealed link between one source's drops: for reporters only."""

    pseudonym: str
    mailbox_id: str
    """32 hex digits."""
    reply_key: str
    """The X-Wing public key in hex, 2,432 digits."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the envelope says of itself. `docs/envelope.md` describes each member."""

    name: str
    size: int
    condition: Condition
    format: str
    day: str
    source: Source
    newsroom_digest: str
    recipients: int
    removed: dict[str, int] = field(default_factory=dict)
    remains: dict[str, int] = field(default_factory=dict)
    sha256: str = "0" * 64

    def encoded(self) -> bytes:
        """Return the manifest as JSON; its length does not depend on the digest."""
        return json.dumps({"version": VERSION} | asdict(self), indent=1).encode() + b"\n"

    @classmethod
    def decoded(cls, encoded: bytes) -> "Manifest":
        """Return what `encoded` says. Raises NotAnEnvelope, NewerVersion."""
        try:
            said = json.loads(encoded)
            version = said.pop("version")
            if version != VERSION:
                raise NewerVersion(str(version))
            said["source"] = Source(**said["source"])
            said["condition"] = Condition(said["condition"])
            manifest = cls(**said)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise NotAnEnvelope("the manifest can't be read") from None
        if not manifest._is_well_formed():
            raise NotAnEnvelope("the manifest says something it can't")
        return manifest

    def _is_well_formed(self) -> bool:
        counts = self.removed | self.remains
        texts: list[object] = [self.name, self.format, self.day, self.newsroom_digest, *counts]
        texts += [self.sha256, *asdict(self.source).values()]
        numbers: list[object] = [self.size, self.recipients, *counts.values()]
        return all(isinstance(text, str) for text in texts) and all(
            isinstance(number, int) and number >= 0 for number in numbers
        )
