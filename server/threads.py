"""Carry blocking work to threads without losing hold of what it works on."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

_T = TypeVar("_T")


async def in_thread(
    work: Callable[..., _T],
    *arguments: object,
    executor: Executor | None = None,
    if_cancelled: Callable[[], object] = lambda: None,
) -> _T:
    """Return what `work` returns, having run it in a thread.

    When the caller is cancelled, `if_cancelled` may hurry the thread up, and the thread is waited
    for: it may be writing to a descriptor that the caller is about to close, and whose number the
    next visitor's recording would get.
    """
    loop = asyncio.get_running_loop()
    running = loop.run_in_executor(executor, work, *arguments)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        if_cancelled()
        await asyncio.wait([running])
        raise
