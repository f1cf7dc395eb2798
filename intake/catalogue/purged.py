"""What was destroyed for good, and the one way to destroy it.

Of a purged drop two things stay: its row in `drops`, so that no stick brings it back, and what the
custody log says of it. Every table that points to a drop forgets it, also one made later: they
are found by the schema.
"""

from collections.abc import Callable
from datetime import date

from intake.catalogue.database import Database
from intake.catalogue.records import Records
from intake.catalogue.search import Search
from intake.drop import Drop

_STAYS = {"purged"}


class Purged:
    """The purged drops of one desk."""

    def __init__(self, database: Database, records: Records, search: Search) -> None:
        self._db = database
        self._records = records
        self._search = search

    def destroy(self, drop: Drop, *, day: date, entry: int) -> None:
        """Forget all that is known of a drop but its digest, and destroy its keys.

        `entry` is the custody log's that tells of it. Of a source with no other drop nothing is
        left either. Belongs into one `whole()` with that entry.
        """
        with self._db.whole():
            # Whatever order the tables are emptied in, at the end they agree.
            self._db.execute("PRAGMA defer_foreign_keys = ON")
            self._records.purge(drop.digest)
            self._search.forget(about=drop.digest)
            self._forget(drop.number, lambda target: target in {"drops", "recordings"})
            self._db.execute(
                "UPDATE drops SET status = 'stored', set_aside = NULL WHERE drop_number = ?",
                (drop.number,),
            )
            self._db.execute(
                "INSERT INTO purged VALUES (?, ?, ?, "
                "EXISTS (SELECT 1 FROM backed_up WHERE digest = ? AND keyed = 1))",
                (drop.number, day.isoformat(), entry, drop.digest),
            )
            if drop.source_number is not None:
                self._db.execute(
                    "UPDATE told SET purged = purged + 1 WHERE source_number = ?",
                    (drop.source_number,),
                )
                self._forget_source(drop.source_number)

    def settle(self) -> bool:
        """Write the catalogue anew, without the pages that held what was forgotten.

        They hold zeros by then (secure_delete); what is left is how much there was. Returns whether
        there was room to. Not inside a `whole()`.
        """
        return self._db.compact()

    def digests(self) -> frozenset[bytes]:
        """Return the digest of every purged drop's envelope."""
        rows = self._db.execute("SELECT digest FROM drops JOIN purged USING (drop_number)")
        return frozenset(digest for (digest,) in rows)

    def last_entry(self) -> int:
        """Return the number of the custody log's last entry about a purge; 0 where there is none.

        A copy of the catalogue whose log is shorter still has keys that were destroyed.
        """
        (entry,) = self._db.execute("SELECT coalesce(max(entry), 0) FROM purged").fetchone()
        return int(entry)

    def mailboxes(self) -> frozenset[str]:
        """Return the mailboxes for which nothing may wait in the outbox any more."""
        rows = self._db.execute("SELECT mailbox_id FROM purged_mailboxes")
        return frozenset(mailbox_id for (mailbox_id,) in rows)

    def forget_mailboxes(self) -> None:
        """Forget them: the outbox was emptied of theirs."""
        with self._db.whole():
            self._db.execute("DELETE FROM purged_mailboxes")

    def _forget(self, number: int, points_to: Callable[[str], bool]) -> None:
        pointing = self._db.execute(
            'SELECT tables.name, keys."table", keys."from" FROM sqlite_schema AS tables, '
            "pragma_foreign_key_list(tables.name) AS keys WHERE tables.type = 'table'"
        ).fetchall()
        for table, target, column in pointing:
            if points_to(target) and table not in _STAYS:
                self._db.execute(f'DELETE FROM "{table}" WHERE "{column}" = ?', (number,))  # noqa: S608

    def _forget_source(self, number: int) -> None:
        """Forget a source of whom no drop is left."""
        row = self._db.execute(
            "SELECT mailbox_id FROM sources WHERE source_number = ? "
            "AND source_number NOT IN (SELECT source_number FROM recordings)",
            (number,),
        ).fetchone()
        if row is None:
            return
        self._forget(number, lambda target: target == "sources")
        self._db.execute("DELETE FROM sources WHERE source_number = ?", (number,))
        self._db.execute(
            "INSERT OR IGNORE INTO purged_mailboxes "
            "SELECT ? WHERE NOT EXISTS (SELECT 1 FROM sources WHERE mailbox_id = ?)",
            row * 2,
        )
