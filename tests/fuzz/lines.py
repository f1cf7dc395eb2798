"""What becomes of any bytes as the beginning of a connection from tor: its line, or an end.

fault     another exception; a circuit that a strict reading doesn't find, or none where it
          does; bytes behind the line that are lost or changed; a connection that waits for more
          than a line can hold
"""

import asyncio
import re
import zlib
from functools import cache
from ipaddress import AddressValueError, IPv6Address
from random import Random

from fuzz.mutate import Seed
from fuzz.outcome import Fault
from server.proxy_line import TakesLine

LONGEST = 107  # that the PROXY protocol allows; tor's are shorter
MARK = re.compile(rb"[ :]|\r\n")


@cache
def seeds() -> tuple[Seed, ...]:
    """Return lines as tor writes them, with a request behind, and two that others write."""
    circuits = {"small": 0x1C, "large": 0xABCD0123, "zero half": 0x10000, "last": 2**32 - 1}
    written = {f"line {name}": line_of(circuit, 80) for name, circuit in circuits.items()}
    written["line other address"] = b"PROXY TCP6 fc00:dead:beef:4dad::1c ::1 28 80\r\n"
    written["line unknown"] = b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n"
    behind = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    return tuple(
        Seed(name, line + behind, tuple(mark.start() for mark in MARK.finditer(line)), seeds)
        for name, line in written.items()
    )


def line_of(circuit: int, port: int) -> bytes:
    """Return the line as tor's source has it: `%x:%x` of the halves, then `%d %d`."""
    high, low = circuit >> 16, circuit & 0xFFFF
    return b"PROXY TCP6 fc00:dead:beef:4dad::%x:%x ::1 %d %d\r\n" % (high, low, low, port)


def outcome(beginning: bytes) -> str:
    """Return "taken off", "closed" or "waiting"; raise Fault, or what was let through."""
    circuit, behind, closed = asyncio.run(_taken_off(beginning))
    strict = expected(beginning)
    if strict != (circuit, behind) and strict is not None:
        raise Fault("tor's line was not taken off")
    if circuit is not None:
        if strict is None:
            raise Fault("it was no line of tor's")
        return "taken off"
    if not closed and (len(beginning) >= LONGEST or b"\r\n" in beginning):
        raise Fault("it waits for more than a line")
    return "closed" if closed else "waiting"


def expected(beginning: bytes) -> tuple[int, bytes] | None:
    """Return circuit and rest by a reading of its own: values first, then written out again."""
    line, end, rest = beginning.partition(b"\r\n")
    words = line.decode("latin-1").split(" ")
    try:
        circuit, port = int(IPv6Address(words[2])) & 0xFFFFFFFF, int(words[5])
    except (AddressValueError, IndexError, ValueError):
        return None
    written = end and line_of(circuit, port) == line + end and 0 < port < 65536
    return (circuit, rest) if written else None


async def _taken_off(beginning: bytes) -> tuple[int | None, bytes, bool]:
    """Return the circuit, what was handed on, and whether the connection was closed."""
    wire = Wire()
    wire.protocol.connection_made(wire)
    chance = Random(zlib.crc32(beginning))
    start = 0
    while start < len(beginning) and not wire.closed:
        end = start + chance.choice((1, 5, 60, 1000))
        wire.protocol.data_received(beginning[start:end])
        start = end
    wire.protocol.connection_lost(None)
    following = wire.protocol
    if isinstance(following, Following):
        return following.circuit, bytes(following.data), wire.closed
    return None, b"", wire.closed


class Wire(asyncio.Transport):
    """A connection that is written to by nobody."""

    def __init__(self) -> None:
        super().__init__()
        self.protocol: asyncio.Protocol = TakesLine(Following, seconds=60)
        self.closed = False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.Protocol)
        self.protocol = protocol

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        raise Fault("it answers")


class Following(asyncio.Protocol):
    """What the connection is handed to."""

    def __init__(self, circuit: int) -> None:
        self.circuit = circuit
        self.data = bytearray()

    def data_received(self, data: bytes) -> None:
        self.data += data
