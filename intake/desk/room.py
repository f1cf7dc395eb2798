"""The open desk behind the pages: one thread has the catalogue, and every page asks there.

SQLite's connection belongs to the thread that made it. A page asks a question, a function of the
open desk, and gets its answer; questions wait for one another.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from typing import Final, TypeVar

from aiohttp import web

from intake.unlocked import Unlocked

Answer = TypeVar("Answer")
Opening = Callable[[], AbstractContextManager[Unlocked]]


class Room:
    """One desk, open for as long as its pages are."""

    def __init__(self, unlock: Opening) -> None:
        self._unlock = unlock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="catalogue")
        self._open = ExitStack()
        self._desk: Unlocked | None = None

    async def open(self) -> None:
        """Unlock the desk; gpg may ask for a PIN. Raises what unlocking raises."""
        await self._in_thread(self._enter)

    async def ask(self, question: Callable[[Unlocked], Answer]) -> Answer:
        """Return what the question finds. Raises what it raises."""
        return await self._in_thread(lambda: question(self._entered()))

    async def close(self) -> None:
        """Let go of the desk."""
        await self._in_thread(self._open.close)
        self._desk = None
        self._thread.shutdown()

    def _enter(self) -> None:
        self._desk = self._open.enter_context(self._unlock())

    def _entered(self) -> Unlocked:
        if self._desk is None:
            raise RuntimeError("the desk is not open")
        return self._desk

    async def _in_thread(self, work: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


ROOM: Final = web.AppKey("room", Room)
