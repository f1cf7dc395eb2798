"""Tor's line names a circuit, in one way only; whatever else begins a connection ends it."""

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.errors import NotTheLine
from server.proxy_line import LONGEST, TakesLine, circuit_in

CIRCUITS = st.integers(0, 2**32 - 1)
PORTS = st.integers(1, 65535)


def line_of(circuit: int, port: int = 80) -> bytes:
    """Return the line as tor writes it: `%x:%x` of the halves, then the lower one and the port."""
    high, low = circuit >> 16, circuit & 0xFFFF
    return f"PROXY TCP6 fc00:dead:beef:4dad::{high:x}:{low:x} ::1 {low} {port}\r\n".encode()


class Following(asyncio.Protocol):
    """What the connection is handed to; remembers all it is told."""

    def __init__(self, circuit: int) -> None:
        self.circuit = circuit
        self.transport: asyncio.BaseTransport | None = None
        self.data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data


class Wire(asyncio.Transport):
    """A connection without a socket."""

    def __init__(self, protocol: asyncio.BaseProtocol) -> None:
        super().__init__()
        self.protocol = protocol
        self.ended = False
        self.over = asyncio.Event()
        self.written = b""
        protocol.connection_made(self)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.ended

    def abort(self) -> None:
        self.ended = True
        self.over.set()

    def arrive(self, *pieces: bytes) -> None:
        for piece in pieces:
            assert isinstance(self.protocol, asyncio.Protocol)
            self.protocol.data_received(piece)

    @property
    def handed_to(self) -> Following | None:
        return self.protocol if isinstance(self.protocol, Following) else None


def on_a_wire(act: Callable[[Wire], None], *, seconds: float = 3600) -> Wire:
    """Do something with a connection that has just begun, and return it."""

    async def run() -> Wire:
        wire = Wire(TakesLine(Following, seconds=seconds))
        act(wire)
        return wire

    return asyncio.run(run())


class TestTheLine:
    @given(CIRCUITS, PORTS)
    @example(0x1C, 80)
    @example(0x10000, 80)
    @example(0xFFFFFFFF, 65535)
    def test_names_every_circuit_there_can_be(self, circuit: int, port: int) -> None:
        line = line_of(circuit, port)

        assert circuit_in(line) == circuit
        assert len(line) <= LONGEST

    def test_is_read_as_tor_itself_tests_that_it_is_written(self) -> None:
        assert circuit_in(b"PROXY TCP6 fc00:dead:beef:4dad::0:29a ::1 666 42\r\n") == 666
        assert (
            circuit_in(b"PROXY TCP6 fc00:dead:beef:4dad::ffff:ffff ::1 65535 42\r\n") == 2**32 - 1
        )

    @pytest.mark.parametrize(
        "line",
        [
            b"",
            b"\r\n",
            b"PROXY UNKNOWN\r\n",
            b"PROXY TCP6 fc00:dead:beef:4dad::1c ::1 28 80\r\n",  # zero left out
            b"PROXY TCP6 fc00:dead:beef:4dad::0000:001c ::1 28 80\r\n",
            b"PROXY TCP6 fc00:dead:beef:4dad::0:1C ::1 28 80\r\n",
            b"PROXY TCP6 fc00:dead:beef:4dad::0:10000 ::1 0 80\r\n",
            b"PROXY TCP6 fc00:dead:beef:4dae::0:1c ::1 28 80\r\n",
            b"PROXY TCP6 fc00:dead:beef:4dad::0:1c ::2 28 80\r\n",
            b"PROXY TCP6 fc00:dead:beef:4dad::0:1c ::1 29 80\r\n",  # not the lower half
            b"PROXY TCP6 fc00:dead:beef:4dad::0:1c ::1 028 80\r\n",
            b"PROXY TCP6 fc00:dead:beef:4dad::0:1c ::1 28 0\r\n",
            b"PROXY TCP6 fc00:dead:beef:4dad::0:1c ::1 28 65536\r\n",
            b"PROXY TCP6 fc00:dead:beef:4dad::0:1c ::1 28 80\n",
            b"PROXY TCP6 fc00:dead:beef:4dad::0:1c ::1 28 80 \r\n",
            b"PROXY TCP6  fc00:dead:beef:4dad::0:1c ::1 28 80\r\n",
            b"proxy tcp6 fc00:dead:beef:4dad::0:1c ::1 28 80\r\n",
            b" PROXY TCP6 fc00:dead:beef:4dad::0:1c ::1 28 80\r\n",
            b"PROXY TCP4 127.0.0.1 127.0.0.1 28 80\r\n",
            "PROXY TCP6 fc00:dead:beef:4dad::0:1c ::1 ٢٨ 80\r\n".encode(),
            b"GET / HTTP/1.1\r\n",
        ],
    )
    def test_is_nothing_else(self, line: bytes) -> None:
        with pytest.raises(NotTheLine):
            circuit_in(line)

    @given(CIRCUITS, PORTS, st.integers(0, LONGEST), st.binary(max_size=3))
    def test_with_a_byte_changed_names_what_it_then_says_or_nothing(
        self, circuit: int, port: int, at: int, instead: bytes
    ) -> None:
        line = line_of(circuit, port)
        changed = line[:at] + instead + line[at + 1 :]

        try:
            named = circuit_in(changed)
        except NotTheLine:
            return
        assert line_of(named, int(changed.split()[-1])) == changed

    def test_is_in_no_error(self) -> None:
        with pytest.raises(NotTheLine) as refused:
            circuit_in(line_of(0x1234ABCD) + b" ")

        assert str(refused.value) == ""
        assert refused.value.args == ()


