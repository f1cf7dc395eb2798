"""What the journal told last: kept, so that `status` can show it.

    told.json    {"day": "YYYY-MM-DD", "counts": [{"event", "facts", "today"}, …]}

It lies beside the receipts and says no more than the log did: each counted event in steps. It is
written at the day's hour, and at the end of a sweep that is a process of its own, so its times tell
nothing that `swept` beside it doesn't. The day is that of the drop's own telling.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from server.events import Counted, every_counted_event, facts_of, name_of
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
    journal: "Journal",
    receipts: Path,
    hour: int,
    *,
    now: Callable[[], datetime],
    by_another: Collection[Counted] = (),
) -> None:
    """Tell the day at `hour` UTC, each day, until cancelled; not what is told `by_another`."""
    events = [event for event in every_counted_event() if event not in by_another]
    async for today in each_day_at(hour, now):
        told = journal.tell_the_day(events)
        with suppress(OSError):  # it is in the log; the disk is somebody else's to tell of
            await in_thread(keep_told, receipts, told, today)


def keep_told(receipts: Path, told: Sequence[tuple[Counted, str]], day: date) -> None:
    """Keep what the drop told on a day, beside what another process did. Raises OSError."""
    _keep(receipts, told, day)


def keep_told_by_another(receipts: Path, told: Sequence[tuple[Counted, str]], day: date) -> None:
    """Keep what another process told, beside what the drop did on its day. Raises OSError."""
    before = last_told(receipts)
    _keep(receipts, told, day if before is None else before.day)


def _keep(receipts: Path, told: Sequence[tuple[Counted, str]], day: date) -> None:
    # Of two that do so at once, what one has told is missing here for a day.
    counts = {(count.event, *count.facts.values()): count for count in _last_counts(receipts)}
    for event, today in told:
        count = _count(event, today)
        counts[count.event, *count.facts.values()] = count
    replace(receipts / _NAME, msgspec.json.encode(Told(day, list(counts.values()))))


def _last_counts(receipts: Path) -> list[Count]:
    before = last_told(receipts)
    return [] if before is None else before.counts


def last_told(receipts: Path) -> Told | None:
    """Return what was told last, if anything was yet and it can be read."""
    try:
        return msgspec.json.decode((receipts / _NAME).read_bytes(), type=Told)
    except (OSError, msgspec.DecodeError):
        return None


def _count(event: Counted, today: str) -> Count:
    facts = {name: str(fact) for name, fact in facts_of(event).items()}
    return Count(name_of(type(event)), facts, today)
