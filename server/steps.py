"""Answer after a whole number of steps of time, so that how long something took tells little.

Reading a mailbox that holds something takes longer than finding none, and over a quiet circuit a
few milliseconds show. Nothing that would be done for nothing evens that out as surely as waiting.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

STEP_SECONDS: Final = 0.1
"""Longer than a mailbox of an ordinary size takes, and short beside a circuit of Tor's."""


@asynccontextmanager
async def whole_steps(step_seconds: float = STEP_SECONDS) -> AsyncIterator[None]:
    """End together with the first step that is not over when the work is, however that ended."""
    clock = asyncio.get_running_loop().time
    began = clock()
    try:
        yield
    finally:
        # The work itself still runs undisturbed: only its answer waits.
        await asyncio.sleep((began - clock()) % step_seconds)
