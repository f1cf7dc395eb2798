"""What is found of a drop that was opened, and the index made anew."""

from collections.abc import Iterator
from typing import Final

from intake.catalogue import Catalogue
from intake.cleaning import MESSAGE
from intake.drop import Drop
from intake.errors import VaultDamaged
from intake.export import message_text
from intake.records import Kind, Record
from intake.working import WorkingCopies

LONGEST_MESSAGE: Final = 256 * 1024
"""Letters of a message that can be searched for; a server takes 64 KiB."""


def index_drop(drop: Drop, *, catalogue: Catalogue, working: WorkingCopies) -> None:
    """Have a drop found by what its manifest says, and a message by its text."""
    catalogue.search.index_drop(drop, _text(drop, working))


def bring_up_to_date(catalogue: Catalogue, working: WorkingCopies) -> None:
    """Make the index anew where it was never made, or where words are folded otherwise now."""
    if catalogue.search.is_stale:
        with catalogue.whole():
            drops = ((drop, _text(drop, working)) for drop in catalogue.drops.all())
            catalogue.search.rebuild(drops, _records(catalogue))


def _records(catalogue: Catalogue) -> Iterator[Record]:
    for kind in Kind:
        yield from catalogue.records.all(kind)


def _text(drop: Drop, working: WorkingCopies) -> str | None:
    if drop.manifest is None or drop.manifest.name != MESSAGE or not working.has(drop.digest):
        return None
    try:
        return message_text(drop, working=working)[:LONGEST_MESSAGE]
    except VaultDamaged:  # opening it again makes the copy, and indexes it
        return None
