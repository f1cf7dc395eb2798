"""What each thing in the catalogue says to whoever searches: lines, and facts to ask for."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from intake.drop import Drop
from intake.records import (
    Appearance,
    Case,
    Check,
    Content,
    Kind,
    Note,
    Person,
    Reply,
    Retention,
    Revision,
    Text,
    Transcript,
)
from intake.searching.folding import folded

QUOTE: Final = "quote"
DROP: Final = "drop"
MESSAGE: Final = "message"
REMOVED: Final = "removed"
KINDS: Final = (
    "summary", "tag", "case", "member", "person", "appearance", QUOTE, "note", "check", "status",
    "assignee", "retention", "reply", MESSAGE, DROP, REMOVED, "transcript",
)  # fmt: skip
"""Every kind of line, those that say most in few words first."""
_FACTS: Final = {Kind.TAG, Kind.STATUS, Kind.ASSIGNEE}


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `term` is what a filter asks for, folded and whole."""

    kind: str
    text: str
    at_ms: int | None = None
    writer: str = ""
    term: str | None = None


def record_lines(head: Revision) -> Iterator[Line]:
    """Yield what a revision says; nothing where it was removed."""
    kind, by = str(head.kind), head.by
    match head.content:
        case None:
            return
        case Transcript(lines=lines):
            for line in lines:
                yield Line(kind, _joined(line.speaker, line.text), line.at_ms, by)
        case Note(text=text, at_ms=at_ms, quote=True):
            yield Line(QUOTE, text, at_ms, by)
        case Note(text=text, at_ms=at_ms):
            yield Line(kind, text, at_ms, by)
        case content:
            yield Line(kind, _text(content), writer=by, term=_term(head))


def _text(content: Content) -> str:
    match content:
        case Text(text=text) | Reply(text=text) | Appearance(role=text):
            return text
        case Case(name=head, summary=text) | Person(name=head, about=text):
            return _joined(head, text)
        case Check(step=head, text=text):
            return _joined(head, text)
        case Retention(hold=text):
            return text or ""
        case _:  # that a drop is in a case says all
            return ""


def _term(head: Revision) -> str | None:
    match head.content:
        case Text(text=text) if head.kind in _FACTS:
            return folded(text)
        case Case(name=name) | Person(name=name):
            return folded(name)
        case _:
            return head.within.hex() if head.within is not None else None


def drop_lines(drop: Drop, text: str | None) -> Iterator[Line]:
    """Yield what the manifest of an open drop says, and the `text` of a message."""
    if drop.manifest is None:
        return
    said = drop.manifest
    yield Line(DROP, f"{said.source.pseudonym}, {said.format}", term=folded(said.source.pseudonym))
    for value in said.values:
        yield Line(REMOVED, _joined(value.name, value.text))
    if text:
        yield Line(MESSAGE, text)


def _joined(head: str, text: str) -> str:
    return f"{head}: {text}" if head and text else head or text
