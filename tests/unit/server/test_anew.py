"""A wish to begin anew: granted at a moment that nobody chose, or forgotten."""

import asyncio
import os

import pytest
from aiohttp import web

from crypto.manifest import Condition
from server import serve
from server.anew import Idling, Wish, _pauses, handed_over
from server.events import Reason, Received, Refused
from server.journal import Journal
from server.pages.parts import IDLING, STOPPING
from server.progress import Progress
from server.stopping import Stopping

LOOKS = 4


class Looking:
    """Whether nobody is here, at one look after the other; `done` after the last."""

    def __init__(self, *answers: bool) -> None:
        self.answers = list(answers)
        self.done = asyncio.Event()

    def __call__(self, _quiet_seconds: float) -> bool:
        answer = self.answers.pop(0)
        if not self.answers:
            self.done.set()
        return answer


class TestAWish:
    @pytest.mark.parametrize("before", range(LOOKS))
    def test_is_granted_at_the_first_drawn_moment_at_which_nobody_is_here(
        self, before: int
    ) -> None:
        async def wished() -> list[bool]:
            wish, looking = Wish(), Looking(*[False] * before, True, True)
            wish.tell()
            await wish.wait(looking, quiet_seconds=60, within_seconds=0.01)
            assert wish.granted
            return looking.answers

        assert asyncio.run(wished()) == [True]

    def test_is_forgotten_when_somebody_is_here_at_each(self) -> None:
        async def wished_twice() -> list[bool]:
            wish, looking = Wish(), Looking(*[False] * LOOKS)
            wish.tell()
            waiting = asyncio.create_task(wish.wait(looking, quiet_seconds=60, within_seconds=0.01))
            await looking.done.wait()
            looking.answers = [True]
            assert not wish.granted
            await asyncio.wait([waiting], timeout=0.02)
            assert not wish.granted
            wish.tell()
            await waiting
            return looking.answers

        assert asyncio.run(wished_twice()) == []

    def test_is_looked_at_in_moments_that_nobody_can_know(self) -> None:
        drawn = [_pauses(3600) for _ in range(50)]

        assert all(len(pauses) == LOOKS for pauses in drawn)
        assert all(min(pauses) >= 0 and sum(pauses) <= 3600 for pauses in drawn)
        assert len({tuple(pauses) for pauses in drawn}) == len(drawn)

    def test_gives_way_to_being_told_to_stop(self) -> None:
        async def stopped() -> tuple[bool, bool]:
            wish, stopping = Wish(), Stopping()
            wish.granted = True
            serve._stop(wish, stopping)
            await stopping.over()
            return wish.granted, stopping.begun

        assert asyncio.run(stopped()) == (False, True)


class TestNobody:
    def test_is_here_once_nothing_was_asked_for_in_so_long(self) -> None:
        now = 0.0
        idling = Idling(lambda: now)

        idling.asked()
        now = 3599.0
        assert not idling.lasts(3600)
        now = 3600.0
        assert idling.lasts(3600)

    def test_is_here_while_anything_is_sent_or_the_drop_stops(self) -> None:
        app = web.Application()
        app[STOPPING], app[IDLING] = Stopping(), Idling()

        with app[STOPPING].sending(Progress(1, lambda: 0)):
            assert not serve._nobody_is_here(app, 0)
        assert serve._nobody_is_here(app, 0)
        app[STOPPING].begun = True
        assert not serve._nobody_is_here(app, 0)


class TestWhatWasCounted:
    def test_goes_on_in_another_journal(self) -> None:
        before = Journal()
        before.count(Received(Condition.CLEANED), times=12)
        before.count(Refused(Reason.BUSY))

        after = Journal(before.counted())
        after.count(Refused(Reason.BUSY))

        assert after.counted() == {"received cleaned": 12, "refused busy": 2}
        assert (Received(Condition.CLEANED), "10+") in after.tell_the_day()
        assert after.counted() == {}

    def test_of_an_event_that_is_unknown_here_is_left_out(self) -> None:
        assert Journal({"applauded": 3, "refused busy": 1}).counted() == {"refused busy": 1}

    @pytest.mark.parametrize(
        "handed", [b"", b"{", b"[1]", b"{}{}", b'{"a": "b"}', b"null", b"\xff", b"1e999"]
    )
    def test_is_nothing_where_it_can_t_be_read(self, handed: bytes) -> None:
        given, ours = os.pipe()
        os.write(ours, handed)
        os.close(ours)

        assert handed_over(given) == {}
        assert handed_over(given) == {}  # it is closed
