"""What is known of one form while it is being sent: how much has arrived, and what each part is at.

A form that is shown has a token, and under it a `Form`, in memory only. The page in the frame reads
it; nothing here knows of pages. Sizes are bytes, times seconds of a clock that only counts.
"""

import asyncio
import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from crypto.manifest import Condition
from server.errors import Busy
from server.events import Reason

_RATE_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 1.0
"""Between two looks that are remembered, however often somebody looks."""
_RENEW_SECONDS: Final = 240.0
"""Tor stays on a circuit where a connection was begun in the last 600 (MaxCircuitDirtiness)."""


class Step(StrEnum):
    """Where a recording is on its way, until something became of it."""

    ARRIVING = "arriving"
    CLEANING = "cleaning"
    ENCRYPTING = "encrypting"


class State(StrEnum):
    """What the sending of a form is at as a whole."""

    SENDING = "sending"
    BROKEN_OFF = "broken_off"
    DONE = "done"


class Kept:
    """What of a form is in the store already.

    Where a connection breaks, a browser may send the form again by itself, or the source does.
    What was kept is known again by a digest under a key that nobody else has, in memory, and only
    until a sending of the form has come to its end while no other of the same form still runs.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._kept: dict[bytes, Condition] = {}
        self._sendings = 0

    def digest(self) -> hmac.HMAC:
        """Return an empty digest (HMAC-SHA-256, RFC 2104)."""
        return hmac.new(self._key, digestmod="sha256")

    def get(self, digest: hmac.HMAC) -> Condition | None:
        """Return how the thing with this digest was kept."""
        return self._kept.get(digest.digest())

    def add(self, digest: hmac.HMAC, condition: Condition) -> None:
        """Remember that it was."""
        self._kept[digest.digest()] = condition

    def begin(self) -> None:
        """Note that a sending of the form has begun."""
        self._sendings += 1

    def end(self, *, done: bool) -> None:
        """Note that one has ended; forget what was kept when it was `done` and the last."""
        self._sendings -= 1
        if done and not self._sendings:
            self._kept.clear()


@dataclass(slots=True)
class Item:
    """One thing that is being sent.

    `kind` is recording, message or form; `number` counts recordings from 1 in the form's order.
    """

    kind: str
    number: int = 0
    size: int = 0
    step: Step = Step.ARRIVING
    became: Condition | Reason | None = None
    kept: "Kept | None" = None
    _digest: hmac.HMAC | None = None

    def __post_init__(self) -> None:
        self._digest = self.kept.digest() if self.kept else None

    def arrived(self, size: int) -> None:
        """Note that it is `size` bytes long by now."""
        self.size = size

    def read(self, block: bytes | memoryview) -> None:
        """Take the next bytes of it into account, for `kept_before`."""
        if self._digest is not None:
            self._digest.update(block)

    def kept_before(self) -> Condition | None:
        """Return how it was kept when the form was sent before, if it was; all of it is here."""
        return self.kept.get(self._digest) if self.kept and self._digest else None

    def settle(self, became: Condition | Reason) -> None:
        """Note what became of it, and forget what it would be known by."""
        self.became = became
        if self.kept and self._digest and isinstance(became, Condition):
            self.kept.add(self._digest, became)
        # It could show whoever takes the machine what was sent, and takes a kilobyte of memory.
        self._digest = self.kept = None

    def begin(self, step: Step) -> None:
        """Note what is being done with it from now on."""
        self.step = step

    @property
    def received(self) -> bool:
        """Whether it is in the store, synced."""
        return isinstance(self.became, Condition)


@dataclass(slots=True, eq=False)
class Progress:
    """One sending of a form: `expected` bytes, of which `count` says how many are here."""

    expected: int
    count: Callable[[], int]
    clock: Callable[[], float] = time.monotonic
    kept: Kept = field(default_factory=Kept)
    state: State = State.SENDING
    items: list[Item] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    cut_off_for: Reason = Reason.CUT_OFF
    """Why what has not arrived whole is missing."""
    _break_off: Callable[[], None] | None = None
    _is_broken_off: bool = False
    _seen: deque[tuple[float, int]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._seen.append((self.clock(), 0))
        self.kept.begin()

    def add(self, kind: str, number: int = 0) -> Item:
        """Add the next thing that arrives."""
        item = Item(kind, number, kept=self.kept)
        self.items.append(item)
        return item

    def end(self, state: State) -> None:
        """Note how it ended; from now on nothing is counted."""
        received = self.received
        self.state, self.count = state, lambda: received
        self.kept.end(done=state is State.DONE)
        self._break_off = None
        self.over.set()

    def reads(self, break_off: Callable[[], None]) -> None:
        """Note how to read nothing more of it."""
        self._break_off = break_off
        if self._is_broken_off:
            break_off()

    def break_off(self, why: Reason = Reason.CUT_OFF) -> None:
        """Read nothing more of it; what is here whole is still kept."""
        self._is_broken_off = True
        self.cut_off_for = why
        if self._break_off is not None:
            self._break_off()

    async def supersede(self) -> None:
        """Break it off, and wait until it is over: the form is being sent anew."""
        self.break_off()
        await self.over.wait()

    @property
    def received(self) -> int:
        """Bytes of the form that are here."""
        return min(self.count(), self.expected)

    @property
    def settled(self) -> int:
        """Bytes of the recordings of which it is known what became."""
        return sum(item.size for item in self.items if item.became is not None)

    @property
    def fraction(self) -> float:
        """How much of the form is here, 0 to 1."""
        return self.received / self.expected if self.expected else 0.0

    def rate(self) -> float:
        """Return bytes a second over the last moments that somebody looked; 0 at first."""
        now, received = self.clock(), self.received
        if now - self._seen[-1][0] >= _LOOK_SECONDS:
            self._seen.append((now, received))
        while len(self._seen) > 2 and now - self._seen[1][0] >= _RATE_SECONDS:
            self._seen.popleft()
        then, had = self._seen[0]
        return (received - had) / (now - then) if now > then else 0.0

    def seconds_left(self, rate: float) -> float | None:
        """Return how long the rest takes at `rate`; None while nothing moves."""
        return (self.expected - self.received) / rate if rate > 0 else None


@dataclass(slots=True, eq=False)
class Form:
    """A form that was shown: its latest sending, or why it was turned away unread."""

    progress: Progress | None = None
    refused: Reason | None = None
    clock: Callable[[], float] = time.monotonic
    _kept: Kept | None = None
    _renewed: float = field(init=False)
    _sent_anew: asyncio.Event | None = None

    def __post_init__(self) -> None:
        self._renewed = self.clock()

    def begin(self, expected: int, count: Callable[[], int]) -> Progress:
        """Return a new sending of `expected` bytes; one before it is no longer looked at.

        It is still to be superseded: a browser sends a form again when it has given up the line,
        and we may not know of that yet.
        """
        # Only now: a crowd that asks for pages makes many forms, and sends none.
        self._kept = self._kept or Kept()
        self.refused, self.progress = None, Progress(expected, count, kept=self._kept)
        return self.progress

    async def make_way(self) -> None:
        """Break off what is being sent of it, and wait for its end: it is being sent anew.

        Only the last who sends it waits: a thousand who did would take every connection there is.
        Raises Busy where another came meanwhile.
        """
        if self._sent_anew is not None:
            self._sent_anew.set()
        self._sent_anew = sent_anew = asyncio.Event()
        while self.progress is not None and self.is_sending:
            waits = {
                asyncio.ensure_future(wait)
                for wait in (self.progress.supersede(), sent_anew.wait())
            }
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
            if sent_anew.is_set():
                raise Busy("sent once more meanwhile")

    def refuse(self, reason: Reason) -> None:
        """Note that it was turned away unread; what is still being sent of it stays to be seen."""
        if not self.is_sending:
            self.refused, self.progress = reason, None

    @property
    def is_sending(self) -> bool:
        """Whether something of it is still coming, or being worked on."""
        return self.progress is not None and self.progress.state is State.SENDING

    def renews(self) -> bool:
        """Say, once every few minutes, that the frame should come by a new connection.

        Behind an address that several front ends share, another circuit may end at another of
        them, where nobody knows this visit.
        """
        now = self.clock()
        if now - self._renewed < _RENEW_SECONDS:
            return False
        self._renewed = now
        return True
