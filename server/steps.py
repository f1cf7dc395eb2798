"""Answer after a whole number of steps of time, so that how long something took tells little.

Reading a mailbox that holds something takes longer than finding none, and over a quiet circuit a
few milliseconds show. Nothing that would be done for nothing evens that out as surely as waiting.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import SystemRandom
from typing import Final

STEP_SECONDS: Final = 0.1
"""Longer than a mailbox of an ordinary size takes, and short beside a circuit of Tor's."""
BLUR_SECONDS: Final = 0.02
"""A processor that rested longer wakes a fifth of a millisecond later; this drowns it."""


@asynccontextmanager
async def whole_steps(
    step_seconds: float = STEP_SECONDS, blur_seconds: float = BLUR_SECONDS
) -> AsyncIterator[None]:
    """End soon after the first step that is not over when the work is, however that ended."""
    clock = asyncio.get_running_loop().time
    began = clock()
    try:
        yield
    finally:
        # The work itself still runs undisturbed: only its answer waits.
        blur = SystemRandom().uniform(0, blur_seconds)
        await asyncio.sleep((began - clock()) % step_seconds + blur)
