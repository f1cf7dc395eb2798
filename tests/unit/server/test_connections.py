"""Connections that only stand there keep nobody out, and no circuit takes the room of all."""

import asyncio
import resource
from collections import Counter
from collections.abc import Callable

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from server.config import Connections
from server.connections import OpenConnections, allow_descriptors
from server.errors import NotFit
from server.listening import Protocol


class Wire(asyncio.Transport):
    """A connection of which only its end can be seen."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = False
        self.over = asyncio.Event()

    def abort(self) -> None:
        self.ended = True
        self.over.set()

    close = abort

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass


def begun(room: OpenConnections, *circuits: int | None) -> list[Wire]:
    """Return connections that came by these circuits, and were all given a place."""
    wires = []
    for circuit in circuits:
        wires.append(Wire())
        assert room.begin(wires[-1], circuit)
    return wires


class TestTheRoom:
    def test_the_longest_waiting_gives_way_to_a_new_one(self) -> None:
        room = OpenConnections(most=3, most_per_circuit=9, most_refused=1)
        first, second, third = begun(room, 1, 2, 3)
        room.waits(first)

        begun(room, 4)

        assert [each.ended for each in (first, second, third)] == [False, True, False]
        assert len(room) == 3

    def test_one_that_works_gives_way_only_where_none_waits(self) -> None:
        room = OpenConnections(most=3, most_per_circuit=9, most_refused=1)
        longest, shorter, waiting = begun(room, 1, 2, 3)
        room.works(longest)
        room.works(shorter)

        room.works(*begun(room, 4))
        assert (longest.ended, shorter.ended, waiting.ended) == (False, False, True)

        begun(room, 5)
        assert (longest.ended, shorter.ended) == (True, False)

    def test_where_all_send_what_was_admitted_a_new_one_is_turned_away(self) -> None:
        room = OpenConnections(most=2, most_per_circuit=9, most_refused=1)
        for each in begun(room, 1, 2):
            room.works(each)
            room.keeps_its_place(each)

        assert not room.begin(Wire(), 3)
        assert len(room) == 2

    def test_one_circuit_has_room_for_so_many_and_takes_none_from_others(self) -> None:
        room = OpenConnections(most=100, most_per_circuit=2, most_refused=1)
        crowd = begun(room, 7, 7)

        assert not room.begin(Wire(), 7)

        assert not any(each.ended for each in crowd)
        begun(room, 8, 8)

    def test_where_tor_does_not_tell_only_the_number_in_all_counts(self) -> None:
        room = OpenConnections(most=5, most_per_circuit=1, most_refused=1)

        begun(room, None, None, None, None, None)

        assert len(room) == 5

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["begin", "waits", "works", "keeps_its_place", "listens", "end"]),
                st.integers(0, 4),
            )
        )
    )
    def test_is_never_exceeded_and_empties_to_nothing(self, steps: list[tuple[str, int]]) -> None:
        room = OpenConnections(most=4, most_per_circuit=2, most_refused=1)
        alive: list[tuple[Wire, int]] = []
        for step, number in steps:
            if step == "begin":
                wire = Wire()
                if room.begin(wire, number):
                    alive.append((wire, number))
            elif number < len(alive):
                getattr(room, step)(alive[number][0])
                if step == "end":
                    del alive[number]
            alive = [each for each in alive if not each[0].ended]
            assert len(room) == len(alive) <= 4
            assert all(many <= 2 for many in Counter(circuit for _, circuit in alive).values())

        for wire, _ in alive:
            room.end(wire)

        assert len(room) == 0
        assert not any(
            [room._circuits, room._on_circuit, room._waiting, room._working, room._refused]
        )


class TestDescriptors:
    def test_are_allowed_for_as_many_connections(self, monkeypatch: pytest.MonkeyPatch) -> None:
        allowed = [(256, 10_000)]
        monkeypatch.setattr(resource, "getrlimit", lambda _: allowed[-1])
        monkeypatch.setattr(resource, "setrlimit", lambda _, limits: allowed.append(limits))

        allow_descriptors(1000)

        assert allowed[-1] == (2256, 10_000)

    def test_that_a_machine_does_not_have_are_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 1024))

        with pytest.raises(NotFit, match="needs 2256"):
            allow_descriptors(1000)


HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"


def ends(
    act: Callable[[Protocol], None], *, most: int = 1, seconds: int = 0, in_the_end: bool = False
) -> bool:
    """Say whether what is done ends a connection, none of whose steps may take longer than told.

    Either at once, or `in_the_end`, which is waited for.
    """

    async def run() -> bool:
        wire = Wire()
        limits = Connections(head_seconds=seconds, answer_seconds=seconds)
        room = OpenConnections(most=most, most_per_circuit=1, most_refused=1)
        protocol = Protocol(web.Server(nothing), room=room, limits=limits, circuit=1)
        protocol.connection_made(wire)
        act(protocol)
        if in_the_end:
            await asyncio.wait_for(wire.over.wait(), 10)
        for _ in range(5):
            await asyncio.sleep(0)
        ended = wire.ended
        protocol.connection_lost(None)
        assert len(room) == 0
        return ended

    return asyncio.run(run())


async def nothing(request: web.BaseRequest) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


class TestAConnection:
    def test_ends_when_the_head_of_a_request_takes_too_long(self) -> None:
        assert ends(lambda it: it.data_received(HEAD), in_the_end=True)

    def test_ends_when_the_head_of_a_request_is_too_long(self) -> None:
        def endless(protocol: Protocol) -> None:
            for _ in range(40):
                protocol.data_received(b"X: " + b"y" * 1000 + b"\r\n")

        assert ends(lambda it: (it.data_received(HEAD), endless(it))[0], seconds=60)

    def test_lasts_once_the_request_is_there(self) -> None:
        assert not ends(lambda it: it.data_received(HEAD + b"\r\n"))

    def test_ends_when_an_answer_is_not_fetched(self) -> None:
        assert ends(Protocol.pause_writing, in_the_end=True)

    def test_lasts_when_the_answer_is_fetched_after_all(self) -> None:
        assert not ends(lambda it: (it.pause_writing(), it.resume_writing())[1])

    def test_ends_when_a_third_request_comes_before_the_first_is_answered(self) -> None:
        two, three = (HEAD + b"\r\n") * 2, (HEAD + b"\r\n") * 3

        assert not ends(lambda it: it.data_received(two))
        assert ends(lambda it: it.data_received(three))

    def test_that_there_is_no_room_for_ends_before_it_is_read(self) -> None:
        assert ends(lambda it: None, most=0)

    @pytest.mark.parametrize("sends", [False, True], ids=["only asks", "sends what was admitted"])
    def test_whose_request_we_work_on_gives_way_unless_it_sends(self, sends: bool) -> None:
        async def ended() -> list[bool]:
            room = OpenConnections(most=1, most_per_circuit=9, most_refused=1)
            wires = [Wire(), Wire()]
            first, second = (
                Protocol(web.Server(nothing), room=room, limits=Connections()) for _ in wires
            )
            first.connection_made(wires[0])
            first.data_received(HEAD + b"\r\n")
            if sends:
                first.keep_place()
            second.connection_made(wires[1])
            gave_way = [wire.ended for wire in wires]
            await asyncio.sleep(0)
            for protocol in (first, second):
                protocol.connection_lost(None)
            return gave_way

        assert asyncio.run(ended()) == [not sends, sends]
