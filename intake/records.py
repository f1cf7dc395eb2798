"""What reporters add to drops, as records whose every revision is kept, so that desks can merge.

    record      one note, tag, case, person…: 16 bytes that name it on every desk
    revision    what a record says from then on; it names the revisions it stands in for, and is
                itself named by the first 16 bytes of SHA-256 of all it says (docs/vault.md)
    head        a revision that no other stands in for; a record with two is in conflict

Merging is a union of revisions: nothing is lost, and merging twice changes nothing. A tag, a
status, a check have names made of what they are about, so two desks that say the same agree.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any, Final

import msgspec

from intake.errors import BadRecord

ID_SIZE: Final = 16
LONGEST_TEXT: Final = 64 * 1024
"""Letters of one note, quote or summary."""
LARGEST_REVISION: Final = 16 * 1024 * 1024
"""Bytes of `said`; a transcript of some days has fewer."""
_VERSION: Final = "tapedrop record 1"

Words = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TEXT)]
MaybeWords = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Moment = Annotated[int, msgspec.Meta(ge=0, le=10**10)]
"""In ms from the start; at most four months."""
Day = Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]


class Kind(StrEnum):
    """What a record is; its content is the struct of the same name in `CONTENT`."""

    NOTE = "note"
    TRANSCRIPT = "transcript"
    STATUS = "status"
    ASSIGNEE = "assignee"
    SUMMARY = "summary"
    TAG = "tag"
    CASE = "case"
    MEMBER = "member"
    """A drop, `about`, in a case, `within`."""
    PERSON = "person"
    APPEARANCE = "appearance"
    """A person, `within`, in a drop, `about`."""
    CHECK = "check"
    REPLY = "reply"
    RETENTION = "retention"


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a revision says."""


class Note(Content, frozen=True):
    """A note, or a quote, perhaps at a time code; both in ms from the start."""

    text: Words
    at_ms: Moment | None = None
    until_ms: Moment | None = None
    quote: bool = False


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a transcript."""

    at_ms: Moment
    text: MaybeWords
    until_ms: Moment | None = None
    speaker: Annotated[str, msgspec.Meta(max_length=200)] = ""


class Transcript(Content, frozen=True):
    """What is said in a recording, line by line; `language` is a BCP 47 tag, or empty."""

    lines: Annotated[tuple[Line, ...], msgspec.Meta(max_length=100_000)]
    language: Annotated[str, msgspec.Meta(max_length=40)] = ""


class WorkStatus(StrEnum):
    """How far the work with a drop is: what a record of Kind.STATUS says. Without one it is new."""

    NEW = "new"
    LISTENING = "listening"
    VERIFYING = "verifying"
    VERIFIED = "verified"
    CLEARED = "cleared"
    """For use, by the editor and whoever else has to."""
    PUBLISHED = "published"
    REJECTED = "rejected"


class Text(Content, frozen=True):
    """A status, an assignee's initials, a one-line summary, a tag."""

    text: Words


class Case(Content, frozen=True):
    """A story that drops belong to."""

    name: Name
    summary: MaybeWords = ""
    closed: bool = False


class Member(Content, frozen=True):
    """That a drop is in a case says all."""


class Person(Content, frozen=True):
    """Somebody who is heard, or spoken of."""

    name: Name
    about: MaybeWords = ""


class Appearance(Content, frozen=True):
    """What somebody is in a drop."""

    role: Name


