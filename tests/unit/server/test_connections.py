"""Connections that only stand there keep nobody out, and no circuit takes the room of all."""

import asyncio
import resource
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.connections import OpenConnections, allow_descriptors
from server.errors import NotFit


class Wire(asyncio.Transport):
    """A connection of which only its end can be seen."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = False

    def abort(self) -> None:
        self.ended = True


def begun(room: OpenConnections, *circuits: int | None) -> list[Wire]:
    """Return connections that came by these circuits, and were all given a place."""
    wires = []
    for circuit in circuits:
        wires.append(Wire())
        assert room.begin(wires[-1], circuit)
    return wires


class TestTheRoom:
    def test_the_longest_waiting_gives_way_to_a_new_one(self) -> None:
        room = OpenConnections(most=3, most_per_circuit=9)
        first, second, third = begun(room, 1, 2, 3)
        room.waits(first)

        begun(room, 4)

        assert [each.ended for each in (first, second, third)] == [False, True, False]
        assert len(room) == 3

    def test_one_that_works_never_gives_way(self) -> None:
        room = OpenConnections(most=2, most_per_circuit=9)
        working, waiting = begun(room, 1, 2)
        room.works(working)

        begun(room, 3)

        assert not working.ended
        assert waiting.ended

    def test_where_all_work_a_new_one_is_turned_away(self) -> None:
        room = OpenConnections(most=2, most_per_circuit=9)
        for each in begun(room, 1, 2):
            room.works(each)

        assert not room.begin(Wire(), 3)
        assert len(room) == 2

    def test_one_circuit_has_room_for_so_many_and_takes_none_from_others(self) -> None:
        room = OpenConnections(most=100, most_per_circuit=2)
        crowd = begun(room, 7, 7)

        assert not room.begin(Wire(), 7)

        assert not any(each.ended for each in crowd)
        begun(room, 8, 8)

    def test_where_tor_does_not_tell_only_the_number_in_all_counts(self) -> None:
        room = OpenConnections(most=5, most_per_circuit=1)

        begun(room, None, None, None, None, None)

        assert len(room) == 5

    @given(
        st.lists(st.tuples(st.sampled_from(["begin", "waits", "works", "end"]), st.integers(0, 4)))
    )
    def test_is_never_exceeded_and_empties_to_nothing(self, steps: list[tuple[str, int]]) -> None:
        room = OpenConnections(most=4, most_per_circuit=2)
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
        assert not any([room._circuits, room._on_circuit, room._waiting])


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
