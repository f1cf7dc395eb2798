"""Stop in steps, so that what was sent is kept and told, and nothing that hangs can hold us.

    told to stop   pages are still answered; who wants to send is told that we are busy
    20 s later     what still arrives is broken off: what was here whole is kept, and told
    20 s later     it is over, and whoever calls ends gpg and the sandbox

It is over as soon as nothing is being sent, and a moment more: who was sent on to the page that
says what became of it still has to ask for that. Being told again begins the next step at once.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from server.events import Reason
from server.progress import Progress

_ARRIVE_SECONDS: Final = 20.0
_FINISH_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 3.0


class Stopping:
    """What is being sent, and whether more may be. Used from one event loop."""

    def __init__(self) -> None:
        self.begun = False
        self._told = asyncio.Event()
        self._nothing_sends = asyncio.Event()
        self._nothing_sends.set()
        self._sending: set[Progress] = set()

    @property
    def sends(self) -> bool:
        """Whether anything is being sent."""
        return bool(self._sending)

    def tell(self) -> None:
        """Tell it to stop, or to hurry."""
        self._told.set()

    @contextmanager
    def sending(self, progress: Progress) -> Iterator[None]:
        """Wait for this sending before it is over."""
        self._sending.add(progress)
        self._nothing_sends.clear()
        try:
            yield
        finally:
            self._sending.discard(progress)
            if not self._sending:
                self._nothing_sends.set()

    def break_off(self, why: Reason = Reason.CUT_OFF) -> None:
        """Read nothing more of what is being sent; what is here whole is still kept."""
        for progress in list(self._sending):
            progress.break_off(why)

    async def over(self) -> None:
        """Wait to be told to stop, and then as long as it says above."""
        await self._told.wait()
        self.begun = True
        if not self._sending:
            return
        if not await self._all_sent(_ARRIVE_SECONDS):
            self.break_off()
            await self._all_sent(_FINISH_SECONDS)
        await self._told_again(_LOOK_SECONDS)

    async def _all_sent(self, within_seconds: float) -> bool:
        """Wait until nothing is being sent; say whether it came to that in time."""
        waiting = asyncio.create_task(self._nothing_sends.wait())
        hurrying = asyncio.create_task(self._told_again(within_seconds))
        await asyncio.wait({waiting, hurrying}, return_when=asyncio.FIRST_COMPLETED)
        for task in (waiting, hurrying):
            task.cancel()
        return not self._sending

    async def _told_again(self, within_seconds: float) -> None:
        self._told.clear()
        try:
            async with asyncio.timeout(within_seconds):
                await self._told.wait()
        except TimeoutError:
            pass
