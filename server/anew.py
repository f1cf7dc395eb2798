"""Start the drop anew at night when nobody is here, so that memory holds nothing of days past.

    SIGHUP          somebody wishes it: tapedrop-restart.timer, once a night
    four moments    of the hour that follows are drawn at random
    the first       of them at which nobody is here: the drop ends, and begins anew
    none of them    the wish is forgotten, until the next night

Nobody is here when nothing is being sent, and nothing was asked for in the hour before: whoever
writes slowly, or leaves a page alone for an hour, loses nothing. "As soon as nobody is here" would
tell whoever sees since when the drop runs when somebody was here last, to the minute. A moment that
was drawn beforehand tells that nobody was.

It begins anew by execve(2), in the same process: for systemd it has never stopped, so no journal
has a line of it, nor of a night in which it could not. All memory is given back, and what children
held with them. The socket stays open, and who connects meanwhile waits in it. What was counted
since the day was last told goes along through a pipe; nothing else does.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from random import SystemRandom
from typing import Final

QUIET_SECONDS: Final = 3600.0
WITHIN_SECONDS: Final = 3600.0
_MOMENTS: Final = 4
_MOST_BYTES: Final = (
    65_536  # what a pipe holds without a reader (pipe(7)); ten times what is needed
)
COUNTED: Final = "--counted"
"""The option of `serve` by which it is told where it is handed what it had counted."""


class Idling:
    """How long nothing was asked for. Used from one event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()

    def asked(self) -> None:
        """Note that somebody asks for something now."""
        self._last = self._clock()

    def lasts(self, seconds: float) -> bool:
        """Say whether nothing was asked for in so many seconds."""
        return self._clock() - self._last >= seconds


class Wish:
    """That the drop may begin anew; `granted` once it is to. Used from one event loop."""

    def __init__(self) -> None:
        self.granted = False
        self._told = asyncio.Event()

    def tell(self) -> None:
        """Wish it; a second time while it stands changes nothing."""
        self._told.set()

    def take_back(self) -> None:
        """Have it end instead: somebody has told it to stop."""
        self.granted = False

    async def wait(
        self,
        nobody_is_here: Callable[[float], bool],
        *,
        quiet_seconds: float | None = None,
        within_seconds: float | None = None,
    ) -> None:
        """Return once it is granted: `nobody_is_here` says whether it was so long quiet."""
        quiet = QUIET_SECONDS if quiet_seconds is None else quiet_seconds
        within = WITHIN_SECONDS if within_seconds is None else within_seconds
        while not self.granted:
            await self._told.wait()
            for pause in _pauses(within):
                await asyncio.sleep(pause)
                if nobody_is_here(quiet):
                    self.granted = True
                    break
            self._told.clear()


def _pauses(within_seconds: float) -> list[float]:
    """Return the seconds from each drawn moment to the next."""
    random = SystemRandom()
    moments = sorted(random.uniform(0, within_seconds) for _ in range(_MOMENTS))
    return [there - here for here, there in zip([0.0, *moments], moments, strict=False)]


def begin_anew(counts: Mapping[str, int], *, keep: int) -> None:
    """Become the same command anew, with the descriptor `keep` open and what was counted at hand.

    Returns only where that fails: then whoever started it has to start it again.
    """
    given, ours = os.pipe()
    os.write(ours, json.dumps(counts).encode())
    os.close(ours)
    for descriptor in (keep, given):
        os.set_inheritable(descriptor, True)
    words = list(sys.orig_argv)
    if COUNTED in words:  # from the night before
        at = words.index(COUNTED)
        del words[at : at + 2]
    try:
        os.execv(sys.executable, [*words, COUNTED, str(given)])  # noqa: S606  ourselves, by path
    except OSError:
        os.close(given)


def handed_over(descriptor: int) -> dict[str, int]:
    """Return what was counted before; nothing where that can't be read."""
    try:
        with os.fdopen(descriptor, "rb") as pipe:
            counts = json.loads(pipe.read(_MOST_BYTES))
        return {str(name): int(times) for name, times in counts.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
