"""The index of all that the desk knows: full text (SQLite's FTS5), every word folded.

What is found, and in which order: `finding.py`.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from intake.catalogue.database import Database
from intake.catalogue.finding import ROOM, Found, find, is_nobodys
from intake.catalogue.lines import Line, drop_lines, record_lines
from intake.drop import Drop, Status
from intake.records import Kind, Record
from intake.searching.folding import FOLDING, folded
from intake.searching.query import Filter, Query


class Search:
    """The index of everything that can be searched for."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def index(self, record: Record) -> None:
        """Have a record found by what it says now, and by nothing that it said before.

        In a conflict it is found by what either says.
        """
        with self._db.whole():
            self.forget(record=record.id)
            lines = list(chain.from_iterable(record_lines(head) for head in record.heads))
            if lines:
                subject = self._subject(record.about, record.within or record.id)
                self._add(subject, lines, record.id)

    def index_drop(self, drop: Drop, text: str | None = None) -> None:
        """Have a drop found by what its manifest says, and by the `text` of a message."""
        with self._db.whole():
            subject = self._subject(drop.digest, None)
            self._remove("record IS NULL AND findable >= ? AND findable < ?", _range(subject))
            lines = list(drop_lines(drop, text)) if drop.status is Status.OPENED else []
            if lines:
                self._add(subject, lines, None)

    def forget(self, *, record: bytes | None = None, about: bytes | None = None) -> None:
        """Have a record, or everything about a drop, found no more; no word of it stays."""
        with self._db.whole():
            if record is not None:
                self._remove("record = ?", (record,))
            if about is not None:
                subject = self._subject(about, None)
                self._remove("findable >= ? AND findable < ?", _range(subject))
                self._db.execute("DELETE FROM subjects WHERE about = ?", (about,))

    def find(self, query: Query, *, limit: int = 20, lines: int = 3) -> Found:
        """Return what `query` asks for: the best `limit`, each by at most `lines` lines."""
        return find(self._db, query, limit=limit, lines=lines)

    def is_nobodys(self, asked: Filter) -> bool:
        """Say whether no drop at all is of the name that a filter asks for."""
        return is_nobodys(self._db, asked)

    @property
    def is_stale(self) -> bool:
        """Whether the index is to be made anew: it never was, or words are folded otherwise now."""
        rows = self._db.execute("SELECT folding FROM folding").fetchall()
        return bool(rows != [(FOLDING,)])

    def rebuild(self, drops: Iterable[tuple[Drop, str | None]], records: Iterable[Record]) -> None:
        """Make the index anew, from every drop with the text of its message, and every record."""
        with self._db.whole():
            self._db.execute("INSERT INTO words (words) VALUES ('delete-all')")
            self._db.execute("DELETE FROM findable")
            self._db.execute("DELETE FROM subjects")
            for drop, text in drops:
                self.index_drop(drop, text)
            for record in records:
                self.index(record)
            self._db.execute("DELETE FROM folding")
            self._db.execute("INSERT INTO folding VALUES (?)", (FOLDING,))

    def _subject(self, about: bytes | None, record: bytes | None) -> int:
        column, value = ("about", about) if about is not None else ("record", record)
        self._db.execute(
            f"INSERT OR IGNORE INTO subjects ({column}) VALUES (?)",  # noqa: S608
            (value,),
        )
        (subject,) = self._db.execute(
            f"SELECT subject FROM subjects WHERE {column} = ?",  # noqa: S608
            (value,),
        ).fetchone()
        return int(subject)

    def _add(self, subject: int, lines: Sequence[Line], record: bytes | None) -> None:
        # Transcripts are numbered last: of a thousand lines, the first are looked at.
        start, end = _range(subject)
        middle = (start + end) // 2
        start, end = (middle, end) if lines[0].kind == Kind.TRANSCRIPT else (start, middle)
        (last,) = self._db.execute(
            "SELECT max(findable) FROM findable WHERE findable >= ? AND findable < ?", (start, end)
        ).fetchone()
        numbered = list(enumerate(lines, start=start if last is None else last + 1))
        self._db.executemany(
            "INSERT INTO findable VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (number, each.kind, record, each.at_ms, folded(each.writer), each.term, each.text)
                for number, each in numbered
            ],
        )
        self._db.executemany(
            "INSERT INTO words (rowid, text) VALUES (?, ?)",
            [(number, folded(each.text)) for number, each in numbered],
        )

    def _remove(self, condition: str, values: Sequence[Any]) -> None:
        rows = self._db.execute(
            f"SELECT findable, text FROM findable WHERE {condition}",  # noqa: S608
            values,
        )
        self._db.executemany(
            "INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)",
            [(number, folded(text)) for number, text in rows.fetchall()],
        )
        self._db.execute(f"DELETE FROM findable WHERE {condition}", values)  # noqa: S608


def _range(subject: int) -> tuple[int, int]:
    return subject * ROOM, (subject + 1) * ROOM
