"""Do something once a day at a fixed hour, whatever the clock does meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import date, datetime, timedelta
from typing import Final

_LOOK_SECONDS: Final = 600
_DAY: Final = timedelta(days=1)


async def each_day_at(hour: int, now: Callable[[], datetime]) -> AsyncIterator[date]:
    """Yield the day, each time that it is `hour` o'clock (UTC) by the wall's clock.

    One sleep of a whole day would end early where the clock is being slowed down, and the day
    would come twice; and late where the machine was suspended, or its clock set.
    """
    while True:
        due = next_time(hour, now())
        while (left := due - now()) > timedelta():
            if left > _DAY:  # the clock was set back; by the new one it is sooner
                due = next_time(hour, now())
                continue
            await asyncio.sleep(min(left.total_seconds(), _LOOK_SECONDS))
        yield now().date()


def next_time(hour: int, now: datetime) -> datetime:
    """Return when it will be `hour` o'clock next."""
    due = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return due if due > now else due + _DAY
