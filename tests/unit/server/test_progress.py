"""What is known of a form while it is sent: how much, how fast, for how long still, its end."""

import asyncio
import time

import pytest
from aiohttp.test_utils import TestClient, TestServer
from webside import web_side

from crypto.codename import new_codename
from crypto.manifest import Condition
from server.errors import Busy
from server.events import Reason
from server.pages.parts import SESSIONS
from server.progress import Form, Item, Progress, State, Step
from server.sessions import COOKIE


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Line:
    """A form on its way: `here` bytes of it have come."""

    def __init__(self, expected: int = 1000) -> None:
        self.here = 0
        self.clock = Clock()
        self.progress = Progress(expected, lambda: self.here, clock=self.clock)

    def at(self, seconds: float, here: int) -> Progress:
        """Let it be so many seconds after the start, with so much here."""
        self.clock.seconds = 100.0 + seconds
        self.here = here
        return self.progress


class TestHowMuchIsHere:
    def test_is_what_the_connection_has_counted(self) -> None:
        progress = Line().at(1, 250)

        assert (progress.received, progress.fraction) == (250, 0.25)

    def test_is_never_more_than_was_announced(self) -> None:
        progress = Line().at(1, 1001)

        assert (progress.received, progress.fraction) == (1000, 1.0)

    def test_of_nothing_is_no_error(self) -> None:
        assert Line(expected=0).progress.fraction == 0.0

    def test_is_settled_as_far_as_it_is_known_what_became_of_it(self) -> None:
        progress = Line().progress
        stored, refused, arriving = (progress.add("recording", number) for number in (1, 2, 3))
        for item, size in ((stored, 100), (refused, 20), (arriving, 3)):
            item.arrived(size)

        stored.settle(Condition.CLEANED)
        refused.settle(Reason.TOO_LARGE)

        assert progress.settled == 120

    def test_stays_as_it_was_once_it_has_ended(self) -> None:
        line = Line()
        line.at(1, 400).end(State.BROKEN_OFF)

        assert line.at(2, 900).received == 400


class TestHowFast:
    def test_is_measured_from_the_start_at_the_first_look(self) -> None:
        assert Line().at(4, 400).rate() == 100

    def test_is_nothing_before_any_time_has_passed(self) -> None:
        assert Line().at(0, 0).rate() == 0

    def test_follows_a_line_that_changes_within_moments(self) -> None:
        line = Line(expected=10**6)
        for second in range(0, 60, 2):
            line.at(second, second * 1000).rate()
        for second in range(60, 100, 2):
            rate = line.at(second, 60_000 + (second - 60) * 10).rate()

        assert rate == pytest.approx(10)

    def test_does_not_jump_with_every_look(self) -> None:
        line = Line(expected=10**6)
        rates = [
            line.at(second, second * 1000 + (500 if second % 4 else 0)).rate()
            for second in range(20, 60, 2)
        ]

        assert max(rates) - min(rates) < 60

    def test_counts_only_what_somebody_looked_at_and_keeps_little_however_often(self) -> None:
        line = Line(expected=10**9)
        for look in range(10_000):
            line.at(look / 1000, look).rate()

        assert len(line.progress._seen) < 30


class TestHowLongStill:
    def test_is_the_rest_at_that_rate(self) -> None:
        progress = Line().at(4, 400)

        assert progress.seconds_left(progress.rate()) == 6

    def test_is_not_guessed_while_nothing_moves(self) -> None:
        progress = Line().at(4, 0)

        assert progress.seconds_left(progress.rate()) is None


class TestAnItem:
    def test_is_received_only_when_it_is_stored(self) -> None:
        item = Item("recording", 1)
        for became in (None, Reason.CUT_OFF, Reason.STORE_FULL):
            item.became = became
            assert not item.received

        for condition in Condition:
            item.became = condition
            assert item.received

    def test_says_what_is_done_with_it_and_how_long_it_is(self) -> None:
        item = Item("recording", 1)
        item.arrived(500)
        item.begin(Step.CLEANING)

        assert (item.size, item.step, item.became) == (500, Step.CLEANING, None)


class TestBreakingOff:
    def test_ends_reading_now_or_as_soon_as_it_begins(self) -> None:
        reading, later = Line().progress, Line().progress
        ended: list[str] = []
        reading.reads(lambda: ended.append("reading"))

        reading.break_off()
        later.break_off()
        later.reads(lambda: ended.append("later"))

        assert ended == ["reading", "later"]


