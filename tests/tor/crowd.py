"""Many who knock at an onion at once, in the moment in which that counts.

tor looks every five minutes whether somebody waits to be let in, and asks for more work then, or
for less (hspow-spec, "Updating the suggested effort"). Nothing makes it look sooner, so the crowd
is there each time, while other tests run.
"""

import secrets
import threading
import time
from contextlib import suppress
from typing import Final

from tornet import Tor

from .far import NotThere, through
from .installed import Installed

_PERIOD_SECONDS: Final = 300
_BEFORE_SECONDS: Final = 8
_MANY: Final = 30
"""At one a second, some wait still when tor looks."""


class Crowd:
    """It comes through a tor of its own, until `close`."""

    def __init__(self, onion: Installed, tor: Tor) -> None:
        self._onion = onion
        self._tor = tor
        self._over = threading.Event()
        self.came = threading.Event()
        """It was there once."""
        self._thread = threading.Thread(target=self._come)
        self._thread.start()

    def _come(self) -> None:
        next_look = self._onion.since + _PERIOD_SECONDS
        while not self._over.wait(max(0, next_look - _BEFORE_SECONDS - time.monotonic())):
            everybody = [threading.Thread(target=self._knock) for _ in range(_MANY)]
            for one in everybody:
                one.start()
            self.came.set()
            for one in everybody:
                one.join()
            next_look += _PERIOD_SECONDS

    def _knock(self) -> None:
        with suppress(NotThere, OSError):
            through(self._tor, self._onion.host, secrets.token_hex(8)).close()

    def close(self) -> None:
        """Go home, whoever was let in by then."""
        self._over.set()
        self._tor.end()
        self._thread.join()
