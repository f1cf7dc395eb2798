"""Transport packets in blocks, so that a look at one byte of each is one slice.

    packet    47, error 1 bit, start 1, priority 1, PID 13; scrambling 2, adaptation 1,
              payload 1, counter 4; then 184 bytes of adaptation field and payload
    M2TS      in front of each packet 4 bytes: copy permission 2 bits, time of arrival 30

Where the sync bytes stop, the next place with enough of them in a row is looked for.
ISO/IEC 13818-1, 2.4.3.2; Blu-ray Disc and AVCHD for the M2TS form.
"""

import struct
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from scrub.errors import TooComplex
from scrub.reading import Reader

SYNC = 0x47
PACKET, HEAD = 188, 4
BLOCK_PACKETS = 5600  # about a MiB
ENOUGH = 6  # sync bytes in a row that are no accident
NEAR = 1 << 16  # of the start: how much junk a recording may begin with
MOST_BREAKS = 4096
PID_NULL = 0x1FFF
START, ERROR = 0x40, 0x80


class Form(NamedTuple):
    """How long a packet is with what stands in front of it."""

    stride: int
    lead: int


TS, M2TS = Form(188, 0), Form(192, 4)


class Block(NamedTuple):
    """Whole packets in a row; `start` is where the first begins in the recording."""

    start: int
    data: bytes
    packets: int


def synced(reader: Reader, start: int, form: Form) -> int | None:
    """Return where packets begin, at or soon behind `start`; None when nowhere."""
    near = reader.upto(start, NEAR)
    at = _next_sync(near, 0, form, whole=start + len(near) == reader.size)
    return None if at is None else start + at


def _next_sync(block: bytes, at: int, form: Form, *, whole: bool) -> int | None:
    """Return where enough sync bytes stand in a row; where the recording ends, two are enough."""
    stride, lead = form
    while True:
        sync = block.find(SYNC, at + lead)
        if sync < 0 or sync + stride >= len(block):
            return None
        found = block[sync : sync + ENOUGH * stride : stride]
        if found.count(SYNC) == len(found) and (len(found) == ENOUGH or whole):
            return sync - lead
        at = sync - lead + 1


def blocks(reader: Reader, start: int, form: Form) -> Iterator[Block]:
    """Yield the packets from `start`, which is in step, to the end, leaving out what is none.

    Raises TooComplex where the packets break off too often.
    """
    stride, lead = form
    for _ in range(MOST_BREAKS):
        while True:
            block = reader.upto(start, BLOCK_PACKETS * stride)
            syncs = block[lead::stride][: len(block) // stride]
            good = len(syncs) - len(syncs.lstrip(b"G"))
            if good:
                yield Block(start, block[: good * stride], good)
                start += good * stride
            if good < len(syncs) or not syncs:
                break
        again = _resynced(reader, start, form)
        if again is None:
            return
        start = again
    raise TooComplex("the packets break off too often")


def _resynced(reader: Reader, start: int, form: Form) -> int | None:
    step = NEAR - ENOUGH * form.stride
    for at in range(start + 1, reader.size, step):
        near = reader.upto(at, NEAR)
        found = _next_sync(near, 0, form, whole=at + len(near) == reader.size)
        if found is not None:
            return at + found
    return None


def codes(block: Block, form: Form, by_pid: Iterable[tuple[int, int]]) -> bytes:
    """Return a byte a packet: the code of its PID, 0 for others; 80 more where it isn't plain.

    A plain packet begins no payload, is whole and clear, and is all payload.
    """
    stride, lead = form
    first, second, third = (block.data[lead + i :: stride] for i in (1, 2, 3))
    code = _number(first.translate(_NOT_PLAIN_FIRST)) | _number(third.translate(_NOT_PLAIN_THIRD))
    for pid, number in by_pid:
        high, low = _HIGH[pid >> 8], _only(pid & 0xFF, number)
        code |= _number(first.translate(high)) & _number(second.translate(low))
    return code.to_bytes(block.packets, "little")


def tails(block: Block, form: Form) -> list[bytes]:
    """Return what stands behind each packet's four bytes: in plain packets, the payload."""
    return list(_tails(block.packets, form).unpack(block.data))


@lru_cache(maxsize=4)
def _tails(packets: int, form: Form) -> struct.Struct:
    return struct.Struct(f"{form.lead + HEAD}x{PACKET - HEAD}s" * packets)


def both(one: bytes, other: bytes | bytearray) -> bytes:
    """Return the bits that both columns have."""
    return (_number(one) & _number(other)).to_bytes(len(one), "little")


def _number(column: bytes | bytearray) -> int:
    return int.from_bytes(column, "little")


def _only(byte: int, number: int) -> bytes:
    return bytes(byte) + bytes((number,)) + bytes(255 - byte)


_NOT_PLAIN_FIRST = bytes(0x80 if byte & (START | ERROR) else 0 for byte in range(256))
_NOT_PLAIN_THIRD = bytes(0 if byte & 0xF0 == 0x10 else 0x80 for byte in range(256))
_HIGH = [bytes(0xFF if byte & 0x1F == high else 0 for byte in range(256)) for high in range(32)]
