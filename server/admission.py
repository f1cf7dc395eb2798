"""Decide, before anything of an upload is read, whether it may begin; and when one is to end.

What is bounded is what all uploads take together, by the lengths that they declare:

    how many there are, and their bytes           for all, and for each Tor circuit
    free space, on the spool and in the store     less what those in flight will still take of it

Of each a part is kept for sources who return: those in whose mailbox a desk has answered. Anyone
can make mailboxes, but nobody can make a desk answer, so no flood of newcomers shuts these out.

An upload that brings too little is ended, so that nobody holds a place by doing nothing: in each
span of `slow_after_seconds` in which we were ready to read, it has to bring as much as
`min_bytes_per_second` would have.

Nobody has a name here. A circuit is a number in memory, None where tor isn't asked to tell. Only
arithmetic: clock and free space are handed in, and somebody has to call `end_slow` now and then.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, NamedTuple

from server.config import Admitting
from server.errors import Busy, SpoolFull, StoreFull

_SMALL_ONES: Final = 2 * 1024 * 1024
"""Bytes by which a form of many small things may grow when each is padded, and noted."""

_LOOKS: Final = 5
"""At the least, at an upload that is ended for bringing too little."""


class Room(NamedTuple):
    """Free bytes where recordings are held and where sealed objects rest; None: nobody can say.

    `shared` is whether both are on one file system.
    """

    spool: int | None = None
    store: int | None = None
    shared: bool = False


class Line(NamedTuple):
    """How far an upload is: bytes that `arrived`, and of those how many were stored or refused.

    It is `ready` when we would read more of it if more came.
    """

    arrived: int
    settled: int
    ready: bool


_NOT_BEGUN: Final = Line(0, 0, ready=False)


@dataclass(slots=True, eq=False)
class Ticket:
    """One upload's place, of `length` bytes; to be left with `with`, however it ends."""

    length: int
    circuit: int | None
    returning: bool
    _leave: Callable[["Ticket"], None]
    _look: Callable[[], Line] = lambda: _NOT_BEGUN
    _end: Callable[[], None] = lambda: None
    _line: Line = _NOT_BEGUN
    _looked: float = 0.0
    _waited_seconds: float = 0.0
    _arrived_before: int = 0

    def __enter__(self) -> "Ticket":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave(self)

    def follow(self, look: Callable[[], Line], *, end: Callable[[], None]) -> None:
        """Say how to see how far it is, and how to end it."""
        self._look, self._end = look, end

    def look(self) -> None:
        """See how far it is."""
        self._line = self._look()

    @property
    def spool_bytes(self) -> int:
        """How much of the spool it will still take: what is held already is no longer free."""
        return max(0, self.length - self._line.arrived)

    @property
    def store_bytes(self) -> int:
        """How much of the store it will still take at most, padded."""
        return max(0, _sealed(self.length) - self._line.settled)

    def is_slow(self, now: float, *, least_bytes: int, after_seconds: float) -> bool:
        """Say whether it was waited for that long, and brought less than that meanwhile."""
        self.look()
        if self._line.ready and self._line.arrived < self.length:
            # Where nobody looked for longer, we stood still ourselves: a snapshot, another machine.
            self._waited_seconds += min(now - self._looked, after_seconds / _LOOKS)
        self._looked = now
        if self._line.arrived - self._arrived_before >= least_bytes:
            self._waited_seconds, self._arrived_before = 0.0, self._line.arrived
        return self._waited_seconds >= after_seconds

    def begin(self, now: float) -> None:
        """Note when it began."""
        self._looked = now


def _sealed(length: int) -> int:
    """Return how much sealing a form of this many bytes takes at most: Padmé adds an eighth."""
    return length + length // 8 + _SMALL_ONES


def unknown() -> Room:
    """Return what is known of free space where nobody looks."""
    return Room()


@dataclass(slots=True, eq=False)
class Admission:
    """The places that there are, and who has them. Used from one event loop."""

    limits: Admitting
    room: Callable[[], Room] = unknown
    clock: Callable[[], float] = time.monotonic
    _tickets: set[Ticket] = field(default_factory=set)

    def admit(self, length: int, *, circuit: int | None, returning: bool) -> Ticket:
        """Return a place for an upload of `length` bytes.

        Raises Busy, SpoolFull, StoreFull: then it takes nothing, and nothing of it is to be read.
        """
        self._fits_circuit(length, circuit)
        self._fits(length, returning)
        self._has_room(length, returning)
        ticket = Ticket(length, circuit, returning, self._tickets.discard)
        ticket.begin(self.clock())
        self._tickets.add(ticket)
        return ticket

    def end_slow(self) -> None:
        """End every upload that brings too little; to be called now and then."""
        now, limits = self.clock(), self.limits
        least = limits.min_bytes_per_second * limits.slow_after_seconds
        for ticket in list(self._tickets):
            if ticket.is_slow(now, least_bytes=least, after_seconds=limits.slow_after_seconds):
                ticket._end()

    def _fits_circuit(self, length: int, circuit: int | None) -> None:
        if circuit is None:
            return
        same = [ticket for ticket in self._tickets if ticket.circuit == circuit]
        if len(same) >= self.limits.max_uploads_per_circuit:
            raise Busy("as many uploads as one circuit may have")
        if _length(same) + length > self.limits.max_bytes_per_circuit:
            raise Busy("as many bytes as one circuit may send at once")

    def _fits(self, length: int, returning: bool) -> None:
        """Raise Busy unless there is a place: newcomers leave alone what is reserved."""
        limits = self.limits
        newcomers = [ticket for ticket in self._tickets if not ticket.returning]
        if len(self._tickets) >= limits.max_uploads:
            raise Busy("as many uploads as there may be")
        if _length(self._tickets) + length > limits.max_bytes:
            raise Busy("as many bytes as may be in flight")
        if returning:
            return
        if len(newcomers) >= limits.max_uploads - limits.reserved_uploads:
            raise Busy("as many uploads of newcomers as there may be")
        if _length(newcomers) + length > limits.max_bytes - limits.reserved_bytes:
            raise Busy("as many bytes of newcomers as may be in flight")

    def _has_room(self, length: int, returning: bool) -> None:
        """Raise SpoolFull or StoreFull unless both stay above their floors until it is stored."""
        for ticket in self._tickets:
            ticket.look()
        room, limits = self.room(), self.limits
        spool = length + sum(ticket.spool_bytes for ticket in self._tickets)
        store = _sealed(length) + sum(ticket.store_bytes for ticket in self._tickets)
        if room.shared:
            spool = store = spool + store
        reserve = 0 if returning else limits.reserved_room_bytes
        if _is_below(room.spool, spool + reserve, limits.spool_floor_bytes):
            raise SpoolFull("no room to hold what would come")
        if _is_below(room.store, store + reserve, limits.store_floor_bytes):
            raise StoreFull("no room to store what would come")


def _length(tickets: "list[Ticket] | set[Ticket]") -> int:
    return sum(ticket.length for ticket in tickets)


def _is_below(free: int | None, taken: int, floor: int) -> bool:
    """Say whether too little stays free; a floor of 0 is none."""
    return bool(floor) and free is not None and free - taken < floor
