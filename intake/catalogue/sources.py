"""Who sent drops, as far as the desk can tell: by codename, and never who that is."""

from dataclasses import dataclass
from typing import Final

from intake.catalogue.database import Database
from intake.drop import MESSAGE
from intake.errors import UnknownRecord

_SOURCES: Final = """
    SELECT source_number, pseudonym, count(*), sum(name = ?), min(day), max(day)
    FROM sources JOIN recordings USING (source_number)
"""


@dataclass(frozen=True, slots=True)
class Known:
    """A source of whom something is open. Days are YYYY-MM-DD, of arrival at the server."""

    number: int
    pseudonym: str
    drops: int
    messages: int
    """Of those drops."""
    first_day: str
    last_day: str

    @property
    def id(self) -> str:
        """What reporters call it: source-0001, and so on."""
        return f"source-{self.number:04d}"


class Sources:
    """Every source of whom something is open."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def all(self) -> list[Known]:
        """Return them in the order in which their first drop was opened."""
        return self._known("TRUE", ())

    def one(self, number: int) -> Known:
        """Return one. Raises UnknownRecord."""
        found = self._known("source_number = ?", (number,))
        if not found:
            raise UnknownRecord(f"source-{number:04d}")
        return found[0]

    def called(self, pseudonym: str) -> list[Known]:
        """Return those of this pseudonym: two words may by chance be those of two sources."""
        return self._known("pseudonym = ?", (pseudonym,))

    def _known(self, condition: str, values: tuple[object, ...]) -> list[Known]:
        rows = self._db.execute(
            f"{_SOURCES} WHERE {condition} GROUP BY source_number ORDER BY source_number",
            (MESSAGE, *values),
        )
        return [Known(*row) for row in rows]
