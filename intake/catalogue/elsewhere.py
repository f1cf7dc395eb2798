"""What other desks say they did with a drop: entries of their custody logs that came with cases.

Nothing follows from them but what they prove of each other: a desk whose log was written anew tells
another story of the same entry.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from intake.catalogue.database import Database
from intake.proving.custody import Entry, Head, read_entry


@dataclass(frozen=True, slots=True)
class Told:
    """One entry of another desk's log, about a drop of this one."""

    desk: str
    """What the other desk calls itself."""
    signer: str
    """Its signing key, in hex; by it the case was signed in which this came."""
    entry: Entry
    salt: str
    """What proves the entry's mark of this drop (docs/custody.md), in hex."""


class Elsewhere:
    """What was told of other desks' logs."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def of(self, digest: bytes) -> list[Told]:
        """Return what other desks say of a drop, desk by desk, in the order of their logs."""
        rows = self._db.execute(
            "SELECT desk, signer, entry, salt FROM elsewhere JOIN drops USING (drop_number) "
            "WHERE digest = ? ORDER BY signer, number, entry",
            (digest,),
        )
        return [Told(desk, signer, read_entry(entry), salt) for desk, signer, entry, salt in rows]

    def keep(self, told: Iterable[tuple[bytes, Told]], signer: str, head: Head) -> None:
        """Keep what a desk tells, each entry with the digest of its drop, and its log's head.

        What is known already changes nothing.
        """
        with self._db.whole():
            self._db.execute(
                "INSERT OR IGNORE INTO heads_elsewhere VALUES (?, ?, ?)",
                (signer, head.number, head.hash),
            )
            self._db.executemany(
                "INSERT OR IGNORE INTO elsewhere "
                "SELECT ?, ?, ?, drop_number, ?, ? FROM drops WHERE digest = ?",
                [
                    (signer, each.entry.number, each.entry.encoded, each.desk, each.salt, digest)
                    for digest, each in told
                ],
            )

    def contradictions(self, signer: str) -> frozenset[int]:
        """Return the numbers of the entries of which a desk has told more than one story."""
        said: dict[int, set[bytes]] = {}
        entries = self._db.execute("SELECT entry FROM elsewhere WHERE signer = ?", (signer,))
        for (encoded,) in entries.fetchall():
            entry = read_entry(encoded)
            said.setdefault(entry.number, set()).add(entry.hash)
            if entry.number > 1:
                said.setdefault(entry.number - 1, set()).add(entry.previous)
        heads = self._db.execute(
            "SELECT number, hash FROM heads_elsewhere WHERE signer = ?", (signer,)
        )
        for number, digest in heads.fetchall():
            said.setdefault(number, set()).add(digest)
        return frozenset(number for number, told in said.items() if len(told) > 1)
