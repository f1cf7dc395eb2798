"""Tell security staff: each day how the drop is, and at once what no source can cause.

What goes out is sealed to their keys and all of one size (`letters.py`); a command of theirs
carries it away (`carrying.py`). Each kind of alert goes once a day at most: `alerted.json`, beside
the receipts, keeps the days. What could not be sent is logged, and tried again an hour later.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from crypto.errors import CryptoError, NoUsableKey
from server.config import Config
from server.errors import NotSent
from server.events import Alarming, AlertNotSent, Undelivered, name_of
from server.hours import each_day_at
from server.journal import Journal
from server.newsroom import staff_keyring_of
from server.staff.days import HEARTBEAT, days_sent, keep_days_sent
from server.staff.mail import letters
from server.staff.mail.carrying import carry
from server.staff.overview.attention import attention_to
from server.staff.overview.status import Status, lines_of, status_of
from server.store.opening import open_to_look
from server.threads import in_thread

_AGAIN_SECONDS: Final = 3600.0

Said = Callable[[], Awaitable[list[str]]]
"""How the drop is, in lines."""


class Alerts:
    """What staff are yet to be told. Without a command nothing is sent, and nothing waits."""

    def __init__(
        self,
        folder: Path,
        config: Config,
        journal: Journal,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._folder = folder
        self._config = config
        self._journal = journal
        self._now = now
        self._waiting: dict[str, Alarming] = {}
        self._raised = asyncio.Event()
        self._sent_on = days_sent(folder / config.places.receipts)
        journal.alarm(self.take)

    def take(self, event: Alarming) -> None:
        """Have staff told of it, unless they were today."""
        kind = name_of(type(event))
        if self._config.staff.alert_command and self._sent_on.get(kind) != self._today():
            self._waiting[kind] = event
            self._raised.set()

    async def alert(self) -> None:
        """Send what waits as soon as it does, until cancelled."""
        while True:
            await self._raised.wait()
            self._raised.clear()
            await _until(self.send_waiting)

    async def beat(self, said: Said) -> None:
        """Send the heartbeat each day at its hour, until cancelled."""
        if not self._config.staff.alert_command:
            return
        async for _ in each_day_at(self._config.staff.heartbeat_at_hour_utc, self._now):
            await _until(partial(self._heartbeat, said))

    async def send_waiting(self) -> bool:
        """Send what waits; say whether all of it went."""
        for kind, event in list(self._waiting.items()):
            day = self._now().date()
            letter = letters.alert(self._config.newsroom.name, day, event)
            if not await self._is_sent(letter, kind):
                return False
            self._waiting.pop(kind)
        return True

    async def _heartbeat(self, said: Said) -> bool:
        try:
            lines = await said()
        except Exception:  # noqa: BLE001  a heartbeat that stays away says the machine is gone
            lines = ["how the drop is can't be told; look: tapedrop-server status"]
        letter = letters.heartbeat(self._config.newsroom.name, self._now().date(), lines)
        return await self._is_sent(letter, HEARTBEAT)

    async def _is_sent(self, letter: str, kind: str) -> bool:
        try:
            await send(self._folder, self._config, letter, now=self._now())
        except NotSent as failure:
            self._journal.tell(AlertNotSent(failure.why))
            return False
        except RuntimeError:  # not a thread is left: the next hour is another
            return False
        self._sent_on[kind] = self._today()
        with suppress(OSError):  # at worst it goes twice
            receipts = self._folder / self._config.places.receipts
            await in_thread(keep_days_sent, receipts, self._sent_on)
        return True

    def _today(self) -> str:
        return self._now().date().isoformat()


async def send(folder: Path, config: Config, letter: str, *, now: datetime) -> None:
    """Seal a letter to all staff, and have their command carry it away. Raises NotSent."""
    try:
        keyring = await in_thread(staff_keyring_of, folder, config)
        message = await in_thread(
            lambda: letters.sealed(keyring, letter, now=now), if_cancelled=keyring.gpg.end
        )
    except NoUsableKey:
        raise NotSent(Undelivered.NO_STAFF_KEY) from None
    except (CryptoError, OSError):
        raise NotSent(Undelivered.GPG_FAILED) from None
    await carry(message, config.staff.alert_command, folder=folder)


async def send_trial(folder: Path, config: Config, *, now: datetime) -> None:
    """Send a message that says it is a trial. Raises NotSent."""
    if not config.staff.alert_command:
        raise NotSent(Undelivered.NO_SUCH_COMMAND)
    await send(folder, config, letters.trial(config.newsroom.name, now.date()), now=now)


async def how_it_is(folder: Path, config: Config, now: Callable[[], datetime]) -> list[str]:
    """Return what `status` says, what needs somebody first.

    In a thread with a loop of its own: gpg and a large store take their time, and sources are here.
    """
    runner = asyncio.Runner()
    loop = runner.get_loop()

    def look() -> Status:
        with runner:
            return runner.run(_status(folder, config, now()))

    def end() -> None:
        with suppress(RuntimeError):  # it is over
            loop.call_soon_threadsafe(loop.stop)

    status = await in_thread(look, if_cancelled=end)
    needed = attention_to(status, config)
    first = [line for each in needed for line in (f"look: {each.says}", f"  {each.todo}")]
    return [*(first or ["nobody is needed"]), "", *lines_of(status)]


async def _status(folder: Path, config: Config, now: datetime) -> Status:
    async with open_to_look(folder, config) as store:
        return await status_of(folder, config, store, now=now)


async def _until(is_done: Callable[[], Awaitable[bool]]) -> None:
    """Try again each hour."""
    while True:
        if await is_done():
            return
        await asyncio.sleep(_AGAIN_SECONDS)
