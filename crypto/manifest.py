"""What an envelope says of itself, as JSON inside it; `docs/envelope.md` describes each member."""

import json
import re
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from enum import StrEnum
from typing import Final

from crypto.errors import NewerVersion, NotAnEnvelope

VERSION: Final = "tapedrop envelope 1"
VERSION_WITH_VALUES: Final = "tapedrop envelope 2"
_VERSIONS: Final = "tapedrop envelope "
_LARGEST_NUMBER: Final = 2**63 - 1
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
# What a person will read on a terminal: no line feeds, no escapes, nothing that runs backwards.
_PLAIN: Final = re.compile(r"[ -~]{1,100}")
# Read as they are, and checked by whoever answers: a recording isn't lost for want of a mailbox.
_WAY_BACK: Final = re.compile(r"[ -~]{0,2432}")
_MOST_VALUES: Final = 500
_LONGEST_NAME, _LONGEST_TEXT = 64, 256  # bytes of UTF-8
# No controls, nothing that turns the line round. Which letters there are is not ours to know: the
# desk's Unicode may be older than the server's.
_SHOWN: Final = re.compile(
    "[^\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]*"
)


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
class RemovedValue:
    """What a recording said of itself before it was cleaned, where the newsroom keeps that."""

    kind: str
    name: str
    """The field it stood in."""
    text: str


NOT_READ: Final = RemovedValue("not_read", "", "what was taken out could not be listed")
"""Stands alone where the newsroom keeps values, and the worker that reads them failed."""


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
    values: tuple[RemovedValue, ...] = ()

    def encoded(self) -> bytes:
        """Return the manifest as JSON; its length does not depend on the digest."""
        said = {"version": VERSION_WITH_VALUES if self.values else VERSION} | asdict(self)
        if not self.values:
            del said["values"]
        return json.dumps(said, indent=1).encode() + b"\n"

    @classmethod
    def decoded(cls, encoded: bytes) -> "Manifest":
        """Return what `encoded` says. Raises NotAnEnvelope, NewerVersion."""
        try:
            said = json.loads(encoded)
            version = said.pop("version")
            if version not in _MEMBERS and version.startswith(_VERSIONS):
                raise NewerVersion(version[:100])
            if version not in _MEMBERS:
                raise NotAnEnvelope("the manifest is of another kind")
            if said.keys() != _MEMBERS[version]:
                raise NotAnEnvelope("the manifest has other members than it should")
            if version == VERSION_WITH_VALUES:
                said["values"] = tuple(RemovedValue(**each) for each in said["values"])
                if not said["values"]:
                    raise NotAnEnvelope("the manifest has other members than it should")
            said["source"] = Source(**said["source"])
            said["condition"] = Condition(said["condition"])
            manifest = cls(**said)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise NotAnEnvelope("the manifest can't be read") from None
        if not manifest._is_well_formed():
            raise NotAnEnvelope("the manifest says something it can't")
        return manifest

    def _is_well_formed(self) -> bool:
        said: tuple[object, object] = (self.removed, self.remains)
        counted = [item for counts in said if isinstance(counts, dict) for item in counts.items()]
        texts = [self.name, self.format, self.source.pseudonym, *(kind for kind, _ in counted)]
        numbers = [self.size, self.recipients, *(times for _, times in counted)]
        return (
            all(isinstance(counts, dict) for counts in said)
            and all(_is(text, _PLAIN) for text in texts)
            # A bool is an int to Python; a larger number is none to a database.
            and all(type(number) is int and 0 <= number <= _LARGEST_NUMBER for number in numbers)
            and all(_is(digest, _DIGEST) for digest in (self.sha256, self.newsroom_digest))
            and all(_is(way, _WAY_BACK) for way in (self.source.mailbox_id, self.source.reply_key))
            and _is_day(self.day)
            and len(self.values) <= _MOST_VALUES
            and all(_is_value(value) for value in self.values)
        )


_ALL: Final = {member.name for member in fields(Manifest)}
_MEMBERS: Final = {VERSION: _ALL - {"values"}, VERSION_WITH_VALUES: _ALL}


def _is_value(value: RemovedValue) -> bool:
    return (
        _is(value.kind, _PLAIN)
        and _is_shown(value.name, _LONGEST_NAME)
        and _is_shown(value.text, _LONGEST_TEXT)
    )


def _is_shown(said: object, most: int) -> bool:
    return isinstance(said, str) and _is(said, _SHOWN) and len(said.encode()) <= most


def _is(said: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(said, str) and pattern.fullmatch(said) is not None


def _is_day(said: object) -> bool:
    try:
        return isinstance(said, str) and date.fromisoformat(said).isoformat() == said
    except ValueError:
        return False
