"""How each recording sounds, and which of them have passages in common."""

from collections.abc import Iterator
from dataclasses import dataclass

from intake.catalogue.database import Database
from intake.passages import Passage


@dataclass(frozen=True, slots=True)
class Sound:
    """What was heard of a drop. Nothing but `number` where it can't be decoded."""

    number: int
    """The drop's."""
    length_ms: int = 0
    essence: bytes | None = None
    """A keyed digest of the coded sound: the same whatever container and tags are around it."""


class Sounds:
    """The sounds that this desk has listened to, by the number of their drop."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def all(self) -> dict[int, Sound]:
        """Return all that was listened to."""
        rows = self._db.execute("SELECT drop_number, length_ms, essence FROM sounds")
        return {row[0]: Sound(*row) for row in rows}

    def keep(self, sound: Sound, fingerprint: bytes | None) -> None:
        """Keep what was heard of a drop, its fingerprint packed; it is to be compared anew."""
        with self._db.whole():
            self.forget(sound.number)
            self._db.execute(
                "INSERT INTO sounds VALUES (?, ?, ?, ?, 0)",
                (sound.number, sound.length_ms, sound.essence, fingerprint),
            )

    def waiting(self) -> list[tuple[int, bytes]]:
        """Return those that have not been compared yet, with their fingerprints, packed."""
        rows = self._db.execute(
            "SELECT drop_number, fingerprint FROM sounds "
            "WHERE NOT compared AND fingerprint IS NOT NULL ORDER BY drop_number"
        )
        return [(number, packed) for number, packed in rows]

    def compared(self) -> Iterator[tuple[int, bytes]]:
        """Yield those that were compared, one at a time: all of them would fill the memory."""
        yield from self._db.execute(
            "SELECT drop_number, fingerprint FROM sounds "
            "WHERE compared AND fingerprint IS NOT NULL ORDER BY drop_number"
        )

    def keep_passages(self, number: int, found: dict[int, list[Passage]]) -> None:
        """Note a drop's passages, by the other drop: it was compared with all others that were."""
        rows = []
        for other, passages in found.items():
            for each in passages:
                places = (number, other, each.here_ms, each.there_ms)
                if other > number:
                    places = (other, number, each.there_ms, each.here_ms)
                rows.append((*places, each.length_ms, each.differ))
        with self._db.whole():
            self._db.executemany("INSERT OR REPLACE INTO passages VALUES (?, ?, ?, ?, ?, ?)", rows)
            self._db.execute("UPDATE sounds SET compared = 1 WHERE drop_number = ?", (number,))

    def passages(self) -> dict[tuple[int, int], list[Passage]]:
        """Return every passage, by the later and the earlier drop; the longest of each two first.

        `here_ms` of a passage is in the later one.
        """
        found: dict[tuple[int, int], list[Passage]] = {}
        rows = self._db.execute(
            "SELECT drop_number, other_number, here_ms, there_ms, length_ms, differ FROM passages "
            "ORDER BY drop_number, other_number, length_ms DESC, here_ms"
        )
        for number, other, *places in rows:
            found.setdefault((number, other), []).append(Passage(*places))
        return found

    def forget(self, number: int) -> None:
        """Forget a drop's sound, and its passages."""
        with self._db.whole():
            self._db.execute(
                "DELETE FROM passages WHERE drop_number = ? OR other_number = ?", (number, number)
            )
            self._db.execute("DELETE FROM sounds WHERE drop_number = ?", (number,))