class TestTakingItOff:
    @given(CIRCUITS, st.lists(st.integers(0, 200)), st.binary(max_size=100))
    def test_hands_on_what_is_behind_it_wherever_it_is_cut(
        self, circuit: int, cuts: list[int], behind: bytes
    ) -> None:
        whole = line_of(circuit) + behind
        edges = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
        pieces = [whole[start:end] for start, end in pairwise(edges)]

        wire = on_a_wire(lambda wire: wire.arrive(*pieces))

        assert wire.handed_to is not None
        assert wire.handed_to.circuit == circuit
        assert wire.handed_to.transport is wire
        assert wire.handed_to.data == behind
        assert not wire.ended

    def test_is_done_once_for_each_connection(self) -> None:
        wire = on_a_wire(lambda wire: wire.arrive(line_of(1), line_of(2)))

        assert wire.handed_to is not None
        assert wire.handed_to.circuit == 1
        assert wire.handed_to.data == line_of(2)

    @given(st.binary(min_size=1, max_size=300))
    @example(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    @example(b"P" * LONGEST)
    @example(b"\r\n\r\nPROXY UNKNOWN\r\n\r\nQUIT\n")
    def test_closes_without_a_word_what_begins_otherwise(self, data: bytes) -> None:
        wire = on_a_wire(lambda wire: wire.arrive(data, *[b"x"] * LONGEST))

        assert wire.ended
        assert wire.handed_to is None
        assert wire.written == b""

    def test_never_waits_for_more_bytes_than_the_line_has(self) -> None:
        unended = on_a_wire(lambda wire: wire.arrive(b"P" * (LONGEST - 1)))
        overlong = on_a_wire(lambda wire: wire.arrive(b"P" * LONGEST))

        assert not unended.ended
        assert overlong.ended

    def test_looks_at_nothing_more_once_it_has_closed(self) -> None:
        wire = on_a_wire(lambda wire: wire.arrive(b"nonsense\r\n", line_of(1)))

        assert wire.handed_to is None

    def test_waits_for_the_line_no_longer_than_it_was_told(self) -> None:
        async def silent() -> Wire:
            wire = Wire(TakesLine(Following, seconds=0))
            await asyncio.wait_for(wire.over.wait(), 10)
            return wire

        assert asyncio.run(silent()).handed_to is None

    def test_has_no_limit_of_time_for_what_comes_behind_it(self) -> None:
        async def prompt() -> Wire:
            wire = Wire(TakesLine(Following, seconds=0))
            wire.arrive(line_of(7))
            for _ in range(5):
                await asyncio.sleep(0)
            return wire

        assert not asyncio.run(prompt()).ended
