"""Visits: in memory, bounded, and never ended under an upload."""

import asyncio
import tracemalloc
from dataclasses import replace
from typing import TypeVar

import pytest

from crypto.codename import SourceKeys
from server.config import Work
from server.errors import Busy
from server.sender import sender_of
from server.sessions import Session, Sessions

KEYS = SourceKeys(b"i" * 16, b"k" * 32, b"s" * 32, "quiet river")
T = TypeVar("T")


def ready(made: T) -> asyncio.Future[T]:
    """Return a future that is made already."""
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    future.set_result(made)
    return future


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def visits(clock: Clock, most: int = 100) -> Sessions:
    return Sessions(idle_seconds=60, reading_idle_seconds=15, most=most, clock=clock)


class TestAVisit:
    def test_is_found_by_its_cookie_and_by_nothing_else(self) -> None:
        sessions = visits(Clock())
        session = sessions.begin(b"codename")

        assert sessions.find(session.cookie) is session
        assert sessions.find("another") is None
        assert sessions.find(None) is None
        assert sessions.find("") is None

    def test_ends_when_it_was_idle_too_long(self) -> None:
        clock = Clock()
        sessions = visits(clock)
        session = sessions.begin(b"codename")

        clock.seconds = 59
        assert sessions.find(session.cookie) is session
        clock.seconds = 118
        assert sessions.find(session.cookie) is session
        clock.seconds = 179
        assert sessions.find(session.cookie) is None

    def test_does_not_end_while_something_is_sent(self) -> None:
        clock = Clock()
        sessions = visits(clock)
        session = sessions.begin(b"codename")

        with sessions.uploading(session):
            clock.seconds = 10_000
            assert sessions.find(session.cookie) is session

        assert sessions.find(session.cookie) is session

    def test_makes_room_by_forgetting_the_idlest(self) -> None:
        clock = Clock()
        sessions = visits(clock, most=2)
        first, second = sessions.begin(b"1"), sessions.begin(b"2")
        sessions.find(first.cookie)

        third = sessions.begin(b"3")

        assert sessions.find(second.cookie) is None
        assert sessions.find(first.cookie) is first
        assert sessions.find(third.cookie) is third

    def test_that_was_only_shown_a_codename_makes_room_before_one_that_was_used(self) -> None:
        async def run() -> None:
            sessions = visits(Clock(), most=6)
            answered, used, shown = (sessions.begin(bytes([n])) for n in range(3))
            answered.sender = used.sender = ready(sender_of(KEYS))
            answered.has_reply = True
            for session in (answered, used, shown):
                sessions.find(session.cookie)

            for _ in range(10):
                sessions.begin(b"flood")

            assert sessions.find(shown.cookie) is None
            assert sessions.find(used.cookie) is used
            assert sessions.find(answered.cookie) is answered

        asyncio.run(run())

    def test_that_was_used_makes_room_where_most_were(self) -> None:
        async def run() -> None:
            sessions = visits(Clock(), most=4)
            shown = sessions.begin(b"shown")
            for n in range(20):
                used = sessions.begin(bytes([n]))
                used.sender = ready(sender_of(KEYS))
                sessions.find(used.cookie)

            assert sessions.find(shown.cookie) is shown
            assert sessions.find(used.cookie) is used

        asyncio.run(run())

    def test_that_a_desk_has_answered_makes_room_last(self) -> None:
        async def run() -> None:
            sessions = visits(Clock(), most=2)
            answered, used = sessions.begin(b"1"), sessions.begin(b"2")
            answered.sender = used.sender = ready(sender_of(KEYS))
            answered.has_reply = True
            for session in (answered, used):
                sessions.find(session.cookie)

            sessions.begin(b"3")

            assert sessions.find(answered.cookie) is answered
            assert sessions.find(used.cookie) is None

        asyncio.run(run())

    def test_is_refused_while_every_other_sends_something(self) -> None:
        sessions = visits(Clock(), most=2)
        first, second = sessions.begin(b"1"), sessions.begin(b"2")

        with sessions.uploading(first):
            with sessions.uploading(second), pytest.raises(Busy):
                sessions.begin(b"3")

            assert sessions.find(sessions.begin(b"3").cookie) is not None

        assert sessions.find(second.cookie) is None

    def test_finding_one_costs_no_other_its_place(self) -> None:
        sessions = visits(Clock(), most=2)
        first, second = sessions.begin(b"1"), sessions.begin(b"2")

        assert sessions.find(first.cookie) is first
        assert sessions.find(second.cookie) is second

    def test_has_a_token_that_is_not_its_cookie(self) -> None:
        session = Session(b"codename")

        assert session.token_is(session.token)
        assert not session.token_is(session.cookie)
        assert not session.token_is("")
        assert not session.token_is("ü")


