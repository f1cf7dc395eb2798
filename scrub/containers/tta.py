"""TTA: write the header anew, keep the table of frames and the frames.

    header    "TTA1", u16 format (1 PCM), u16 channels, u16 bits, u32 rate, u32 samples, CRC-32 of
              these 18 bytes
    table     u32 size of each frame, CRC-32 of the table; a frame is 256/245 of a second
    frames    each ends in its own CRC-32, which counts as part of it

Numbers are little-endian. Only a damaged frame can hold what was put there by a splice: the proof
looks into each whose checksum is wrong. tausoft.org: TTA1 format description.
"""

from __future__ import annotations  # array[int] is a type, not yet an expression

import struct
import sys
import zlib
from array import array

from scrub.containers.tagblocks import refuse_tags, start_of_back_tags
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

HEADER = struct.Struct("<4sHHHII")
ENTRY = CRC = 4
PCM = 1
MOST_FRAMES = 1 << 20  # twelve days


def is_tta(reader: Reader, start: int) -> bool:
    """Say whether a TTA stream begins here."""
    return reader.upto(start, 4) == b"TTA1"


def plan_tta(reader: Reader, start: int, draft: Draft) -> None:
    """Keep header, table and frames; the last ones may be missing.

    Raises Malformed when the header or the table is damaged, or a frame that holds a tag.
    """
    stop = start_of_back_tags(reader, start, reader.size)
    if stop < reader.size:
        draft.found(Kind.TAG_BLOCK)
    header = reader.exactly(start, HEADER.size)
    _, form, channels, bits, rate, samples = HEADER.unpack(header)
    if form != PCM:
        raise Unsupported("TTA", "an encrypted recording")
    if not (channels and bits and rate and samples):
        raise Malformed("there is no sound", offset=start)
    _check(header, reader, start + HEADER.size)

    count = -(-samples // max(1, 256 * rate // 245))
    if count > MOST_FRAMES:
        raise TooComplex("too many frames")
    table = start + HEADER.size + CRC
    sizes = array("I")
    sizes.frombytes(reader.exactly(table, ENTRY * count))
    _check(sizes.tobytes(), reader, table + ENTRY * count)
    if sys.byteorder == "big":
        sizes.byteswap()
    first = table + ENTRY * count + CRC
    end = min(first + sum(sizes), stop)
    if end <= first:
        raise Malformed("there is no sound", offset=first)
    if end < stop:
        draft.found(Kind.TRAILING)
    if draft.thorough:
        _look_into_damaged(reader, sizes, first, end)
    draft.copy(start, end)
    draft.sound(end - first, samples)


def _check(covered: bytes, reader: Reader, at: int) -> None:
    if zlib.crc32(covered) != reader.number(at, CRC, "little"):
        raise Malformed("a checksum is wrong", offset=at)


def _look_into_damaged(reader: Reader, sizes: array[int], at: int, end: int) -> None:
    """Raise Malformed where a damaged frame holds something that can only be a tag."""
    for size in sizes:
        after = min(at + size, end)
        checksum = 0
        for _, block in reader.blocks(at, after - CRC):
            checksum = zlib.crc32(block, checksum)
        if after < at + CRC or checksum != reader.number(after - CRC, CRC, "little"):
            refuse_tags(reader, at, after)
        at = after
