"""How long something took shows in whole steps only."""

import asyncio
from contextlib import nullcontext
from typing import Any

import pytest

from server.steps import whole_steps


class SteppedLoop(asyncio.SelectorEventLoop):
    """A loop whose clock is moved on by whoever waits, so that nothing is waited for."""

    def __init__(self) -> None:
        self.now = 1000.03
        super().__init__()

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, *arguments: Any, **named: Any) -> Any:
        self.now += delay
        return super().call_later(0, *arguments, **named)


def took(work_seconds: float, *, fails: bool = False, blur_seconds: float = 0.0) -> float:
    """Return the seconds until the answer to work that took this long."""
    loop = SteppedLoop()

    async def work() -> None:
        async with whole_steps(0.1, blur_seconds):
            loop.now += work_seconds
            if fails:
                raise ZeroDivisionError

    began = loop.now
    try:
        with pytest.raises(ZeroDivisionError) if fails else nullcontext():
            loop.run_until_complete(work())
        return loop.now - began
    finally:
        loop.close()


class TestSteps:
    @pytest.mark.parametrize("work_seconds", [0.0001, 0.02, 0.0999])
    def test_all_that_takes_less_than_a_step_takes_one(self, work_seconds: float) -> None:
        assert took(work_seconds) == pytest.approx(0.1)

    def test_what_takes_longer_takes_the_next(self) -> None:
        assert took(0.11) == pytest.approx(0.2)
        assert took(0.95) == pytest.approx(1.0)

    def test_a_failure_takes_as_long(self) -> None:
        assert took(0.02, fails=True) == pytest.approx(0.1)

    def test_how_long_after_a_step_is_left_to_chance(self) -> None:
        seen = {took(0.02, blur_seconds=0.01) for _ in range(20)}

        assert len(seen) == 20
        assert all(0.0999 < seconds < 0.1101 for seconds in seen)
