"""The custody log's place in the catalogue; `intake/proving/custody.py` says what it is."""

from collections.abc import Iterator
from datetime import date
from hashlib import sha256

from intake.catalogue.database import Database
from intake.errors import CustodyBroken
from intake.proving.custody import Act, Entry, Head, next_entry, verified
from intake.vault import Vault


class CustodyLog:
    """The log of one desk: what is done is added, and nothing is ever changed."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._db = database
        self._vault = vault

    def add(
        self, act: Act, *, by: str, day: date, drop: bytes | None = None, **said: str | int
    ) -> Entry:
        """Add what was done, to the drop of this digest if to one; return the entry.

        Belongs into one `whole()` with what it tells of.
        """
        with self._db.whole():
            mark = self._vault.mark(drop) if drop is not None else None
            entry = next_entry(self.head, act, day=day, drop=mark, by=by, said=said)
            self._db.execute("INSERT INTO custody VALUES (?, ?)", (entry.number, entry.encoded))
        return entry

    @property
    def head(self) -> Head:
        """How far the log reaches."""
        last = self._db.execute("SELECT entry FROM custody ORDER BY number DESC LIMIT 1").fetchone()
        if last is None:
            return Head()
        number = self._db.execute("SELECT max(number) FROM custody").fetchone()[0]
        return Head(number, sha256(last[0]).digest())

    def entries(self) -> Iterator[Entry]:
        """Yield every entry, each checked to follow the one before. Raises CustodyBroken."""
        rows = self._db.execute("SELECT number, entry FROM custody ORDER BY number").fetchall()
        for (number, _), entry in zip(rows, verified(each for _, each in rows), strict=True):
            if number != entry.number:
                raise CustodyBroken(entry.number)
            yield entry

    def about(self, digest: bytes) -> list[Entry]:
        """Return the entries about the drop of this digest. Raises CustodyBroken."""
        mark = self._vault.mark(digest)
        return [entry for entry in self.entries() if entry.drop == mark]
