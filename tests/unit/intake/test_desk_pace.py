"""How fast a work goes and how long it will take, told steadily."""

import pytest

from intake.arriving.pace import Forecast, Pace, Step
from intake.wording import progress_text, time_text

MB = 1_000_000


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(clock)


def pass_by(pace: Pace, clock: Clock, *, rate: int, seconds: int, passed: int = 0) -> Forecast:
    """Have `seconds` pass at a rate, a step each tenth; return what is foretold in the end."""
    told = Forecast()
    for _ in range(seconds * 10):
        clock.seconds += 0.1
        passed += rate // 10
        told = pace(Step(passed, 1000 * MB))
    return told


class TestAForecast:
    def test_is_not_made_from_the_first_moment(self, pace: Pace, clock: Clock) -> None:
        assert pace(Step(0, MB)) == Forecast()
        clock.seconds += 0.2
        assert pace(Step(100_000, MB)) == Forecast()

    def test_of_a_steady_work_is_exact(self, pace: Pace, clock: Clock) -> None:
        told = pass_by(pace, clock, rate=20 * MB, seconds=10)
        assert told.rate == pytest.approx(20 * MB)
        assert told.seconds_left == pytest.approx(40)

    def test_does_not_jump_when_the_stick_pauses(self, pace: Pace, clock: Clock) -> None:
        pass_by(pace, clock, rate=20 * MB, seconds=10)
        clock.seconds += 1
        told = pace(Step(201 * MB, 1000 * MB))
        assert told.rate is not None
        assert 15 * MB < told.rate < 20 * MB

    def test_follows_what_stays_slower(self, pace: Pace, clock: Clock) -> None:
        pass_by(pace, clock, rate=100 * MB, seconds=2)
        told = pass_by(pace, clock, rate=10 * MB, seconds=40, passed=200 * MB)
        assert told.rate == pytest.approx(10 * MB, rel=0.1)

    def test_outlasts_a_step_back_and_many_in_one_moment(self, pace: Pace, clock: Clock) -> None:
        pass_by(pace, clock, rate=20 * MB, seconds=2)
        before = pace(Step(40 * MB, 100 * MB))
        assert pace(Step(10 * MB, 100 * MB)).rate == before.rate
        assert pace(Step(11 * MB, 100 * MB)).rate == before.rate

    def test_never_has_less_than_nothing_left(self, pace: Pace, clock: Clock) -> None:
        pass_by(pace, clock, rate=20 * MB, seconds=2)
        assert pace(Step(200 * MB, 100 * MB)).seconds_left == 0


class TestALineOfProgress:
    def test_says_bytes_drops_rate_and_time_left(self) -> None:
        said = progress_text(Step(12 * MB, 50_000 * MB, 3, 500), Forecast(20.0 * MB, 2499))
        assert said == "12.0 MB of 50.0 GB, drop 3 of 500, 20.0 MB/s, 42 min left"

    def test_leaves_out_what_is_not_known(self) -> None:
        assert progress_text(Step(0, MB, 1, 1), Forecast()) == "0 B of 1.0 MB"

    @pytest.mark.parametrize(
        ("seconds", "said"),
        [(0, "1 s"), (42.4, "42 s"), (60, "1 min"), (3569, "59 min"), (3600, "1 h 00 min"),
         (7500, "2 h 05 min")],
    )  # fmt: skip
    def test_tells_time_as_people_do(self, seconds: float, said: str) -> None:
        assert time_text(seconds) == said
