"""Sweep the store each night, at a fixed hour, while the drop runs."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Final

from server.config import Config
from server.events import DropsAltered, Share, SweepFailed, SweepHeldBack, Swept
from server.hours import each_day_at
from server.journal import Journal
from server.staff.days import keep_last_sweep, last_sweep
from server.staff.desks.desk import paired
from server.staff.sticks.opened import desks_required, opened_drops
from server.store import Store
from server.sweep import Opened, Sweep
from server.threads import in_thread

_LONGEST_PAUSE_DAYS: Final = 30


async def sweep_nightly(
    folder: Path,
    config: Config,
    store: Store,
    journal: Journal,
    *,
    in_use: Callable[[str], bool],
    now: Callable[[], datetime],
) -> None:
    """Sweep each night until cancelled; `in_use` says of a mailbox whether somebody is there."""
    if not config.keeping.sweep_nightly:
        return
    async for today in each_day_at(config.keeping.sweep_at_hour_utc, now):
        await sweep_tonight(folder, config, store, journal, in_use=in_use, today=today)


async def sweep_tonight(
    folder: Path,
    config: Config,
    store: Store,
    journal: Journal,
    *,
    in_use: Callable[[str], bool],
    today: date,
) -> None:
    """Sweep once; count what was done, tell what failed. By a clock in doubt nothing is deleted."""
    receipts = folder / config.places.receipts
    sweep = Sweep(store, config.keeping, today=today, in_use=in_use)
    try:
        if days := await in_thread(pause_to_doubt, receipts, today):
            journal.tell(SweepHeldBack(days))
            swept = await sweep.only_writing_anew()
        else:
            swept = await sweep.everything(opened_for(folder, config))
            await in_thread(keep_last_sweep, receipts, today)
    except Exception:  # noqa: BLE001  whatever it was, there must be another night
        journal.tell(SweepFailed())
        return
    for share, number in {
        Share.DROPS_DELETED: swept.drops,
        Share.REPLIES_DELETED: swept.replies,
        Share.MAILBOXES_DELETED: swept.mailboxes,
        Share.WRITTEN_ANEW: swept.rewritten,
        Share.LEFT_FOR_ANOTHER_NIGHT: swept.left,
    }.items():
        journal.count(Swept(share), times=number)
    if swept.altered:
        journal.tell(DropsAltered(swept.altered))
    if swept.failed:
        journal.tell(SweepFailed())


def opened_for(folder: Path, config: Config) -> Opened:
    """Return what the paired desks have opened, as often as is required. Raises NotPaired."""
    desks = paired(folder / config.places.desks)
    required = desks_required(config.keeping.desks_required, desks)
    return opened_drops(folder / config.places.receipts, desks, required)


def pause_to_doubt(receipts: Path, today: date) -> int:
    """Return the days since the last sweep, if they are more than a drop is ever off; else 0.

    A clock that jumped would have everything deleted at once that is to be kept for a year.
    """
    last = last_sweep(receipts)
    days = (today - last).days if last is not None else 0
    return days if not 0 <= days <= _LONGEST_PAUSE_DAYS else 0
