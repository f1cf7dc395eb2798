"""Visits: in memory, bounded, and never ended under an upload."""

from server.sessions import Session, Sessions


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def visits(clock: Clock, most: int = 100) -> Sessions:
    return Sessions(idle_seconds=60, most=most, clock=clock)


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

    def test_finding_one_costs_no_other_its_place(self) -> None:
        sessions = visits(Clock(), most=2)
        first, second = sessions.begin(b"1"), sessions.begin(b"2")

        assert sessions.find(first.cookie) is first
        assert sessions.find(second.cookie) is second

    def test_has_a_form_token_that_is_not_its_cookie(self) -> None:
        session = Session(b"codename")

        assert session.form_token_is(session.form_token)
        assert not session.form_token_is(session.cookie)
        assert not session.form_token_is("")
        assert not session.form_token_is("ü")
