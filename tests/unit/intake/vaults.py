"""What lies in a desk's vault, for tests that look whether something is still in it."""

from pathlib import Path

from sqlcipher3 import dbapi2 as sqlcipher

from intake.cli.desk import unlocked
from intake.layout import Layout
from intake.records import Kind, Note
from intake.unlocked import today

PHRASE = "a word like zzyxwquokka says it"
RARE = b"zyxwquokka"
"""Enough of it to be found where an index keeps only what differs from the word before."""


def noted(desk: Path, number: int) -> tuple[bytes, str]:
    """Write PHRASE of a drop; return its digest, and its session key if it was opened."""
    with unlocked(Layout.of(desk)) as room:
        drop = room.catalogue.drops.drop(number)
        room.catalogue.records.put(
            Kind.NOTE, Note(PHRASE), about=drop.digest, by=room.by, day=today()
        )
        keys = room.catalogue.keys.of(drop.digest)
        return drop.digest, keys.session if keys else ""


def everything_known(desk: Path) -> bytes:
    """Return all that stands in any table of the catalogue, also in those of the index."""
    with unlocked(Layout.of(desk)) as room:
        key = room.vault.catalogue_key.hex()
    connection = sqlcipher.connect(str(desk / "catalogue.db"))
    connection.execute(f"PRAGMA key = \"x'{key}'\"")
    tables = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
    ).fetchall()
    cells = [
        cell if isinstance(cell, bytes) else str(cell).encode()
        for (table,) in tables
        for row in connection.execute(f'SELECT * FROM "{table}"')
        for cell in row
    ]
    connection.close()
    return b"\n".join(cells)
