"""Carry blocking work to threads and its bytes back, without losing hold of what it works on."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Executor
from typing import Final, TypeVar

_BLOCKS_AHEAD: Final = 4
_T = TypeVar("_T")


async def in_thread(
    work: Callable[..., _T], *arguments: object, executor: Executor | None = None
) -> _T:
    """Return what `work` returns, having run it in a thread.

    When the caller is cancelled the thread is waited for first: it may be writing to a descriptor
    that the caller is about to close, and whose number the next visitor's recording would get.
    """
    loop = asyncio.get_running_loop()
    running = loop.run_in_executor(executor, work, *arguments)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


async def blocks_from(
    produce: Callable[[Callable[[bytes], None]], None], *, executor: Executor
) -> AsyncGenerator[bytes]:
    """Yield the blocks that `produce`, in a thread, gives to the sink it is handed.

    What `produce` raises comes out when its blocks are used up. Close this generator when leaving
    it early: then the sink raises, and `produce` is waited for.
    """
    loop = asyncio.get_running_loop()
    ready: asyncio.Queue[bytes | None] = asyncio.Queue(_BLOCKS_AHEAD)
    abandoned = threading.Event()

    def sink(block: bytes | None) -> None:
        if block is not None and abandoned.is_set():
            raise _Abandoned
        asyncio.run_coroutine_threadsafe(ready.put(block), loop).result()

    def run() -> None:
        try:
            produce(sink)
        finally:
            sink(None)

    running = loop.run_in_executor(executor, run)
    block: bytes | None = b""
    try:
        while (block := await ready.get()) is not None:
            yield block
        await running
    finally:
        abandoned.set()
        while block is not None:
            block = await ready.get()
        await asyncio.wait([running])


class _Abandoned(Exception):
    """Nobody wants the rest."""
