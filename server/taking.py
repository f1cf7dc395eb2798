"""Whether the running drop takes uploads: not while it is locked down.

Staff lock and unlock it by a file, and nobody tells the process: it looks each second. What arrives
at that moment is broken off, as when the drop stops: what is here whole is kept, and the source is
told of the rest.
"""

import asyncio
from collections.abc import Callable
from typing import Final, NoReturn

from server.errors import NotTaking
from server.events import LockedDown, Reason, Unlocked
from server.journal import Journal
from server.stopping import Stopping

_LOOK_SECONDS: Final = 1.0


class Taking:
    """What is known of the lock since somebody looked last. Used from one event loop."""

    def __init__(self, is_locked: Callable[[], bool] = lambda: False) -> None:
        self._is_locked = is_locked
        self.locked_down = is_locked()

    def allow(self) -> None:
        """Raise NotTaking unless uploads are taken."""
        if self.locked_down:
            raise NotTaking("nothing is taken while the drop is locked down")

    async def watch(self, stopping: Stopping, journal: Journal) -> NoReturn:
        """Look each second, until cancelled; break off what is being sent when it is locked."""
        if self.locked_down:
            journal.tell(LockedDown())
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            # Not in a thread: they may all be busy with what is to be stopped.
            before, self.locked_down = self.locked_down, self._is_locked()
            if self.locked_down:
                stopping.break_off(Reason.LOCKED_DOWN)
            if self.locked_down != before:
                journal.tell(LockedDown() if self.locked_down else Unlocked())
