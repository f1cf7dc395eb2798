"""What reporters add, every revision of it; `intake/records.py` says what records are."""

import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import msgspec

from intake.catalogue.database import Database
from intake.catalogue.glances import GLANCED, NOTHING, Glance, glances
from intake.errors import BadRecord, UnknownRecord
from intake.records import ID_SIZE, Content, Kind, Record, Revision, revision

_HEADS = """
    SELECT record, kind, number, about, within, said
    FROM records JOIN revisions USING (record)
    WHERE NOT EXISTS (
        SELECT 1 FROM parents JOIN revisions AS later USING (revision)
        WHERE parents.parent = revisions.revision AND later.record = revisions.record
    )
"""


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of taking in revisions of another desk."""

    new: int
    """Revisions that were not known here."""
    conflicts: tuple[Record, ...]
    """Records that are in conflict now."""


class Records:
    """Every record of the desk. `changed` hears of each one that says something else now."""

    def __init__(self, database: Database, changed: Callable[[Record], None]) -> None:
        self._db = database
        self._changed = changed

    def put(
        self,
        kind: Kind,
        content: Content | None,
        *,
        by: str,
        day: date,
        about: bytes | None = None,
        within: bytes | None = None,
        record: bytes | None = None,
    ) -> Record:
        """Have a record say `content`, or be gone; return it. Without `record` it is a new one.

        Of one that is there this stands in for every head, which ends a conflict. Raises BadRecord
        when that is more than another desk would take in.
        """
        with self._db.whole():
            known = self.get(record) if record is not None else None
            if known is not None and not _is(known, kind, about, within):
                self.forget(known)  # it had a name that every desk makes for something else
                known = None
            if known is not None:
                about, within = known.about, known.within
                if not known.in_conflict and known.content == content:
                    return known
            new = Revision(
                record=record or secrets.token_bytes(ID_SIZE),
                kind=kind,
                about=about,
                within=within,
                content=content,
                parents=tuple(sorted(head.id for head in known.heads)) if known else (),
                day=day.isoformat(),
                by=by,
            )
            self._add(revision(_said(new)))
            return self._told(new.record)

    def remove(self, record: Record, *, by: str, day: date) -> None:
        """Have a record say nothing from now on; what it said stays in its earlier revisions."""
        self.put(record.kind, None, by=by, day=day, record=record.id)

    def get(self, record: bytes) -> Record | None:
        """Return a record by its id, also one that was removed."""
        return next(self._found("AND record = ?", (record,)), None)

    def one(self, kind: Kind, number: int, *, also_removed: bool = False) -> Record:
        """Return a record by what this desk calls it. Raises UnknownRecord."""
        found = next(self._found("AND kind = ? AND number = ?", (kind, number)), None)
        if found is None or not (also_removed or _there(found)):
            raise UnknownRecord(f"{kind}-{number:04d}")
        return found

    def all(
        self, kind: Kind, *, about: bytes | None = None, within: bytes | None = None
    ) -> list[Record]:
        """Return the records of one kind, but for those that were removed, in their order."""
        asked = "AND kind = ?"
        values: list[object] = [kind]
        for column, value in (("about", about), ("within", within)):
            if value is not None:
                asked += f" AND {column} = ?"
                values.append(value)
        return [each for each in self._found(asked, values) if _there(each)]

    def about(self, drop: bytes) -> list[Record]:
        """Return every record about a drop, of any kind, but for those that were removed."""
        return [each for each in self._found("AND about = ?", (drop,)) if _there(each)]

    def within(self, record: bytes) -> list[Record]:
        """Return every record within a case or a person, in the same way."""
        return [each for each in self._found("AND within = ?", (record,)) if _there(each)]

    def glances(self) -> dict[bytes, Glance]:
        """Return what a list shows of each drop that something was added to, by its digest."""
        return glances(self._db)

    def glance(self, drop: bytes) -> Glance:
        """Return what a list shows of one drop."""
        return glances(self._db, drop).get(drop, NOTHING)

    def revisions(
        self,
        *,
        about: bytes | None = None,
        record: bytes | None = None,
        within: bytes | None = None,
    ) -> Iterator[Revision]:
        """Yield every revision about a drop, within a record, or of one, the first before."""
        column, value = ("within", within) if within else ("record", record)
        if about is not None:
            column, value = "about", about
        rows = self._db.execute(
            f"SELECT said FROM records JOIN revisions USING (record) "  # noqa: S608
            f"WHERE {column} = ? ORDER BY revisions.rowid",
            (value,),
        )
        for (said,) in rows.fetchall():
            yield revision(said)

    def merge(self, revisions: Iterable[Revision]) -> Merged:
        """Take in another desk's revisions; those that are known change nothing.

        What is about a drop that was purged here doesn't come back. Raises BadRecord when two of
        a record don't agree on what it is.
        """
        touched: dict[bytes, None] = {}
        new = 0
        with self._db.whole():
            purged = self._purged()
            for each in revisions:
                if each.about not in purged and self._add(each):
                    new += 1
                    touched[each.record] = None
            told = [self._told(record) for record in touched]
        return Merged(new, tuple(record for record in told if record.in_conflict))

    def purge(self, about: bytes) -> None:
        """Forget every record about a drop, and all that any of them ever said."""
        with self._db.whole():
            for (record,) in self._db.execute(
                "SELECT record FROM records WHERE about = ?", (about,)
            ).fetchall():
                self._forget(record)

    def forget(self, record: Record) -> None:
        """Forget a record and all within it, and all that any of them ever said, on this desk.

        Another desk that has them brings them back when it is merged.
        """
        with self._db.whole():
            for each in [*self._found("AND within = ?", (record.id,)), record]:
                gone = tuple(replace(head, content=None) for head in each.heads)
                self._changed(replace(each, heads=gone))
                self._forget(each.id)

    def _forget(self, record: bytes) -> None:
        self._db.execute(
            "DELETE FROM parents WHERE revision IN "
            "(SELECT revision FROM revisions WHERE record = ?)",
            (record,),
        )
        self._db.execute("DELETE FROM revisions WHERE record = ?", (record,))
        self._db.execute("DELETE FROM records WHERE record = ?", (record,))

    def _add(self, new: Revision) -> bool:
        """Keep a revision; say whether it is a new one."""
        known = self._db.execute(
            "SELECT kind, about, within FROM records WHERE record = ?", (new.record,)
        ).fetchone()
        if known is None:
            (number,) = self._db.execute(
                "INSERT INTO numbers VALUES (?, 1) "
                "ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last",
                (new.kind,),
            ).fetchone()
            self._db.execute(
                "INSERT INTO records (record, kind, number, about, within) VALUES (?, ?, ?, ?, ?)",
                (new.record, new.kind, number, new.about, new.within),
            )
        elif known != (new.kind, new.about, new.within):
            raise BadRecord("it is about something else than before")
        added = self._db.execute(
            "INSERT OR IGNORE INTO revisions VALUES (?, ?, ?) RETURNING 1",
            (new.id, new.record, new.said),
        ).fetchone()
        if added is None:
            return False
        self._db.executemany(
            "INSERT INTO parents VALUES (?, ?)", [(new.id, parent) for parent in new.parents]
        )
        return True

    def _purged(self) -> set[bytes]:
        rows = self._db.execute("SELECT digest FROM drops JOIN purged USING (drop_number)")
        return {digest for (digest,) in rows}

    def _told(self, record: bytes) -> Record:
        found = self.get(record)
        assert found is not None
        content = found.content if found.kind in GLANCED else {}
        shown = None if found.content is None else msgspec.json.encode(content).decode()
        self._db.execute(
            "UPDATE records SET shown = ?, split = ? WHERE record = ?",
            (shown, found.in_conflict, record),
        )
        self._changed(found)
        return found

    def _found(self, condition: str, values: Any) -> Iterator[Record]:
        rows = self._db.execute(f"{_HEADS} {condition} ORDER BY kind, number", values).fetchall()
        heads: dict[bytes, list[Revision]] = {}
        said: dict[bytes, tuple[Any, ...]] = {}
        for record, kind, number, about, within, told in rows:
            heads.setdefault(record, []).append(revision(told))
            said[record] = (Kind(kind), number, about, within)
        for record, (kind, number, about, within) in said.items():
            # A later day is the one to show; where it is the same, all desks show the same one.
            ordered = sorted(heads[record], key=lambda head: (head.day, head.id))
            yield Record(record, kind, number, about, within, tuple(ordered))


def _said(new: Revision) -> bytes:
    try:
        return new.said
    except UnicodeEncodeError:
        raise BadRecord("it is not text") from None


def _is(known: Record, kind: Kind, about: bytes | None, within: bytes | None) -> bool:
    """Say whether a record is what somebody means who names no more of it than they know."""
    return (
        known.kind is kind
        and (about is None or known.about == about)
        and (within is None or known.within == within)
    )


def _there(record: Record) -> bool:
    return record.content is not None or record.in_conflict
