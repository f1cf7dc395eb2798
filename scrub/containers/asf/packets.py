"""Data packets: all of one size, each a head, payloads of some streams, and padding.

    correction   u8 80 + length, that many bytes: 82 00 00
    flags        u8: bit 0 several payloads; 2 bits each say how long the fields sequence, padding
                 and packet length are: 0, 1, 2 or 4 bytes
                 u8: the same for replicated data, offset, object number, stream number
    fields       packet length, sequence, padding length; u32 send time, u16 duration
    several      u8: how many, and how long their lengths are
    payload      stream, object, offset, length of replicated data, that; length, bytes
    replicated   u32 size and u32 time (ms) of the object, extensions; or one byte: small objects
                 of one time step, each behind a length of one byte

A packet that hides nothing is copied as it is. Another gets a new head; what padding, sequence and
unknown extensions held becomes zero; and payloads of streams that go make room for padding.
Advanced Systems Format specification 1.20.03, 5.2.
"""

import struct
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from scrub.errors import Malformed
from scrub.findings import Kind
from scrub.plan import Cut, Literal, Span

CORRECTION, CORRECTION_OTHER, CORRECTION_LENGTH = 0x80, 0x70, 0x0F
SEVERAL, PAYLOADS, STREAM = 0x01, 0x3F, 0x7F
COMPRESSED, OBJECT = 1, 8  # lengths of replicated data
GONE = -1
FIELD = ("", "B", "H", "I")
SIZES = (0, 1, 2, 4)
TIMES = "IH"  # send time, duration
LONG_PADDING = 0x18  # in the flags: four bytes tell the padding's length
PADDED = struct.Struct("<BBIIH")  # the flags and fields of a packet with only those


class Payload(NamedTuple):
    """A payload; offsets in the block. `extension` to `replicated` follows its size and time."""

    stream: int  # GONE when its media object has no end
    start: int
    extension: int
    replicated: int
    data: int
    end: int
    number: object  # of the media object, and how much of it stands before; or as bytes, not told
    before: object
    size: int  # of the media object, 0 where it isn't told


class Packet(NamedTuple):
    """A packet taken apart; offsets in the block it was read in."""

    start: int
    flags: int  # where the two bytes of flags are
    body: int  # where what follows the fields begins
    payloads: list[Payload]
    neutral: bool  # whether correction and sequence are zero
    send_time: int  # ms
    end: int


class Layout(NamedTuple):
    """How a packet with certain flags is laid out; a field that isn't there is None."""

    fields: struct.Struct
    length: int | None
    sequence: int | None
    padding: int | None
    payload: struct.Struct


class _Broken(Exception):
    """The parts of a packet don't fit into it."""


@cache
def layout(flags: int, properties: int) -> Layout:
    """Return what two bytes of flags say."""
    kinds = (flags >> 5 & 3, flags >> 1 & 3, flags >> 3 & 3)
    length, sequence, padding = (
        sum(map(bool, kinds[:i])) if kind else None for i, kind in enumerate(kinds)
    )
    if properties >> 6 != 1:
        raise _Broken  # a stream's number takes one byte
    fields = "<" + "".join(FIELD[kind] for kind in kinds) + TIMES
    head = "<B" + "".join(FIELD[properties >> shift & 3] or "0s" for shift in (4, 2, 0))
    return Layout(struct.Struct(fields), length, sequence, padding, struct.Struct(head))


def parsed(block: bytes, start: int, size: int) -> Packet | None:
    """Take the packet apart that begins at `start` of a block; None when its parts don't fit.

    Error correction that is more than a length and zeros has not been seen in the wild.
    """
    flags = start
    if block[start] & CORRECTION:
        if block[start] & CORRECTION_OTHER:
            return None
        flags += 1 + (block[start] & CORRECTION_LENGTH)
    try:
        return _parsed(block, start, flags, start + size)
    except (struct.error, IndexError, _Broken):
        return None


def _parsed(block: bytes, start: int, flags: int, end: int) -> Packet:
    fields, length, sequence, padding, head = layout(block[flags], block[flags + 1])
    values = fields.unpack_from(block, flags + 2)
    body = flags + 2 + fields.size
    stop = end if length is None else start + values[length]
    padded = stop if padding is None else stop - values[padding]
    if not body < padded <= stop <= end:
        raise _Broken
    neutral = not any(block[start + 1 : flags]) and not (sequence is not None and values[sequence])
    if block[flags] & SEVERAL:
        payloads = _several(block, body, padded, head)
    else:
        payloads = [_payload(block, body, head, 0, padded)]
    if payloads and payloads[-1].end > padded:
        raise _Broken
    return Packet(start, flags, body, payloads, neutral, values[-2], end)


