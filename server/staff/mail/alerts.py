"""Tell security staff at once what no source can cause: each kind once a day at most.

A letter is sealed to their keys, all of one size (`letters.py`), and put into the outbox
(`outbox.py`); `mailing.py` carries it away, in a process of its own, because whatever sees the
store has no network. `alerted.json`, beside the receipts, keeps the days. What can't be put there
is logged, and tried again an hour later.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from crypto.errors import CryptoError, NoUsableKey
from server.config import Config
from server.errors import NotSent
from server.events import Alarming, AlertNotSent, Undelivered, name_of
from server.journal import Journal
from server.newsroom import staff_keyring_of
from server.staff.days import days_put, keep_day_put
from server.staff.mail import letters
from server.staff.outbox import put
from server.threads import in_thread

_AGAIN_SECONDS: Final = 3600.0


class Alerts:
    """What staff are yet to be told. Without a command nothing is put, and nothing waits.

    A verb that raises alarms makes one, and ends with `put_waiting`; serve keeps one up.
    """

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
        # Also here: where the disk fails, there is one letter a day nevertheless.
        self._put_on: dict[str, str] = {}
        journal.alarm(self.take)

    def take(self, event: Alarming) -> None:
        """Have staff told of it, unless they were today."""
        kind = name_of(type(event))
        if self._config.staff.alert_command and self._put_on.get(kind) != self._today():
            self._waiting[kind] = event
            self._raised.set()

    async def alert(self) -> None:
        """Put what waits into the outbox as soon as it does, until cancelled."""
        while True:
            await self._raised.wait()
            self._raised.clear()
            if not await self.put_waiting():
                await asyncio.sleep(_AGAIN_SECONDS)
                self._raised.set()

    async def put_waiting(self) -> bool:
        """Seal what waits into the outbox; say whether all of it is there."""
        for kind, event in list(self._waiting.items()):
            if not await self._is_put(kind, event):
                return False
            self._put_on[kind] = self._today()
            self._waiting.pop(kind)
        return True

    async def _is_put(self, kind: str, event: Alarming) -> bool:
        now = self._now()
        receipts = self._folder / self._config.places.receipts
        try:
            # Another process may have been quicker, such as this one before it was started anew.
            if (await in_thread(days_put, receipts)).get(kind) == self._today():
                return True
            letter = letters.alert(self._config.newsroom.name, now.date(), event)
            await put_sealed(self._folder, self._config, letter, now=now)
        except NotSent as failure:
            self._journal.tell(AlertNotSent(failure.why))
            return False
        except RuntimeError:  # not a thread is left: the next hour is another
            return False
        with suppress(OSError):  # at worst it goes twice
            await in_thread(keep_day_put, receipts, kind, now.date())
        return True

    def _today(self) -> str:
        return self._now().date().isoformat()


async def put_sealed(folder: Path, config: Config, letter: str, *, now: datetime) -> None:
    """Seal a letter to all staff, and put it into the outbox. Raises NotSent."""
    try:
        keyring = await in_thread(staff_keyring_of, folder, config)
        message = await in_thread(
            lambda: letters.sealed(keyring, letter, now=now), if_cancelled=keyring.gpg.end
        )
    except NoUsableKey:
        raise NotSent(Undelivered.NO_STAFF_KEY) from None
    except (CryptoError, OSError):
        raise NotSent(Undelivered.GPG_FAILED) from None
    try:
        await in_thread(put, folder / config.places.outbox, message)
    except OSError:
        raise NotSent(Undelivered.OUTBOX_FAILED) from None


async def put_trial(folder: Path, config: Config, *, now: datetime) -> None:
    """Put a letter there that says it is a trial. Raises NotSent."""
    if not config.staff.alert_command:
        raise NotSent(Undelivered.NO_SUCH_COMMAND)
    letter = letters.trial(config.newsroom.name, now.date())
    await put_sealed(folder, config, letter, now=now)
