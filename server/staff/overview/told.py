"""What the journal told last: kept, so that `status` can show it.

    told.json    {"day": "YYYY-MM-DD", "counts": [{"event", "facts", "today"}, …]}

It lies beside the receipts and says no more than the log did: each counted event in steps. It is
written at the day's hour, so its times tell nothing.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from server.events import Counted, facts_of, name_of
from server.files import replace
from server.hours import each_day_at
from server.threads import in_thread

if TYPE_CHECKING:  # a journal brings structlog along, and who only reads needs none
    from server.journal import Journal

_NAME: Final = "told.json"


class Count(msgspec.Struct, frozen=True):
    """One event of the day: its name, its fields, and how often: "0", "1-9" or "10+"."""

    event: str
    facts: dict[str, str]
    today: str


class Told(msgspec.Struct, frozen=True):
    """What was told on a day."""

    day: date
    counts: list[Count]


async def tell_daily(
    journal: "Journal", receipts: Path, hour: int, *, now: Callable[[], datetime]
) -> None:
    """Tell the day at `hour` UTC, each day, until cancelled."""
    async for today in each_day_at(hour, now):
        told = journal.tell_the_day()
        with suppress(OSError):  # it is in the log; the disk is somebody else's to tell of
            await in_thread(keep_told, receipts, told, today)


def keep_told(receipts: Path, told: Sequence[tuple[Counted, str]], day: date) -> None:
    """Keep what was told. Raises OSError."""
    counts = [_count(event, today) for event, today in told]
    replace(receipts / _NAME, msgspec.json.encode(Told(day, counts)))


def last_told(receipts: Path) -> Told | None:
    """Return what was told last, if anything was yet and it can be read."""
    try:
        return msgspec.json.decode((receipts / _NAME).read_bytes(), type=Told)
    except (OSError, msgspec.DecodeError):
        return None


def _count(event: Counted, today: str) -> Count:
    facts = {name: str(fact) for name, fact in facts_of(event).items()}
    return Count(name_of(type(event)), facts, today)