class Checked(StrEnum):
    """How far a step of verification is."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"
    NOT_POSSIBLE = "not possible"


class Check(Content, frozen=True):
    """One step of verification, and what was found."""

    step: Name
    state: Checked
    text: MaybeWords = ""


class Reply(Content, frozen=True):
    """What was written to the source of a drop."""

    text: Words


class Retention(Content, frozen=True):
    """How long a drop is to be kept: until a day (YYYY-MM-DD), and on hold for a reason."""

    until: Day | None = None
    hold: Words | None = None


CONTENT: Final[Mapping[Kind, type[Content]]] = {
    Kind.NOTE: Note,
    Kind.TRANSCRIPT: Transcript,
    Kind.STATUS: Text,
    Kind.ASSIGNEE: Text,
    Kind.SUMMARY: Text,
    Kind.TAG: Text,
    Kind.CASE: Case,
    Kind.MEMBER: Member,
    Kind.PERSON: Person,
    Kind.APPEARANCE: Appearance,
    Kind.CHECK: Check,
    Kind.REPLY: Reply,
    Kind.RETENTION: Retention,
}


@dataclass(frozen=True, slots=True)
class Revision:
    """What a record says from then on. `content` is None where it was removed."""

    record: bytes
    kind: Kind
    about: bytes | None
    """The digest of the drop that it is about."""
    within: bytes | None
    """The record (a case, a person) that it belongs to."""
    content: Content | None
    parents: tuple[bytes, ...]
    """The revisions that it stands in for, sorted."""
    day: str
    by: str
    """Initials, or a desk's name."""

    @property
    def said(self) -> bytes:
        """All of it, canonical: JSON with sorted members and no spaces."""
        told = {
            "version": _VERSION,
            "record": self.record.hex(),
            "kind": self.kind,
            "about": self.about.hex() if self.about else None,
            "within": self.within.hex() if self.within else None,
            "content": msgspec.to_builtins(self.content),
            "parents": [parent.hex() for parent in self.parents],
            "day": self.day,
            "by": self.by,
        }
        return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @property
    def id(self) -> bytes:
        """Its name on every desk."""
        return sha256(self.said).digest()[:ID_SIZE]


class _Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: str
    record: str
    kind: Kind
    about: str | None
    within: str | None
    content: Any
    parents: Annotated[tuple[str, ...], msgspec.Meta(max_length=1000)]
    day: Day
    by: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


def revision(untrusted: bytes) -> Revision:
    """Return the revision that `untrusted` is the `said` of. Raises BadRecord."""
    if len(untrusted) > LARGEST_REVISION:
        raise BadRecord("it is larger than any that we write")
    try:
        found = _revision(untrusted)
        said = found.said
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise BadRecord("it can't be read, or says more than there is room for") from None
    # Whatever has another form, order or version: one thing is said in one way.
    if said != untrusted:
        raise BadRecord("it is not as we write it")
    return found


def _revision(untrusted: bytes) -> Revision:
    told = msgspec.json.decode(untrusted, type=_Told)
    content = None if told.content is None else msgspec.convert(told.content, CONTENT[told.kind])
    parents = tuple(_id(parent) for parent in told.parents)
    if list(parents) != sorted(set(parents)):
        raise ValueError(told.parents)
    # A day that is in no calendar would stop whoever counts with it.
    date.fromisoformat(told.day)
    if isinstance(content, Retention) and content.until is not None:
        date.fromisoformat(content.until)
    return Revision(
        record=_id(told.record),
        kind=told.kind,
        about=_digest(told.about),
        within=_id(told.within) if told.within is not None else None,
        content=content,
        parents=parents,
        day=told.day,
        by=told.by,
    )


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it stands: its heads, of which there is more than one in a conflict."""

    id: bytes
    kind: Kind
    number: int
    """On this desk only."""
    about: bytes | None
    within: bytes | None
    heads: tuple[Revision, ...]
    """Never none; the last is the one to show."""

    @property
    def content(self) -> Any:
        """What the last head says; None where the record was removed."""
        return self.heads[-1].content

    @property
    def name(self) -> str:
        """What reporters call it: note-0001, and so on."""
        return f"{self.kind}-{self.number:04d}"

    @property
    def in_conflict(self) -> bool:
        """Whether two desks have said different things, and nobody has decided."""
        return len({(head.content is None, head.content) for head in self.heads}) > 1


def record_of(kind: Kind, *parts: bytes) -> bytes:
    """Return the id of the one record of its kind about `parts`, on every desk the same."""
    passed = sha256(f"{_VERSION}\n{kind}\n".encode())
    for part in parts:
        passed.update(len(part).to_bytes(8, "big") + part)
    return passed.digest()[:ID_SIZE]


def _id(hexed: str) -> bytes:
    if len(hexed) != 2 * ID_SIZE:
        raise ValueError(hexed)
    return bytes.fromhex(hexed)


def _digest(hexed: str | None) -> bytes | None:
    if hexed is None:
        return None
    if len(hexed) != 64:
        raise ValueError(hexed)
    return bytes.fromhex(hexed)
