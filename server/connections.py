"""Keep room for connections: so many in all, so many on one Tor circuit.

Over the limit in all, the connection that has waited longest gives way to a new one. Waiting is
whatever we have taken nothing from yet: silence, half a request, half a small form, an answer that
is being fetched. Where none waits, the one goes whose request we have worked on longest: it may
stand in a queue. So neither connections nor requests that only stand there keep anybody out, and
whoever is sending a recording keeps their place; how many may send is for admission to say.

A circuit has room for what a browser opens at once (6) more than twice; what is over that is closed
at once, and costs the others nothing.
"""

import asyncio
import resource
from collections import Counter
from itertools import chain
from typing import Final

from server.errors import NotFit

_EACH: Final = 2  # a connection, and the spool of what comes by it
_BESIDES: Final = 256  # the store, gpg, the sandbox, what the libraries hold


class OpenConnections:
    """Every connection there is, and the circuit that it came by, for as long as it lasts."""

    def __init__(self, *, most: int, most_per_circuit: int, most_refused: int) -> None:
        self._most = most
        self._most_per_circuit = most_per_circuit
        self._most_refused = most_refused
        self._circuits: dict[asyncio.Transport, int | None] = {}
        self._on_circuit: Counter[int] = Counter()
        self._waiting: dict[asyncio.Transport, None] = {}  # the longest first
        self._working: dict[asyncio.Transport, None] = {}  # the longest first
        self._refused: set[asyncio.Transport] = set()

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._circuits)

    def begin(self, connection: asyncio.Transport, circuit: int | None) -> bool:
        """Give it a place, if there is one; it waits. `circuit` is None where tor doesn't tell."""
        if circuit is not None and self._on_circuit[circuit] >= self._most_per_circuit:
            return False
        if len(self._circuits) >= self._most and not self._one_gave_way():
            return False
        self._circuits[connection] = circuit
        if circuit is not None:
            self._on_circuit[circuit] += 1
        self._waiting[connection] = None
        return True

    def waits(self, connection: asyncio.Transport) -> None:
        """Note that it waits, from now on."""
        if connection in self._circuits:
            self._stands_nowhere(connection)
            self._waiting[connection] = None

    def works(self, connection: asyncio.Transport) -> None:
        """Note that it doesn't wait: it gives way last."""
        self._refused.discard(connection)
        if connection in self._circuits:
            self._stands_nowhere(connection)
            self._working[connection] = None

    def keeps_its_place(self, connection: asyncio.Transport) -> None:
        """Note that it never gives way, until it waits or works again."""
        self._stands_nowhere(connection)

    def listens(self, connection: asyncio.Transport) -> bool:
        """Say whether what was refused on it may still be listened to, beside what else is."""
        if len(self._refused) < self._most_refused:
            self._refused.add(connection)
        return connection in self._refused

    def end(self, connection: asyncio.Transport) -> None:
        """Forget it, and its circuit when that was the last on it."""
        self._stands_nowhere(connection)
        self._refused.discard(connection)
        circuit = self._circuits.pop(connection, None)
        if circuit is not None:
            self._on_circuit[circuit] -= 1
            if not self._on_circuit[circuit]:
                del self._on_circuit[circuit]

    def _stands_nowhere(self, connection: asyncio.Transport) -> None:
        self._waiting.pop(connection, None)
        self._working.pop(connection, None)

    def _one_gave_way(self) -> bool:
        longest = next(chain(self._waiting, self._working), None)
        if longest is None:
            return False
        self.end(longest)
        longest.abort()
        return True


def allow_descriptors(most_connections: int) -> None:
    """Let this process open as many files as so many connections need. Raises NotFit."""
    needed = most_connections * _EACH + _BESIDES
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY or allowed >= needed:
        return
    if resource.RLIM_INFINITY != most < needed:
        why = f"{most} open files are allowed, and connections.max_open needs {needed}"
        raise NotFit([f"{why}: raise the limit (LimitNOFILE=), or set it lower"])
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, most))
