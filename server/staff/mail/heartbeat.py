"""Tell security staff each day how the drop is: a day without such a letter is the alarm."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from server.config import Config
from server.errors import NotSent
from server.events import Undelivered
from server.staff.days import HEARTBEAT, keep_day_put, last_heartbeat
from server.staff.mail import letters
from server.staff.mail.alerts import put_sealed
from server.staff.overview.attention import attention_to
from server.staff.overview.status import lines_of, status_of
from server.store.opening import open_to_look


async def put_heartbeat(
    folder: Path, config: Config, *, now: datetime, again: bool = False
) -> bool:
    """Seal how the drop is into the outbox; say whether it was done, once a day unless `again`.

    Raises NotSent.
    """
    if not config.staff.alert_command:
        raise NotSent(Undelivered.NO_SUCH_COMMAND)
    receipts, today = folder / config.places.receipts, now.date()
    if last_heartbeat(receipts) == today and not again:
        return False
    try:
        lines = await how_it_is(folder, config, now)
    except Exception:  # noqa: BLE001  a heartbeat that stays away says the machine is gone
        lines = ["how the drop is can't be told; look: tapedrop-server status"]
    letter = letters.heartbeat(config.newsroom.name, today, lines)
    await put_sealed(folder, config, letter, now=now)
    with suppress(OSError):  # `status` says then that none was written
        keep_day_put(receipts, HEARTBEAT, today)
    return True


async def how_it_is(folder: Path, config: Config, now: datetime) -> list[str]:
    """Return what `status` says, what needs somebody first; this letter counts as written."""
    async with open_to_look(folder, config) as store:
        status = await status_of(folder, config, store, now=now)
    status = replace(status, heartbeat=status.day)
    needed = attention_to(status, config)
    first = [line for each in needed for line in (f"look: {each.says}", f"  {each.todo}")]
    return [*(first or ["nobody is needed"]), "", *lines_of(status)]
