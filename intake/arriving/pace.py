"""How fast a long piece of work goes, and how long it will take: the figures of a progress line.

Nothing is shown here. A rate is smoothed over the last seconds, so that a stick that pauses to
write, or a drop that was here already, doesn't make the time left jump about.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

_SMOOTHED_OVER_SECONDS: Final = 8.0
_FIRST_SECONDS: Final = 1.0
"""Nothing is foretold before so much has passed."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far a work is: bytes that passed of all, and which drop of how many it is at."""

    passed: int
    total: int
    drop: int = 0
    drops: int = 0


@dataclass(frozen=True, slots=True)
class Forecast:
    """Bytes a second, and seconds left; None while nobody can say."""

    rate: float | None = None
    seconds_left: float | None = None


@dataclass(slots=True)
class Pace:
    """The pace of one work. `clock` tells seconds, and never goes back."""

    clock: Callable[[], float] = time.monotonic
    _begun: float | None = None
    _before: tuple[float, int] = (0.0, 0)
    _rate: float | None = field(default=None)

    def __call__(self, step: Step) -> Forecast:
        """Take note of a step; return what it says of the rest."""
        now = self.clock()
        if self._begun is None:
            self._begun, self._before = now, (now, step.passed)
            return Forecast()
        then, passed = self._before
        seconds = now - then
        if seconds > 0 and step.passed > passed:
            current = (step.passed - passed) / seconds
            # The weight of what was before fades with time, however often somebody asks.
            kept = math.exp(-seconds / _SMOOTHED_OVER_SECONDS)
            old = current if self._rate is None else self._rate
            self._rate = kept * old + (1 - kept) * current
            self._before = now, step.passed
        elif step.passed < passed:  # something is done once more
            self._before = now, step.passed
        if self._rate is None or now - self._begun < _FIRST_SECONDS:
            return Forecast()
        return Forecast(self._rate, max(step.total - step.passed, 0) / self._rate)
