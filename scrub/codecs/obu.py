"""OBUs of AV1: picture data stays byte for byte, what users put beside it goes.

    OBU        u8: 0, type 4 bits, extension, has size, 0; maybe an extension byte; the size in
               groups of 7 bits, lowest first; the payload
    sample     a temporal unit: OBUs, of which the last may have no size
    av1C       81, profile and level, flags, delay: 4 bytes; then OBUs
    metadata   type in groups of 7 bits; 1 light level 4 bytes, 2 mastering display 24; then 80

Of metadata the two that tell how bright a picture is meant stay; time codes and user data (ITU-T
T.35) go, as do padding and types nobody has defined. AV1 Bitstream Specification, 5 and 6; AV1 in
ISO base media, 2.3.
"""

import io
from collections import Counter
from typing import NamedTuple

from scrub.errors import Malformed
from scrub.findings import Kind
from scrub.plan import Cut, Span
from scrub.reading import Reader

SEQUENCE, DELIMITER, FRAME_HEADER, TILES, METADATA, FRAME, SAME_HEADER = 1, 2, 3, 4, 5, 6, 7
PADDING = 15
PICTURE = frozenset({SEQUENCE, FRAME_HEADER, TILES, FRAME, SAME_HEADER})
LIGHT = {1: 4, 2: 24}  # metadata types, and how long they are
LONGEST_LIGHT = 32
TIME_CODE = 5
FORBIDDEN, HAS_EXTENSION, HAS_SIZE, STOP_BIT = 0x80, 4, 2, 0x80
LONGEST_HEAD = 10
MOST_UNITS = 4096  # of a sample
CONFIG, NO_RESERVED = 4, 0x1F


class Unit(NamedTuple):
    """Where an OBU and its payload lie."""

    type: int
    start: int
    payload: int
    end: int


def cleaned_unit(reader: Reader, start: int, end: int, found: Counter[Kind]) -> list[Cut] | None:
    """Return what is kept of a temporal unit; None when all of it is.

    Raises Malformed when an OBU runs past it.
    """
    cuts: list[Cut] = []
    at = begun = start
    for _ in range(MOST_UNITS):
        if at == end:
            break
        unit = _unit(reader, at, end)
        about = None if unit.type in PICTURE else _about(reader, unit)
        if about is not None:
            found[about] += 1
            cuts += [Span(begun, at)] if begun < at else []
            begun = unit.end
        at = unit.end
    else:
        raise Malformed("a picture is in too many parts", offset=start)
    if begun == start:
        return None
    return [*cuts, Span(begun, end)] if begun < end else cuts


def is_bare(block: bytes, start: int, end: int) -> bool:
    """Say whether a temporal unit inside a block of bytes is nothing but pictures: a quick look.

    No doesn't mean that something goes: it may have more parts, or reach beyond the block.
    """
    if end > len(block):
        return False
    at = start
    while at < end and block[at] >> 3 in PICTURE and block[at] & HAS_SIZE:
        at += 2 if block[at] & HAS_EXTENSION else 1
        size = shift = 0
        while at < end and block[at] >= 0x80:
            size |= (block[at] & 0x7F) << shift
            shift += 7
            at += 1
        if at < end:
            at += 1 + (size | block[at] << shift)
    return at == end


def configured(av1c: bytes) -> bytes:
    """Return av1C with the first sequence header that it has, and nothing else behind."""
    if len(av1c) < CONFIG or av1c[0] != 0x81:
        raise Malformed("the decoder's settings are damaged", offset=0)
    reader = Reader(io.BytesIO(av1c))
    at = CONFIG
    for _ in range(MOST_UNITS):
        if at == len(av1c):
            break
        unit = _unit(reader, at, len(av1c))
        if unit.type == SEQUENCE:
            return _config_head(av1c) + av1c[unit.start : unit.end]
        at = unit.end
    return _config_head(av1c)


def _config_head(av1c: bytes) -> bytes:
    return av1c[:3] + bytes([av1c[3] & NO_RESERVED])


def _unit(reader: Reader, at: int, end: int) -> Unit:
    head = reader.upto(at, min(LONGEST_HEAD, end - at))
    payload = 2 if head[0] & HAS_EXTENSION else 1
    if head[0] & FORBIDDEN:
        raise Malformed("what should be a part of a picture is none", offset=at)
    size = end - at - payload
    if head[0] & HAS_SIZE:
        size = 0
        for place, byte in enumerate(head[payload:]):
            size |= (byte & 0x7F) << 7 * place
            payload += 1
            if byte < 0x80:
                break
        else:
            raise Malformed("a part of a picture has no size", offset=at)
    if size < 0 or at + payload + size > end:
        raise Malformed("a part of a picture runs past its end", offset=at)
    return Unit(head[0] >> 3 & 15, at, at + payload, at + payload + size)


def _about(reader: Reader, unit: Unit) -> Kind | None:
    """Say what goes with a unit that is no picture; None when it stays."""
    if unit.type == DELIMITER and unit.payload == unit.end:
        return None
    if unit.type == METADATA and unit.end - unit.payload <= LONGEST_LIGHT:
        payload = reader.exactly(unit.payload, unit.end - unit.payload)
        if payload and len(payload) == LIGHT.get(payload[0], -2) + 2 and payload[-1] == STOP_BIT:
            return None
        if payload[:1] == bytes([TIME_CODE]):
            return Kind.TIME
    if unit.type == METADATA:
        return Kind.TEXT
    return Kind.PADDING if unit.type == PADDING else Kind.UNKNOWN_CHUNK
