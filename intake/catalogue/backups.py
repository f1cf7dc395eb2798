"""Which verified backups of this desk there are, and what they hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from intake.catalogue.database import Database
from intake.proving.custody import Head


@dataclass(frozen=True, slots=True)
class Backup:
    """The last verified backup on one medium."""

    medium: str
    day: date
    head: Head
    """How far the custody log reached that lies in it."""
    envelopes: int
    """How many it has."""


class Backups:
    """The verified backups of one desk."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def holds(self, digest: bytes) -> bool:
        """Say whether a verified backup has this envelope, and a catalogue with its session key.

        Of a purged drop: whether one had, when it was purged. The next one takes it away there.
        """
        asked = (
            "SELECT 1 FROM backed_up WHERE digest = ? AND keyed = 1 UNION ALL "
            "SELECT 1 FROM drops JOIN purged USING (drop_number) WHERE digest = ? AND held = 1"
        )
        return self._db.execute(asked, (digest, digest)).fetchone() is not None

    def held(self, since: int = 0) -> frozenset[bytes]:
        """Return every envelope that a verified backup has, with its session key.

        Of backups that reach the custody log's entry `since`, at least.
        """
        rows = self._db.execute(
            "SELECT DISTINCT digest FROM backed_up JOIN backups USING (medium) "
            "WHERE keyed = 1 AND head_number >= ?",
            (since,),
        )
        return frozenset(digest for (digest,) in rows)

    def noted(self, medium: str) -> frozenset[bytes]:
        """Return the envelopes that the last verified backup on a medium found or left there."""
        rows = self._db.execute("SELECT digest FROM backed_up WHERE medium = ?", (medium,))
        return frozenset(digest for (digest,) in rows)

    def on(self, digest: bytes) -> list[Backup]:
        """Return the backups that have this envelope, with its session key or without."""
        asked = "WHERE medium IN (SELECT medium FROM backed_up WHERE digest = ?)"
        return self._found(asked, (digest,))

    def all(self) -> list[Backup]:
        """Return the last backup on each medium, the latest first."""
        return self._found("", ())

    def last(self) -> tuple[date, int] | None:
        """Return the day of the latest backup, and the number of the custody log's head in it."""
        latest = next(iter(self.all()), None)
        return (latest.day, latest.head.number) if latest else None

    def note(self, medium: str, *, day: date, head: Head, holds: Mapping[bytes, bool]) -> None:
        """Note a verified backup, instead of the one before on its medium.

        `holds` are its envelopes, and of each whether its session key is in the catalogue there.
        """
        with self._db.whole():
            self._db.execute("DELETE FROM backed_up WHERE medium = ?", (medium,))
            self._db.execute(
                "INSERT OR REPLACE INTO backups "
                "SELECT ?, coalesce(max(made), 0) + 1, ?, ?, ? FROM backups",
                (medium, day.isoformat(), head.number, head.hash),
            )
            self._db.executemany(
                "INSERT INTO backed_up VALUES (?, ?, ?)",
                [(medium, digest, keyed) for digest, keyed in holds.items()],
            )

    def forget(self, medium: str) -> None:
        """Forget a medium that is lost, broken or formatted: it holds nothing any more."""
        with self._db.whole():
            self._db.execute("DELETE FROM backed_up WHERE medium = ?", (medium,))
            self._db.execute("DELETE FROM backups WHERE medium = ?", (medium,))

    def _found(self, condition: str, values: tuple[bytes, ...]) -> list[Backup]:
        rows = self._db.execute(
            "SELECT medium, day, head_number, head_hash, "  # noqa: S608
            "(SELECT count(*) FROM backed_up WHERE backed_up.medium = backups.medium) FROM backups "
            f"{condition} ORDER BY made DESC",
            values,
        ).fetchall()
        return [Backup(medium, date.fromisoformat(day), Head(number, digest), envelopes)
                for medium, day, number, digest, envelopes in rows]  # fmt: skip