class TestMailboxes:
    def test_are_in_use_as_long_as_a_visit_can_send_into_them(self) -> None:
        async def run() -> None:
            clock = Clock()
            sessions = visits(clock)
            sessions.begin(b"only shown")
            session = sessions.begin(b"codename")
            session.sender = ready(sender_of(KEYS))

            with sessions.uploading(session):
                clock.seconds = 10_000
                sessions.forget_idle()
                assert sessions.mailboxes() == {KEYS.mailbox_id}
            sessions.end(session)

            assert sessions.mailboxes() == set()

        asyncio.run(run())


class TestReading:
    def test_is_over_long_before_the_visit_and_sending_goes_on(self) -> None:
        asyncio.run(self._idles())

    async def _idles(self) -> None:
        clock = Clock()
        sessions = visits(clock)
        session = sessions.begin(b"codename")
        session.keys, session.sender = ready(KEYS), ready(sender_of(KEYS))
        clock.seconds = 16

        assert sessions.find(session.cookie) is session

        assert session.codename == b""
        assert session.keys is None
        assert session.can_send
        assert KEYS.reply_seed not in session.sender.result().reply_key

    def test_is_over_also_when_nobody_comes_by(self) -> None:
        async def run() -> None:
            clock = Clock()
            sessions = visits(clock)
            session = sessions.begin(b"codename")
            session.keys, session.sender = ready(KEYS), ready(sender_of(KEYS))
            clock.seconds = 16

            sessions.forget_idle()

            assert session.keys is None

        asyncio.run(run())

    def test_of_a_codename_that_was_only_shown_is_nothing_yet_and_it_stays(self) -> None:
        clock = Clock()
        sessions = visits(clock)
        session = sessions.begin(b"codename")
        clock.seconds = 59

        assert sessions.find(session.cookie) is session

        assert session.codename == b"codename"

    def test_is_not_over_while_something_is_sent(self) -> None:
        async def run() -> None:
            clock = Clock()
            sessions = visits(clock)
            session = sessions.begin(b"codename")
            session.keys, session.sender = ready(KEYS), ready(sender_of(KEYS))

            with sessions.uploading(session):
                clock.seconds = 10_000
                sessions.forget_idle()

            assert session.codename == b"codename"

        asyncio.run(run())

    def test_looking_at_progress_is_not_being_there(self) -> None:
        clock = Clock()
        sessions = visits(clock)
        session = sessions.begin(b"codename")
        clock.seconds = 50
        sessions.find(session.cookie, only_looking=True)
        clock.seconds = 61

        assert sessions.find(session.cookie) is None


class TestAMailbox:
    def test_is_sent_to_by_every_visit_with_its_words_that_sends(self) -> None:
        async def run() -> None:
            sessions = visits(Clock())
            session, same = sessions.begin(b"codename"), sessions.begin(b"codename")
            other, forgotten = sessions.begin(b"another"), sessions.begin(b"")
            session.sender = forgotten.sender = ready(sender_of(KEYS))

            with sessions.uploading(other):
                assert not sessions.is_sent_to(session)
            for sending in (session, same, forgotten):
                with sessions.uploading(sending):
                    assert sessions.is_sent_to(session)
            assert not sessions.is_sent_to(session)

        asyncio.run(run())

    def test_that_is_closed_ends_every_visit_with_its_words(self) -> None:
        sessions = visits(Clock())
        session, same = sessions.begin(b"codename"), sessions.begin(b"codename")
        other = sessions.begin(b"another")

        sessions.end_all_of(session)

        assert sessions.find(session.cookie) is None
        assert sessions.find(same.cookie) is None
        assert sessions.find(other.cookie) is other


