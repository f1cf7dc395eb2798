"""Seal what was cleaned to the keys that the newsroom has at this moment."""

from collections.abc import AsyncGenerator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from crypto.envelope import seal
from crypto.gpg import Gpg, Sink
from crypto.manifest import Manifest
from crypto.newsroom import read_newsroom
from server.threads import blocks_from


class Sealer:
    """Seals a few envelopes at once; more wait their turn."""

    def __init__(
        self, gpg: Gpg, *, at_once: int, limit_seconds: float, now: Callable[[], datetime]
    ) -> None:
        self._gpg = gpg
        self._limit_seconds = limit_seconds
        self._now = now
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="seal")

    def sealed(self, content: Iterable[bytes], manifest: Manifest) -> AsyncGenerator[bytes]:
        """Yield the envelope around `content`; close this generator when leaving it early.

        Raises NoUsableKey, GpgFailed, and what reading `content` raises.
        """

        def work(sink: Sink) -> None:
            # The keys are read anew for every envelope: one may have ended a minute ago.
            now = self._now()
            newsroom = read_newsroom(self._gpg, now=now)
            seal(
                content,
                manifest,
                newsroom=newsroom,
                gpg=self._gpg,
                day=now.date(),
                sink=sink,
                limit_seconds=self._limit_seconds,
            )

        return blocks_from(work, executor=self._threads)

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)
