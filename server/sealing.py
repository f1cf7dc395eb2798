"""Seal what was cleaned to the keys that the newsroom has at this moment."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from crypto.envelope import seal
from crypto.errors import CryptoError, NewerVersion, NoUsableKey
from crypto.gpg_run import Sink
from crypto.manifest import Manifest
from crypto.newsroom import Newsroom, NewsroomKey
from server.errors import ServerError
from server.newsroom import Keyring
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
        self, keyring: Keyring, *, at_once: int, limit_seconds: float, now: Callable[[], datetime]
    ) -> None:
        self.turn = asyncio.Semaphore(at_once)
        self._keyring = keyring
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
        """Return them; what can't be read can't be sealed to either."""
        try:
            usable = self._keyring.read(now=self._now()).usable
            fingerprints = [key.fingerprint for key in usable]
            export = self._keyring.gpg.export_keys
            blocks = tuple(export([fingerprint]) for fingerprint in fingerprints)
            return Shown(usable, blocks, export(fingerprints) if usable else "")
        except (CryptoError, ServerError, OSError):
            return Shown((), (), "")

    def envelope(self, content: Iterable[bytes], manifest: Manifest) -> Blob:
        """Return an envelope around `content` that writes itself, once.

        Writing raises NoUsableKey, GpgFailed, and what reading `content` or the sink raise.
        """

        def write(sink: Sink) -> None:
            # The keys are read anew for every envelope: one may have ended a minute ago. From
            # gpg's first byte on, it has its recipients, and the keyring may change.
            with self._keyring.unchanged() as let_go:
                now = self._now()
                seal(
                    content,
                    manifest,
                    newsroom=self._newsroom(now),
                    gpg=self._keyring.gpg,
                    day=now.date(),
                    sink=_calling_first(let_go, sink),
                    limit_seconds=self._limit_seconds,
                )

        return write

    def _newsroom(self, now: datetime) -> Newsroom:
        try:
            return self._keyring.read(now=now)
        except (ServerError, NewerVersion, OSError) as error:
            # Whom the desks signed for can't be read, so nobody is signed for.
            raise NoUsableKey([str(error)]) from None


def _calling_first(first: Callable[[], None], sink: Sink) -> Sink:
    """Return a sink that calls `first` before it takes its first bytes."""
    waiting = [first]

    def take(block: bytes) -> None:
        if waiting:
            waiting.pop()()
        sink(block)

    return take
