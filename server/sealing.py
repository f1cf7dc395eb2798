"""Seal what was cleaned to the keys that the newsroom has at this moment."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from crypto.envelope import seal
from crypto.errors import GpgFailed
from crypto.gpg import Gpg, Sink
from crypto.manifest import Manifest
from crypto.newsroom import NewsroomKey, read_newsroom
from server.store import Blob
from server.threads import in_thread

_SHOWN_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Shown:
    """The keys that can be sealed to, each with its armoured block, and one block of them all."""

    keys: tuple[NewsroomKey, ...]
    blocks: tuple[str, ...]
    together: str


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
        self._shown: tuple[Shown, float] | None = None
        self._showing = asyncio.Lock()

    async def shown(self) -> Shown:
        """Return the keys as they were within the last minute, however often they are asked for."""
        async with self._showing:
            if self._shown is None or time.monotonic() - self._shown[1] > _SHOWN_SECONDS:
                self._shown = (await in_thread(self._read_shown), time.monotonic())
            return self._shown[0]

    def _read_shown(self) -> Shown:
        """Return them; a gpg that fails can't seal either, so it has none to show."""
        try:
            newsroom = read_newsroom(self._gpg, now=self._now())
            usable = tuple(key for key in newsroom.keys if not key.problem)
            fingerprints = [key.fingerprint for key in usable]
            blocks = tuple(self._gpg.export_keys([fingerprint]) for fingerprint in fingerprints)
            return Shown(usable, blocks, self._gpg.export_keys(fingerprints) if usable else "")
        except GpgFailed:
            return Shown((), (), "")

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