def _several(block: bytes, at: int, end: int, head: struct.Struct) -> list[Payload]:
    count, length_size = block[at] & PAYLOADS, SIZES[block[at] >> 6]
    if not length_size:
        raise _Broken
    payloads = []
    at += 1
    for _ in range(count):
        payload = _payload(block, at, head, length_size, end)
        payloads.append(payload)
        at = payload.end
    return payloads


def _payload(block: bytes, start: int, head: struct.Struct, length_size: int, end: int) -> Payload:
    stream, number, before, length = head.unpack_from(block, start)
    extension = start + head.size
    replicated = extension + (length or 0)
    size = 0
    if length and length != COMPRESSED:
        size = int.from_bytes(block[extension : extension + 4], "little")
        extension += OBJECT
    else:
        extension = replicated
    data = replicated + length_size
    if length_size:
        end = data + int.from_bytes(block[replicated:data], "little")
    if not extension <= replicated <= data <= end:
        raise _Broken
    stream &= STREAM
    return Payload(stream, start, extension, replicated, data, end, number, before, size)


def blemishes(block: bytes, packet: Packet, keep: Mapping[int, int]) -> list[Kind]:
    """Return what a packet hides; nothing when it may stay as it is.

    `keep` are the streams that stay, and how many bytes of extensions their payloads keep.
    """
    found = []
    slack = packet.payloads[-1].end if packet.payloads else packet.body
    if not packet.neutral or block.count(0, slack, packet.end) != packet.end - slack:
        found.append(Kind.SLACK)
    for stream, _, extension, replicated, *_ in packet.payloads:
        if stream not in keep:
            found.append(Kind.SLACK if stream == GONE else Kind.OTHER_STREAM)
        elif replicated - extension != keep[stream] and any(block[extension:replicated]):
            found.append(Kind.UNKNOWN_CHUNK)
    if not packet.payloads and not found:
        found.append(Kind.PADDING)
    return found


def rewritten(block: bytes, packet: Packet, keep: Mapping[int, int], offset: int) -> Iterator[Cut]:
    """Yield a packet of the same size without its blemishes; nothing when nothing of it stays.

    `offset` is that of the block.
    """
    kept = [payload for payload in packet.payloads if payload.stream in keep]
    if not kept:
        return
    if len(kept) == len(packet.payloads):
        head = _same_head(block, packet)
    else:
        size = sum(payload.end - payload.start for payload in kept)
        head = _padded_head(block, packet, len(kept), size, offset)
    used = len(head)
    yield Literal(head)
    for payload in kept:
        extension, replicated = payload.extension, payload.replicated
        if replicated - extension == keep[payload.stream]:
            extension = replicated
        yield Span(offset + payload.start, offset + extension)
        if extension < replicated:
            yield Literal(bytes(replicated - extension))
        yield Span(offset + replicated, offset + payload.end)
        used += payload.end - payload.start
    if used < packet.end - packet.start:
        yield Literal(bytes(packet.end - packet.start - used))


def _same_head(block: bytes, packet: Packet) -> bytes:
    """Return the head of a packet with nothing in its correction and sequence."""
    flags, body = packet.flags, packet.body
    how = layout(block[flags], block[flags + 1])
    values = list(how.fields.unpack_from(block, flags + 2))
    if how.sequence is not None:
        values[how.sequence] = 0
    head = _correction(block, packet) + block[flags : flags + 2] + how.fields.pack(*values)
    several = block[flags] & SEVERAL
    return head + block[body : body + several]


def _padded_head(block: bytes, packet: Packet, count: int, size: int, offset: int) -> bytes:
    """Return the head of a packet that keeps `count` payloads of `size` bytes in all."""
    start, flags, body = packet.start, packet.flags, packet.body
    how = layout(block[flags], block[flags + 1])
    send_time, duration = how.fields.unpack_from(block, flags + 2)[-2:]
    head_size = flags - start + PADDED.size + 1
    padding = packet.end - start - head_size - size
    if padding < 0:
        raise Malformed("a data packet is damaged", offset=offset + start)
    head = _correction(block, packet)
    head += PADDED.pack(SEVERAL | LONG_PADDING, block[flags + 1], padding, send_time, duration)
    return head + bytes((block[body] & ~PAYLOADS | count,))


def _correction(block: bytes, packet: Packet) -> bytes:
    size = packet.flags - packet.start
    return block[packet.start : packet.start + 1].ljust(size, b"\0")[:size]
