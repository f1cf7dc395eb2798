"""Turns at a scarce thing: few at once, bounded waiting, and as many for each who waits."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import Busy
from server.turns import Turns


class Counter:
    """A counter with one turn at once, at which everybody is noted as they are served."""

    def __init__(self, *, at_once: int = 1, longest_queue: int = 10) -> None:
        self.turns = Turns(at_once, longest_queue=longest_queue)
        self.served: list[str] = []
        self.asked: list[asyncio.Task[None]] = []
        self.open = asyncio.Event()

    async def ask(self, *whose: str, patient: bool = False) -> None:
        """Let these ask for a turn each, in this order."""
        for each in whose:
            self.asked.append(asyncio.create_task(self._be_served(each, patient)))
            await asyncio.sleep(0)

    async def serve(self) -> list[str]:
        """Serve everybody who waits; return whom, in order."""
        self.open.set()
        await asyncio.gather(*self.asked, return_exceptions=True)
        return self.served

    async def turned_away(self) -> int:
        """Return how many were told that too many wait."""
        await asyncio.sleep(0)
        return sum(isinstance(one.exception(), Busy) for one in self.asked if one.done())

    async def _be_served(self, whose: str, patient: bool) -> None:
        async with self.turns.turn(whose, patient=patient):
            await self.open.wait()
            self.served.append(whose)


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await work()

    asyncio.run(main())


class TestATurn:
    def test_goes_round_among_those_who_wait_however_often_one_asks(self) -> None:
        async def work() -> None:
            counter = Counter()
            await counter.ask("a", "a", "a", "a", "b", "c", "b")

            assert await counter.serve() == ["a", "a", "b", "c", "a", "b", "a"]

        run(work)

    def test_is_had_by_no_more_than_may_at_once(self) -> None:
        async def work() -> None:
            counter = Counter(at_once=2)
            turns, most = 0, 0

            async def be_served(whose: int) -> None:
                nonlocal turns, most
                async with counter.turns.turn(whose):
                    turns += 1
                    most = max(most, turns)
                    await asyncio.sleep(0)
                    turns -= 1

            await asyncio.gather(*(be_served(whose % 3) for whose in range(9)))

            assert most == 2

        run(work)

    def test_is_refused_where_too_many_wait(self) -> None:
        async def work() -> None:
            counter = Counter(longest_queue=2)
            await counter.ask("a", "b", "c", "d")

            assert await counter.turned_away() == 1
            assert await counter.serve() == ["a", "b", "c"]

        run(work)

    def test_of_one_who_asks_too_much_makes_place_for_one_who_does_not(self) -> None:
        async def work() -> None:
            counter = Counter(longest_queue=4)
            await counter.ask("a", "a", "a", "a", "a", "b", "c")

            assert await counter.turned_away() == 2
            assert await counter.serve() == ["a", "a", "b", "c", "a"]

        run(work)

    def test_of_one_who_is_patient_takes_no_place_and_is_never_taken(self) -> None:
        async def work() -> None:
            counter = Counter(longest_queue=1)
            await counter.ask("a")
            await counter.ask("a", "a", "b", patient=True)
            await counter.ask("c", "d")

            assert await counter.turned_away() == 1
            assert await counter.serve() == ["a", "a", "b", "c", "a"]

        run(work)

    def test_that_nobody_waits_for_any_more_goes_to_the_next(self) -> None:
        async def work() -> None:
            counter = Counter()
            await counter.ask("a", "b", "c")
            counter.asked[1].cancel()

            assert await counter.serve() == ["a", "c"]

        run(work)

    def test_that_comes_at_the_moment_in_which_somebody_leaves_is_not_lost(self) -> None:
        async def work() -> None:
            counter = Counter()
            async with counter.turns.turn("a"):
                await counter.ask("b", "c")
            counter.asked[0].cancel()

            assert await counter.serve() == ["c"]

        run(work)

    @given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans(), st.booleans())))
    def test_is_there_again_whatever_happened(self, asked: list[tuple[str, bool, bool]]) -> None:
        async def work() -> None:
            counter = Counter(longest_queue=3)
            for whose, patient, leaves in asked:
                await counter.ask(whose, patient=patient)
                if leaves:
                    counter.asked[-1].cancel()
            await counter.serve()

            with pytest.raises(RuntimeError, match="mine"):
                async with asyncio.timeout(1), counter.turns.turn("e"):
                    raise RuntimeError("mine")
            assert not counter.turns._queues
            assert counter.turns._free == 1

        run(work)
