"""Listen on loopback for one browser; end after 15 idle minutes, or when the desk is locked."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from time import CLOCK_BOOTTIME, clock_gettime
from typing import Final

from aiohttp import web

from intake.desk.app import ASKED, MAY_STAY, build_app
from intake.desk.door import Door
from intake.desk.room import Opening, Room

IDLE_SECONDS: Final = 15 * 60
_LOOKS_SECONDS: Final = 0.5
"""How often whether the desk was locked; whoever gets up doesn't wait for it."""
_LETS_END_SECONDS: Final = 1.0
"""For an answer under way; a browser that hangs must not hold the vault open."""
# Whoever reaches the port could have tracebacks, and words of theirs, in the reporter's terminal.
_UNHEARD: Final = logging.getLogger(f"{__name__}.unheard")
_UNHEARD.disabled = True


class Over(Enum):
    """Why pages ended."""

    IDLE = "idle"
    LOCKED = "locked"


async def serve(
    unlock: Opening, listening: Callable[[str], None], *, may_stay: Callable[[], bool]
) -> Over:
    """Serve the pages of a desk until nobody has asked for any in 15 minutes, or it is locked.

    `listening` is told the first address; it lets one browser in. Raises what unlocking raises.
    """
    room, door = Room(unlock), Door()
    await room.open()
    app = build_app(room, door, may_stay)
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=_UNHEARD,
        handle_signals=False,
        shutdown_timeout=_LETS_END_SECONDS,
    )
    try:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        door.host = f"127.0.0.1:{runner.addresses[0][1]}"
        listening(f"http://{door.host}/enter/{door.token}")
        return await until_over(app)
    finally:
        await runner.cleanup()
        await room.close()


async def until_over(app: web.Application) -> Over:
    """Return once no page has been asked for in 15 minutes, or the desk was locked."""
    idle_from = _now()
    while app[MAY_STAY]():
        app[ASKED].clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOKS_SECONDS):
                await app[ASKED].wait()
        now = _now()
        if now - idle_from > IDLE_SECONDS:
            return Over.IDLE
        if app[ASKED].is_set():
            idle_from = now
    return Over.LOCKED


def _now() -> float:
    """Return seconds since the machine was on; those that a lid was shut count too."""
    return clock_gettime(CLOCK_BOOTTIME)
