"""Seal what was cleaned to the keys that the newsroom has at this moment."""

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Final

from crypto.envelope import seal
from crypto.gpg import Gpg, Sink
from crypto.manifest import Manifest
from crypto.newsroom import Newsroom, read_newsroom
from server.store import Blob
from server.threads import in_thread

_SHOWN_SECONDS: Final = 60


class Sealer:
    """Makes envelopes; each is sealed while the store writes it.

    Hold `turn` meanwhile: only so many are sealed at once.
    """

    def __init__(
        self, gpg: Gpg, *, at_once: int, limit_seconds: float, now: Callable[[], datetime]
    ) -> None:
        self.turn = asyncio.Semaphore(at_once)
        self._gpg = gpg
        self._limit_seconds = limit_seconds
        self._now = now
        self._shown: tuple[Newsroom, float] | None = None
        self._showing = asyncio.Lock()

    async def newsroom(self) -> Newsroom:
        """Return the keys as they were within the last minute, to be shown. Raises GpgFailed."""
        async with self._showing:
            if self._shown is None or time.monotonic() - self._shown[1] > _SHOWN_SECONDS:
                read = partial(read_newsroom, self._gpg, now=self._now())
                self._shown = (await in_thread(read), time.monotonic())
            return self._shown[0]

    def envelope(self, content: Iterable[bytes], manifest: Manifest) -> Blob:
        """Return an envelope around `content` that writes itself, once.

        Writing raises NoUsableKey, GpgFailed, and what reading `content` or the sink raise.
        """

        def write(sink: Sink) -> None:
            # The keys are read anew for every envelope: one may have ended a minute ago.
            now = self._now()
            seal(
                content,
                manifest,
                newsroom=read_newsroom(self._gpg, now=now),
                gpg=self._gpg,
                day=now.date(),
                sink=sink,
                limit_seconds=self._limit_seconds,
            )

        return write
