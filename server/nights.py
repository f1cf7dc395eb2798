"""Sweep the store each night, at a fixed hour: in the running drop, or in a process of its own.

With `keeping.sweep_nightly` the running drop does all of it. Without, somebody else does
(`tapedrop-server sweep --nightly`, or another front end), and the drop deletes idle mailboxes only:
nobody but it knows whether somebody is there. It does so where the store was swept from this folder
lately, or it could not tell a clock that jumped.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Final

from server.config import Config
from server.events import Counted, DropsAltered, Share, SweepFailed, SweepHeldBack, Swept
from server.hours import each_day_at
from server.journal import Journal, silence_libraries
from server.running import is_running
from server.staff.days import keep_last_sweep, last_sweep
from server.staff.desks.desk import paired
from server.staff.mail.alerts import Alerts
from server.staff.overview.told import keep_told_by_another
from server.staff.sticks.opened import desks_required, opened_drops
from server.store import Store
from server.store.opening import open_store
from server.sweep import Opened, Sweep
from server.sweep import Swept as Done
from server.threads import in_thread

_LONGEST_PAUSE_DAYS: Final = 30
_APART: Final[list[Counted]] = [
    Swept(share) for share in Share if share is not Share.MAILBOXES_DELETED
]


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
    sweep = sweep_tonight if config.keeping.sweep_nightly else close_idle
    async for today in each_day_at(config.keeping.sweep_at_hour_utc, now):
        await sweep(folder, config, store, journal, in_use=in_use, today=today)


async def sweep_tonight(
    folder: Path,
    config: Config,
    store: Store,
    journal: Journal,
    *,
    in_use: Callable[[str], bool],
    today: date,
) -> bool:
    """Sweep once; count what was done, tell what failed; say whether nothing did.

    By a clock in doubt nothing is deleted.
    """
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
        return False
    _count(swept, journal)
    if swept.altered:
        journal.tell(DropsAltered(swept.altered))
    if swept.failed:
        journal.tell(SweepFailed())
    return not (days or swept.altered or swept.failed)


async def close_idle(
    folder: Path,
    config: Config,
    store: Store,
    journal: Journal,
    *,
    in_use: Callable[[str], bool],
    today: date,
) -> None:
    """Delete idle mailboxes, and nothing else; nothing where the clock can't be held to a sweep."""
    receipts = folder / config.places.receipts
    sweep = Sweep(store, config.keeping, today=today, in_use=in_use)
    try:
        was_swept = last_sweep(receipts) is not None
        if not was_swept or pause_to_doubt(receipts, today):
            return  # whoever sweeps says so
        swept = await sweep.idle_mailboxes()
    except Exception:  # noqa: BLE001  whatever it was, there must be another night
        journal.tell(SweepFailed())
        return
    _count(swept, journal)
    if swept.failed:
        journal.tell(SweepFailed())


def _count(swept: Done, journal: Journal) -> None:
    for share, number in {
        Share.DROPS_DELETED: swept.drops,
        Share.REPLIES_DELETED: swept.replies,
        Share.MAILBOXES_DELETED: swept.mailboxes,
        Share.WRITTEN_ANEW: swept.rewritten,
        Share.LEFT_FOR_ANOTHER_NIGHT: swept.left,
    }.items():
        journal.count(Swept(share), times=number)


async def sweep_apart(folder: Path, config: Config, *, now: Callable[[], datetime]) -> bool:
    """Sweep once, in a process of its own, and tell of it at once; say whether nothing failed.

    The running drop tells with the day's counts, at a fixed hour. Here they are told when the
    sweep ends, which says how long it took: about how much came the day before, as `status` says
    it, too, in plain numbers. What was swept is told in the same steps.
    """
    journal = Journal()
    silence_libraries(journal)
    alerts = Alerts(folder, config, journal, now=now)
    today = now().date()
    is_well = False
    try:
        async with open_store(folder, config) as store:
            is_well = await sweep_tonight(
                folder,
                config,
                store,
                journal,
                in_use=lambda _mailbox: is_running(folder),
                today=today,
            )
    except Exception:  # noqa: BLE001  the engine didn't answer, the salt is another's: any of it
        journal.tell(SweepFailed())
    # Idle mailboxes are told of by who deletes them: the drop, where it runs.
    mailboxes = [] if is_running(folder) else [Swept(Share.MAILBOXES_DELETED)]
    told = journal.tell_the_day([*_APART, *mailboxes])
    with suppress(OSError):  # it is in the log; the disk is somebody else's to tell of
        keep_told_by_another(folder / config.places.receipts, told, today)
    return await alerts.put_waiting() and is_well


def told_apart(config: Config) -> list[Counted]:
    """Return the events that the running drop doesn't tell of, because another process sweeps."""
    return [] if config.keeping.sweep_nightly else _APART


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
