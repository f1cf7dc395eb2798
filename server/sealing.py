"""Seal what was cleaned to the keys that the newsroom has at this moment."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime

from crypto.envelope import seal
from crypto.gpg import Gpg, Sink
from crypto.manifest import Manifest
from crypto.newsroom import read_newsroom
from server.store import Blob


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
