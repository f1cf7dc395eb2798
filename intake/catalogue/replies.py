"""Replies that were sealed here, until bags carry them out and ever after; purged with their drop.

What a reply says is a record (`intake/records.py`), which a colleague's desk may get too; the
sealed one stays at the desk that wrote it, so no reply goes out twice.
"""

from dataclasses import dataclass
from datetime import date

from intake.catalogue.database import Database


@dataclass(frozen=True, slots=True)
class SealedReply:
    """One reply, sealed to its source's codename."""

    record: bytes
    file_name: str
    """In a bag of answers."""
    carried: str | None
    """The day (YYYY-MM-DD) on which a bag first took it along; until then it can be taken back."""


class Replies:
    """The sealed replies of one desk."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def keep(self, record: bytes, file_name: str, sealed: bytes) -> None:
        """Keep what was sealed; belongs into one `whole()` with the record that says it."""
        self._db.execute(
            "INSERT INTO sealed_replies VALUES (?, ?, ?, NULL)", (record, file_name, sealed)
        )

    def of(self, record: bytes) -> SealedReply | None:
        """Return the reply of this record, if it was sealed here."""
        return next(iter(self._found("WHERE record = ?", (record,))), None)

    def waiting(self) -> list[SealedReply]:
        """Return the replies that no bag has carried out yet."""
        return self._found("WHERE carried IS NULL")

    def sealed(self) -> dict[str, bytes]:
        """Return every sealed reply, by its name in a bag."""
        rows = self._db.execute("SELECT file_name, sealed FROM sealed_replies ORDER BY file_name")
        return dict(rows.fetchall())

    def carry(self, day: date) -> list[SealedReply]:
        """Note that a bag takes along all that waits; return what it was."""
        with self._db.whole():
            waited = self.waiting()
            self._db.execute(
                "UPDATE sealed_replies SET carried = ? WHERE carried IS NULL", (day.isoformat(),)
            )
        return waited

    def stay(self, replies: list[SealedReply]) -> None:
        """Note that these wait as before: there came no bag of it."""
        with self._db.whole():
            self._db.executemany(
                "UPDATE sealed_replies SET carried = NULL WHERE record = ?",
                [(reply.record,) for reply in replies],
            )

    def forget(self, record: bytes) -> None:
        """Forget what was sealed; what it says stays in the record."""
        self._db.execute("DELETE FROM sealed_replies WHERE record = ?", (record,))

    def _found(self, condition: str, values: tuple[bytes, ...] = ()) -> list[SealedReply]:
        rows = self._db.execute(
            f"SELECT record, file_name, carried FROM sealed_replies {condition} ORDER BY rowid",  # noqa: S608
            values,
        )
        return [SealedReply(*row) for row in rows.fetchall()]
