"""Write what one reporter says on one day: notes, tags, cases, people, steps of verification.

What there is once per drop (a status, a summary, a tag, a step, being in a case) has an id made of
what it is about, so that two desks which say the same agree.
"""

import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Final

from intake.catalogue.records import Records
from intake.errors import BadText
from intake.records import (
    LONGEST_TEXT,
    Appearance,
    Case,
    Check,
    Checked,
    Content,
    Kind,
    Member,
    Note,
    Person,
    Record,
    Text,
    record_of,
)

LONGEST_LINE: Final = 200
"""Letters of a name, a tag, a role, a summary."""


@dataclass(frozen=True, slots=True)
class Pen:
    """Whose hand it is, and where it writes. Every call raises BadText for what can't be kept."""

    records: Records
    by: str
    day: date

    def note(
        self,
        text: str,
        *,
        about: bytes | None = None,
        within: bytes | None = None,
        at_ms: int | None = None,
        until_ms: int | None = None,
        quote: bool = False,
    ) -> Record:
        """Add a note about a drop, by its digest, or within a case or a person."""
        note = _note(text, at_ms, until_ms, quote)
        return self._put(Kind.NOTE, note, about=about, within=within)

    def rewrite(
        self, note: Record, text: str, *, at_ms: int | None, until_ms: int | None, quote: bool
    ) -> Record:
        """Have a note say something else; what it said before is kept."""
        return self._put(Kind.NOTE, _note(text, at_ms, until_ms, quote), record=note.id)

    def say(self, kind: Kind, drop: bytes, text: str) -> None:
        """Set a drop's status, assignee or summary; to nothing where `text` is empty."""
        text = one_line(text)
        content = Text(text) if text else None
        self._set(kind, content, record_of(kind, drop), about=drop)

    def tag(self, drop: bytes, tag: str, *, on: bool = True) -> None:
        """Give a drop a tag, or take it away; upper and lower case are one."""
        tag = tag_of(tag)
        record = record_of(Kind.TAG, drop, tag.encode())
        self._set(Kind.TAG, Text(tag) if on else None, record, about=drop)

    def case(self, name: str, summary: str = "") -> Record:
        """Begin a case."""
        return self._put(Kind.CASE, Case(_filled(name), as_said(summary)))

    def person(self, name: str, about: str = "") -> Record:
        """Begin an account of somebody who is heard, or spoken of."""
        return self._put(Kind.PERSON, Person(_filled(name), as_said(about)))

    def put_in(self, case: Record, drop: bytes, *, on: bool = True) -> None:
        """Put a drop in a case, or take it out."""
        record = record_of(Kind.MEMBER, drop, case.id)
        self._set(Kind.MEMBER, Member() if on else None, record, about=drop, within=case.id)

    def heard(self, person: Record, drop: bytes, role: str | None) -> None:
        """Say what somebody is in a drop; with None, that they aren't in it."""
        record = record_of(Kind.APPEARANCE, drop, person.id)
        content = None if role is None else Appearance(_filled(role))
        self._set(Kind.APPEARANCE, content, record, about=drop, within=person.id)

    def check(self, drop: bytes, step: str, state: Checked, text: str) -> Record:
        """Say how far a step of verification is, and what was found."""
        record = record_of(Kind.CHECK, drop, step.encode())
        content = Check(step, state, as_said(text))
        return self._put(Kind.CHECK, content, about=drop, record=record)

    def change(self, record: Record, content: Content | None) -> Record:
        """Have a record say something else, or be gone; what it said before is kept."""
        return self._put(record.kind, content, record=record.id)

    def _set(
        self,
        kind: Kind,
        content: Content | None,
        record: bytes,
        *,
        about: bytes,
        within: bytes | None = None,
    ) -> None:
        # Where nothing was said there is nothing to take back: to say so would be in conflict with
        # a colleague's desk at which somebody does say something.
        if content is not None or self.records.get(record) is not None:
            self._put(kind, content, about=about, within=within, record=record)

    def _put(
        self,
        kind: Kind,
        content: Content | None,
        *,
        about: bytes | None = None,
        within: bytes | None = None,
        record: bytes | None = None,
    ) -> Record:
        return self.records.put(
            kind, content, by=self.by, day=self.day, about=about, within=within, record=record
        )


def as_said(text: str) -> str:
    """Return a person's text as it is kept: their letters, without what only steers a terminal.

    Line ends become newlines, tabs stay. Marks of direction stay too: Arabic and Hebrew notes need
    them, and `wording.plain` takes them out of what is shown. Raises BadText.
    """
    text = "\n".join(text.removeprefix("\ufeff").splitlines()).strip()
    if any(
        unicodedata.category(letter) in {"Cc", "Cs"} and letter not in "\n\t" for letter in text
    ):
        raise BadText("it holds characters that are not text")
    text = unicodedata.normalize("NFC", text)
    if len(text) > LONGEST_TEXT:
        raise BadText(f"it is longer than {LONGEST_TEXT // 1024} thousand letters")
    return text


def one_line(text: str) -> str:
    """Return a person's text on one line. Raises BadText when it is longer than a line may be."""
    line = " ".join(as_said(text).split())
    if len(line) > LONGEST_LINE:
        raise BadText(f"it is longer than {LONGEST_LINE} letters")
    return line


def tag_of(text: str) -> str:
    """Return a tag as it is kept: one line, lower case. Raises BadText."""
    return _filled(text.lower())


def _filled(text: str) -> str:
    line = one_line(text)
    if not line:
        raise BadText("it is empty")
    return line


def _note(text: str, at_ms: int | None, until_ms: int | None, quote: bool) -> Note:
    text = as_said(text)
    if not text:
        raise BadText("it is empty")
    if until_ms is not None and (at_ms is None or until_ms < at_ms):
        raise BadText("it ends before it begins")
    return Note(text, at_ms, until_ms, quote)
