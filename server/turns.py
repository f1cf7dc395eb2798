"""Let those who want the same scarce thing have it in turn.

A few have it at once, the others wait. A turn goes to each of those who wait for one, round and
round: who asks a hundred times gets no more of them than who asks once. Nobody has a name here:
`whose` is whatever tells one asker from another for as long as they wait, and is forgotten then.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from server.errors import Busy


def _future() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


@dataclass(slots=True, eq=False)
class _Waiting:
    patient: bool
    turn: asyncio.Future[None] = field(default_factory=_future)


class Turns:
    """`at_once` turns, and `longest_queue` places to wait for one. Used from one event loop."""

    def __init__(self, at_once: int, *, longest_queue: int) -> None:
        self._free = at_once
        self._longest_queue = longest_queue
        self._queues: OrderedDict[Hashable, deque[_Waiting]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, whose: Hashable, *, patient: bool = False) -> AsyncIterator[None]:
        """Have a turn. Raises Busy when every place to wait is taken, now or while waiting.

        Who is `patient` takes none of these places, and is never told so.
        """
        await self._wait(whose, patient)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, whose: Hashable, patient: bool) -> None:
        if self._free:
            self._free -= 1
            return
        if not patient:
            self._make_place(whose)
        waiting = _Waiting(patient)
        self._queues.setdefault(whose, deque()).append(waiting)
        try:
            await waiting.turn
        except asyncio.CancelledError:
            self._leave(whose, waiting)
            if (
                waiting.turn.done()
                and not waiting.turn.cancelled()
                and not waiting.turn.exception()
            ):
                self._pass_on()  # it came at the same moment
            raise

    def _pass_on(self) -> None:
        while self._queues:
            whose, queue = next(iter(self._queues.items()))
            self._queues.move_to_end(whose)
            waiting = queue[0]
            self._leave(whose, waiting)
            if not waiting.turn.done():  # else it was cancelled a moment ago
                waiting.turn.set_result(None)
                return
        self._free += 1

    def _leave(self, whose: Hashable, waiting: _Waiting) -> None:
        queue = self._queues.get(whose, deque())
        if waiting in queue:
            queue.remove(waiting)
            if not queue:
                del self._queues[whose]

    def _make_place(self, whose: Hashable) -> None:
        """See to it that there is a place: where there is none, who has most gives up their last.

        Raises Busy when nobody has more than whoever asks would have then.
        """
        places = {each: _impatient(queue) for each, queue in self._queues.items()}
        if sum(map(len, places.values())) < self._longest_queue:
            return
        most = max(places, key=lambda each: len(places[each]), default=whose)
        if len(places.get(most, ())) <= len(places.get(whose, ())) + 1:
            raise Busy("too many are waiting")
        last = places[most][-1]
        self._leave(most, last)
        if not last.turn.done():
            last.turn.set_exception(Busy("somebody waits who asked for less"))


def _impatient(queue: deque[_Waiting]) -> list[_Waiting]:
    return [waiting for waiting in queue if not waiting.patient]
