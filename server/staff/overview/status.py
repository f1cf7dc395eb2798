"""How the drop is: counts and days only, and nothing in it changes because a source came.

What lies in the store is told as of the end of yesterday (`counted.py`); all else is what staff
did, what the night did, the keys, and what the log said of the day. `attention.py` says what of it
needs somebody.
"""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from crypto.newsroom import NewsroomKey
from server.config import Config
from server.newsroom import newsroom_of, staff_keys_of
from server.running import is_running
from server.staff.days import (
    last_arrived,
    last_export,
    last_heard,
    last_heartbeat,
    last_sweep,
)
from server.staff.desks.desk import Desk, paired
from server.staff.desks.roster import roster_of
from server.staff.emergency.lockdown import locked_down
from server.staff.outbox import Waiting, waiting_in
from server.staff.overview.counted import Counted, counted
from server.staff.overview.told import Told, last_told
from server.staff.sticks.receipts import last_canary
from server.store import Store


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """A key; `days_left` until its last day, None where it never ends."""

    fingerprint: str
    name: str
    days_left: int | None
    problem: str


@dataclass(frozen=True, slots=True)
class DeskStatus:
    """A desk, whether it may sign key lists, and the day on which its receipts came last."""

    name: str
    may_sign: bool
    heard: date | None


@dataclass(frozen=True, slots=True)
class Status:
    """All that `status` tells.

    `canary` is the day of the newest one that a desk has opened, `arrived` that of the last one
    that came as far as the store, `heartbeat` that of the last one that was put into the outbox;
    `letters` are those that wait there.
    """

    day: date
    running: bool
    locked_down: bool
    store: Counted
    exported: date | None
    swept: date | None
    canary: date | None
    heartbeat: date | None
    letters: Waiting
    arrived: date | None
    desks: tuple[DeskStatus, ...]
    newsroom_keys: tuple[KeyStatus, ...]
    staff_keys: tuple[KeyStatus, ...]
    told: Told | None


async def status_of(folder: Path, config: Config, store: Store, *, now: datetime) -> Status:
    """Return how the drop is. Raises GpgFailed, StoreFailed, and what reading the desks raises."""
    today = now.astimezone(UTC).date()
    receipts = folder / config.places.receipts
    desks = paired(folder / config.places.desks)
    roster = roster_of(folder / config.places.desks)
    signers: Container[str] = roster.signers if roster is not None else ()
    return Status(
        day=today,
        running=is_running(folder),
        locked_down=locked_down(folder),
        store=await counted(folder, config, store, desks, today),
        exported=last_export(receipts),
        swept=last_sweep(receipts),
        canary=last_canary(receipts),
        heartbeat=last_heartbeat(receipts),
        letters=waiting_in(folder / config.places.outbox),
        arrived=last_arrived(receipts),
        desks=tuple(_desk(each, signers, receipts) for each in desks),
        newsroom_keys=_keys(newsroom_of(folder, config, now=now).keys, now),
        staff_keys=_keys(staff_keys_of(folder, config, now=now), now),
        told=last_told(receipts),
    )


def _desk(desk: Desk, signers: Container[str], receipts: Path) -> DeskStatus:
    return DeskStatus(desk.desk, desk.signing_key in signers, last_heard(receipts, desk))


def _keys(keys: Iterable[NewsroomKey], now: datetime) -> tuple[KeyStatus, ...]:
    return tuple(
        KeyStatus(key.fingerprint, key.name, key.days_left(now), key.problem) for key in keys
    )


def lines_of(status: Status) -> list[str]:
    """Return it as a person reads it, without what needs somebody."""
    return [
        f"{'running' if status.running else 'not running'}"
        f"{', locked down: no uploads are taken' if status.locked_down else ''}",
        *_of_store(status),
        *_of_work(status),
        *_of_keys("newsroom", status.newsroom_keys),
        *_of_keys("staff", status.staff_keys),
        *_of_day(status.told),
    ]


def _of_store(status: Status) -> Iterator[str]:
    store, drops = status.store, status.store.drops
    yield f"as of the end of {store.day - timedelta(days=1)}:"
    yield f"{drops.number:>7} drops in the store{_old(drops.oldest, status.day)}"
    yield f"{drops.waiting:>7} wait for an export{_old(drops.oldest_waiting, status.day)}"
    yield f"{drops.may_go:>7} may go in the next sweep"
    yield f"{store.mailboxes:>7} mailboxes"
    yield f"{store.replies:>7} replies"
    yield f"free for the spool: {store.spool}; for the store: {store.store}"


def _of_work(status: Status) -> Iterator[str]:
    yield f"last export: {_day(status.exported)}"
    yield f"last sweep: {_day(status.swept)}"
    yield f"last canary that arrived here: {_day(status.arrived)}"
    yield f"last canary that a desk opened: {_day(status.canary)}"
    yield f"last heartbeat written to staff: {_day(status.heartbeat)}"
    oldest = _old(status.letters.oldest, status.day)
    yield f"letters to staff that wait: {status.letters.number}{oldest}"
    for desk in status.desks:
        signs = "may sign key lists" if desk.may_sign else "may not sign key lists"
        yield f"desk {desk.name}: {signs}; last receipts: {_day(desk.heard)}"


def _of_keys(whose: str, keys: tuple[KeyStatus, ...]) -> Iterator[str]:
    for key in keys:
        ends = "never ends" if key.days_left is None else f"{key.days_left} days left"
        yield f"{whose} key {key.fingerprint[-16:]} {key.name}: {key.problem or ends}"


def _of_day(told: Told | None) -> Iterator[str]:
    if told is None:
        yield "the day's counts: none yet"
        return
    counted_events = [count for count in told.counts if count.today != "0"]
    yield f"the day's counts, as told on {told.day}:{'' if counted_events else ' nothing'}"
    for count in counted_events:
        yield f"{count.today:>7} {' '.join([count.event, *count.facts.values()])}"


def _old(day: date | None, today: date) -> str:
    return f", the oldest {(today - day).days} days old" if day is not None else ""


def _day(day: date | None) -> str:
    return day.isoformat() if day is not None else "none yet"