class TestAForm:
    def test_that_was_only_shown_is_at_nothing(self) -> None:
        form = Form()

        assert (form.progress, form.refused, form.is_sending) == (None, None, False)

    def test_that_is_sent_twice_shows_the_later_one(self) -> None:
        form = Form()
        first = form.begin(100, lambda: 50)
        second = form.begin(200, lambda: 20)

        first.end(State.BROKEN_OFF)

        assert form.progress is second
        assert form.is_sending
        assert second.fraction == 0.1

    def test_that_was_turned_away_can_be_sent_after_all(self) -> None:
        form = Form()
        form.refuse(Reason.FORM_TOO_LARGE)
        assert form.refused is Reason.FORM_TOO_LARGE
        assert not form.is_sending

        form.begin(100, lambda: 0)

        assert form.refused is None
        assert form.is_sending

    def test_that_is_turned_away_while_it_is_being_sent_goes_on_to_be_seen(self) -> None:
        form = Form()
        sending = form.begin(100, lambda: 50)

        form.refuse(Reason.BUSY)

        assert (form.progress, form.refused) == (sending, None)

    @pytest.mark.parametrize("end", [State.DONE, State.BROKEN_OFF])
    def test_is_not_being_sent_once_that_has_ended(self, end: State) -> None:
        form = Form()
        form.begin(100, lambda: 100).end(end)

        assert not form.is_sending


class TestAFormThatIsSentAgain:
    def test_knows_what_was_kept_by_its_bytes_alone(self) -> None:
        form = Form()
        first = form.begin(100, lambda: 100).add("recording", 1)
        first.read(b"the ")
        first.read(b"sound")
        first.settle(Condition.CLEANED)

        again, other = form.begin(100, lambda: 100), Form().begin(100, lambda: 100)
        same, another, elsewhere = again.add("recording", 1), again.add("x"), other.add("recording")
        same.read(b"the sound")
        another.read(b"the sounds")
        elsewhere.read(b"the sound")

        assert same.kept_before() is Condition.CLEANED
        assert another.kept_before() is None
        assert elsewhere.kept_before() is None

    def test_knows_nothing_of_what_was_refused(self) -> None:
        form = Form()
        form.begin(100, lambda: 100).add("recording", 1).settle(Reason.EMPTY)

        assert form.begin(100, lambda: 100).add("recording", 1).kept_before() is None

    def test_forgets_it_once_a_sending_came_to_its_end(self) -> None:
        form = Form()
        sending = form.begin(100, lambda: 100)
        item = sending.add("message")
        item.read(b"hello")
        item.settle(Condition.WRITTEN)

        sending.end(State.DONE)

        assert item.kept_before() is None

    def test_still_knows_it_when_the_sending_before_ends_meanwhile(self) -> None:
        form = Form()
        before = form.begin(100, lambda: 100)
        again = form.begin(100, lambda: 50)
        item = before.add("recording", 1)
        item.read(b"the sound")
        item.settle(Condition.CLEANED)

        before.end(State.DONE)
        same = again.add("recording", 1)
        same.read(b"the sound")

        assert same.kept_before() is Condition.CLEANED

    def test_holds_no_digest_of_what_came_to_its_end(self) -> None:
        sending = Form().begin(100, lambda: 100)
        item = sending.add("recording", 1)
        item.read(b"the sound")

        item.settle(Condition.CLEANED)

        assert (item._digest, item.kept) == (None, None)

    def test_has_only_the_last_who_sends_it_wait_for_the_first(self) -> None:
        async def became() -> list[bool]:
            form = Form()
            first = form.begin(100, lambda: 50)
            waiting = []
            for _ in range(3):
                waiting.append(asyncio.create_task(form.make_way()))
                await asyncio.sleep(0)
            refused = await asyncio.gather(*waiting[:2], return_exceptions=True)
            assert not waiting[2].done()
            first.end(State.BROKEN_OFF)
            await waiting[2]
            return [isinstance(each, Busy) for each in refused]

        assert asyncio.run(became()) == [True, True]


class TestTheFrameOfAForm:
    def test_comes_by_a_new_connection_more_often_than_tor_changes_circuits(self) -> None:
        clock = Clock()
        form = Form(clock=clock)
        renewed: list[int] = []

        for second in range(0, 1800, 3):
            clock.seconds = 100.0 + second
            if form.renews():
                renewed.append(second)

        gaps = [later - sooner for sooner, later in zip([0, *renewed], renewed, strict=False)]
        assert min(gaps) > 60
        assert max(gaps) < 600

    def test_says_so_to_the_browser(self) -> None:
        clock = Clock()

        async def connections() -> list[str | None]:
            app = web_side()
            session = app[SESSIONS].begin(new_codename())
            token = session.new_form()
            form = session.form(token)
            assert form is not None
            form.clock = clock
            kept = []
            cookies = {COOKIE: session.cookie}
            async with TestClient(TestServer(app), cookies=cookies) as browser:
                for seconds in (10.0, 400.0, 403.0):
                    clock.seconds = time.monotonic() + seconds
                    answer = await browser.get(f"/send/{token}/progress")
                    kept.append(answer.headers.get("Connection"))
            return kept

        assert asyncio.run(connections()) == [None, "close", None]
