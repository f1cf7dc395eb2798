"""Who may begin to send: bounded together, fair to each circuit, with a part for who returns."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from server.admission import Admission, Line, Room, Ticket
from server.config import Admitting
from server.errors import Busy, SpoolFull, StoreFull

MIB = 1024 * 1024
LIMITS = Admitting(
    max_uploads=6,
    reserved_uploads=2,
    max_bytes=60 * MIB,
    reserved_bytes=20 * MIB,
    max_uploads_per_circuit=2,
    max_bytes_per_circuit=15 * MIB,
    spool_floor_bytes=10 * MIB,
    store_floor_bytes=10 * MIB,
    reserved_room_bytes=30 * MIB,
    min_bytes_per_second=1000,
    slow_after_seconds=300,
)


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.seconds = 50.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Upload:
    """An upload on its way; `ended` counts how often it was told to end."""

    arrived: int = 0
    settled: int = 0
    ready: bool = True
    ended: int = 0

    def at(self) -> Line:
        return Line(self.arrived, self.settled, self.ready)

    def end(self) -> None:
        self.ended += 1


@dataclass
class Door:
    """Where uploads are admitted, or not."""

    room: Room = field(default_factory=Room)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.admission = Admission(LIMITS, lambda: self.room, self.clock)

    def newcomer(self, length: int = MIB, circuit: int | None = None) -> Ticket:
        return self.admission.admit(length, circuit=circuit, returning=False)

    def returning(self, length: int = MIB, circuit: int | None = None) -> Ticket:
        return self.admission.admit(length, circuit=circuit, returning=True)

    def sending(self, length: int = 10 * MIB) -> Upload:
        upload = Upload()
        self.newcomer(length).follow(upload.at, end=upload.end)
        return upload

    def wait(self, seconds: int, happens: Callable[[], object] = lambda: None) -> None:
        """Let seconds pass, five at a time, and let something happen each time."""
        for _ in range(0, seconds, 5):
            happens()
            self.clock.seconds += 5
            self.admission.end_slow()


class TestNewcomers:
    def test_are_as_many_as_there_are_places_but_for_the_reserved_ones(self) -> None:
        door = Door()
        tickets = [door.newcomer() for _ in range(4)]

        with pytest.raises(Busy):
            door.newcomer()
        with tickets[0]:
            pass

        assert door.newcomer()

    def test_send_no_more_bytes_together_than_are_not_reserved(self) -> None:
        door = Door()
        door.newcomer(25 * MIB)

        with pytest.raises(Busy):
            door.newcomer(16 * MIB)

        assert door.newcomer(15 * MIB)

    def test_who_are_refused_take_nothing(self) -> None:
        door = Door()
        for _ in range(3):
            with pytest.raises(Busy):
                door.newcomer(41 * MIB)

        assert [door.newcomer(10 * MIB) for _ in range(4)]


class TestReturningSources:
    def test_find_their_places_however_many_newcomers_there_are(self) -> None:
        door = Door()
        for _ in range(4):
            door.newcomer(10 * MIB)

        assert [door.returning(10 * MIB) for _ in range(2)]
        with pytest.raises(Busy):
            door.returning()

    def test_take_places_of_newcomers_as_well(self) -> None:
        door = Door()
        for _ in range(6):
            door.returning()

        with pytest.raises(Busy):
            door.newcomer()

    def test_find_their_room_on_the_disk(self) -> None:
        door = Door(room=Room(spool=40 * MIB, store=80 * MIB))

        with pytest.raises(SpoolFull):
            door.newcomer()

        assert door.returning(20 * MIB)


class TestACircuit:
    def test_has_no_more_uploads_than_its_share(self) -> None:
        door = Door()
        first, _ = door.newcomer(circuit=7), door.newcomer(circuit=7)

        for ask in (door.newcomer, door.returning):
            with pytest.raises(Busy):
                ask(MIB, 7)
        assert door.newcomer(circuit=8)
        with first:
            pass

        assert door.newcomer(circuit=7)

    def test_sends_no_more_bytes_at_once_than_its_share(self) -> None:
        door = Door()
        door.newcomer(10 * MIB, circuit=0)

        with pytest.raises(Busy):
            door.newcomer(6 * MIB, circuit=0)

        assert door.newcomer(5 * MIB, circuit=0)

    def test_that_nobody_names_has_no_share(self) -> None:
        door = Door()

        assert [door.newcomer() for _ in range(4)]


class TestFreeSpace:
    def test_is_not_promised_twice(self) -> None:
        door = Door(room=Room(spool=60 * MIB, store=None))
        door.newcomer(12 * MIB)

        with pytest.raises(SpoolFull):
            door.newcomer(9 * MIB)

        assert door.newcomer(8 * MIB)

    def test_of_the_store_is_promised_with_what_sealing_adds(self) -> None:
        door = Door(room=Room(spool=None, store=60 * MIB))

        with pytest.raises(StoreFull):
            door.newcomer(17 * MIB)

        assert door.newcomer(16 * MIB)

    def test_is_needed_twice_where_spool_and_store_share_it(self) -> None:
        door = Door(room=Room(60 * MIB, 60 * MIB, shared=True))

        with pytest.raises(SpoolFull):
            door.newcomer(9 * MIB)

        assert door.newcomer(8 * MIB)

    def test_that_an_upload_took_already_is_not_counted_again(self) -> None:
        door = Door(room=Room(spool=60 * MIB, store=60 * MIB))
        upload = door.sending(16 * MIB)
        upload.arrived, upload.settled = 16 * MIB, 10 * MIB
        door.room = Room(spool=54 * MIB, store=50 * MIB + 10 * MIB)

        with pytest.raises(StoreFull):
            door.newcomer(8 * MIB)

        assert door.newcomer(7 * MIB)

    def test_is_not_looked_at_without_a_floor(self) -> None:
        limits = Admitting(spool_floor_bytes=0, store_floor_bytes=0)
        admission = Admission(limits, lambda: Room(spool=0, store=0))

        assert admission.admit(MIB, circuit=None, returning=False)


class TestASlowUpload:
    def test_at_four_kilobytes_a_second_lives_all_day(self) -> None:
        door = Door()
        upload = door.sending(1000 * 1000 * 1000 // 25)

        def brings() -> None:
            upload.arrived += 5 * 4000

        door.wait(3 * 3600, brings)

        assert upload.ended == 0

    def test_that_brings_nothing_for_a_while_and_then_goes_on_lives(self) -> None:
        door = Door()
        upload = door.sending()
        for _ in range(20):
            door.wait(290)
            upload.arrived += 300_000
            door.wait(5)

        assert upload.ended == 0

    def test_that_brings_nothing_is_ended(self) -> None:
        door = Door()
        stuck, going = door.sending(), door.sending()

        def brings() -> None:
            going.arrived += 10_000

        door.wait(295, brings)
        assert stuck.ended == 0
        door.wait(5, brings)

        assert (stuck.ended, going.ended) == (1, 0)

    def test_that_drips_is_ended(self) -> None:
        door = Door()
        upload = door.sending()

        def drips() -> None:
            upload.arrived += 5 * 900

        door.wait(300, drips)

        assert upload.ended == 1

    def test_is_not_one_that_waits_for_us(self) -> None:
        door = Door()
        upload = door.sending()
        upload.ready = False

        door.wait(4 * 3600)

        assert upload.ended == 0

    def test_has_the_same_time_where_the_machine_stood_still(self) -> None:
        door = Door()
        upload = door.sending()
        door.wait(10)

        door.clock.seconds += 3600
        door.admission.end_slow()

        assert upload.ended == 0
        door.wait(300)
        assert upload.ended > 0

    def test_is_not_one_that_has_brought_everything(self) -> None:
        door = Door()
        upload = door.sending(5)
        upload.arrived = 5

        door.wait(4 * 3600)

        assert upload.ended == 0


LENGTHS = st.integers(0, 50 * MIB)
CIRCUITS = st.sampled_from([None, 0, 1, 2])


class Crowd(RuleBasedStateMachine):
    """Uploads come, go on and leave in any order; what was promised is never more than there is.

    The disk is one for both: what arrives is held on it, and what is settled is stored, padded.
    """

    tickets = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.disk = 400 * MIB
        self.others = 0
        self.admission = Admission(LIMITS, self._free, Clock())
        self.inside: dict[Ticket, Upload] = {}

    def _taken(self) -> int:
        return self.others + sum(
            upload.arrived + upload.settled // 8 for upload in self.inside.values()
        )

    def _free(self) -> Room:
        free = self.disk - self._taken()
        return Room(free, free, shared=True)

    @rule(target=tickets, length=LENGTHS, circuit=CIRCUITS, returning=st.booleans())
    def ask(self, length: int, circuit: int | None, returning: bool) -> Ticket | None:
        before = self._promised()
        try:
            ticket = self.admission.admit(length, circuit=circuit, returning=returning)
        except (Busy, SpoolFull, StoreFull):
            assert self._promised() == before
            return None
        upload = Upload()
        ticket.follow(upload.at, end=upload.end)
        self.inside[ticket] = upload
        keeps = LIMITS.spool_floor_bytes + (0 if returning else LIMITS.reserved_room_bytes)
        assert self.disk - self._taken() - self._promised() >= keeps
        return ticket

    @rule(ticket=tickets, share=st.floats(0, 1), settled=st.floats(0, 1))
    def go_on(self, ticket: Ticket | None, share: float, settled: float) -> None:
        if ticket in self.inside and ticket is not None:
            upload = self.inside[ticket]
            upload.arrived = max(upload.arrived, int(ticket.length * share))
            upload.settled = max(upload.settled, int(upload.arrived * settled))

    @rule(ticket=consumes(tickets))
    def leave(self, ticket: Ticket | None) -> None:
        if ticket in self.inside and ticket is not None:
            with ticket:
                upload = self.inside.pop(ticket)
            # What was held is let go of, what was stored stays.
            self.others += upload.settled // 8

    @invariant()
    def nothing_is_lost_or_left_over(self) -> None:
        assert self.admission._tickets == set(self.inside)
        assert all(ticket.spool_bytes >= 0 <= ticket.store_bytes for ticket in self.inside)

    @invariant()
    def all_stay_within_what_there_is(self) -> None:
        newcomers = [ticket for ticket in self.inside if not ticket.returning]
        assert len(self.inside) <= LIMITS.max_uploads
        assert sum(ticket.length for ticket in self.inside) <= LIMITS.max_bytes
        assert len(newcomers) <= LIMITS.max_uploads - LIMITS.reserved_uploads
        assert (
            sum(ticket.length for ticket in newcomers) <= LIMITS.max_bytes - LIMITS.reserved_bytes
        )

    @invariant()
    def no_circuit_has_more_than_its_share(self) -> None:
        for circuit in (0, 1, 2):
            same = [ticket for ticket in self.inside if ticket.circuit == circuit]
            assert len(same) <= LIMITS.max_uploads_per_circuit
            assert sum(ticket.length for ticket in same) <= LIMITS.max_bytes_per_circuit

    @invariant()
    def one_who_returns_first_is_always_let_in(self) -> None:
        """However newcomers came: what they may not have is there for somebody who returns."""
        if any(ticket.returning for ticket in self.inside) or self.others:
            return
        # What the reserved room holds of a form, stored beside what is held of it, and padded.
        length = (LIMITS.reserved_room_bytes - 2 * MIB) * 8 // 17 - 1
        with self.admission.admit(length, circuit=None, returning=True):
            pass

    def _promised(self) -> int:
        for ticket in self.inside:
            ticket.look()
        return sum(ticket.spool_bytes + ticket.store_bytes for ticket in self.inside)


Crowd.TestCase.settings = settings(max_examples=40, stateful_step_count=40)
TestInAnyOrder = Crowd.TestCase