class TestComingBack:
    def test_with_the_words_of_the_visit_goes_on_with_it_under_another_cookie(self) -> None:
        async def run() -> None:
            clock = Clock()
            sessions = visits(clock)
            before = sessions.begin(b"codename")
            before.sender = ready(sender_of(KEYS))
            form = before.new_form()
            clock.seconds = 16
            sessions.forget_idle()
            with sessions.uploading(before):
                again = sessions.begin(b"codename")
                again.keys, again.sender = ready(KEYS), ready(sender_of(KEYS))
                old, new = before.cookie, again.cookie

                sessions.follow(before, again)

                clock.seconds = 1000
                assert sessions.find(old) is None
                assert sessions.find(new) is before
                assert before.codename == b"codename"
                assert before.form(form) is not None
                assert [visit for rank in sessions._ranks for visit in rank] == [before]

        asyncio.run(run())

    def test_with_other_words_ends_the_visit_before(self) -> None:
        async def run() -> None:
            sessions = visits(Clock())
            before, again = sessions.begin(b"codename"), sessions.begin(b"another")
            others = replace(KEYS, mailbox_id=b"o" * 16)
            before.sender, again.sender = ready(sender_of(KEYS)), ready(sender_of(others))

            sessions.follow(before, again)

            assert sessions.find(before.cookie) is None
            assert sessions.find(again.cookie) is again

        asyncio.run(run())

    def test_from_a_visit_without_words_ends_that(self) -> None:
        sessions = visits(Clock())
        before, again = sessions.begin(b""), sessions.begin(b"")

        sessions.follow(before, again)

        assert sessions.find(before.cookie) is None
        assert sessions.find(again.cookie) is again

    def test_to_a_visit_that_was_ended_meanwhile_begins_another(self) -> None:
        sessions = visits(Clock())
        before, again = sessions.begin(b"codename"), sessions.begin(b"codename")
        sessions.end(before)

        sessions.follow(before, again)

        assert sessions.find(before.cookie) is None
        assert sessions.find(again.cookie) is again


class TestForms:
    def test_each_has_a_token_of_its_own(self) -> None:
        session = Session(b"codename")

        first, second = session.new_form(), session.new_form()

        assert session.form(first) is not None
        assert session.form(first) is not session.form(second)
        assert session.form("another") is None

    def test_the_oldest_makes_room_but_never_one_that_is_being_sent(self) -> None:
        session = Session(b"codename")
        sending, idle = session.new_form(), session.new_form()
        form = session.form(sending)
        assert form is not None
        form.begin(1000, lambda: 10)

        for _ in range(20):
            newest = session.new_form()

        assert session.form(sending) is form
        assert session.form(idle) is None
        assert session.form(newest) is not None

    def test_one_can_be_sent_after_an_hour_alone_with_its_frame_looking(self) -> None:
        work = Work()
        clock = Clock()
        sessions = Sessions(
            idle_seconds=work.session_idle_minutes * 60,
            reading_idle_seconds=work.reading_idle_minutes * 60,
            most=10,
            clock=clock,
        )
        session = sessions.begin(b"codename")
        token = session.new_form()
        while clock.seconds < 3600:
            clock.seconds += 3
            sessions.find(session.cookie, only_looking=True)
            sessions.forget_idle()

        found = sessions.find(session.cookie)

        assert found is session
        assert found.form(token) is not None
        assert found.can_send

    def test_one_stays_under_an_upload_that_takes_all_day(self) -> None:
        clock = Clock()
        sessions = visits(clock)
        session = sessions.begin(b"codename")
        token = session.new_form()

        with sessions.uploading(session):
            clock.seconds = 86_400
            sessions.forget_idle()
            sessions.begin(b"another")

            assert sessions.find(session.cookie, only_looking=True) is session
            assert session.form(token) is not None


def test_forms_that_are_only_shown_take_little_memory_however_many_a_crowd_asks_for() -> None:
    def held() -> int:
        session = Session(b"")
        session.new_form()
        tracemalloc.start()
        try:
            for _ in range(15):
                session.new_form()
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    # Other threads of the tests' own are measured as well: the least of three is without them.
    assert 0 < min(held() for _ in range(3)) < 15 * 400
