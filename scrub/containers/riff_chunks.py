"""Walk the chunks of a WAV, in the 32-bit form and in the long one, without reading the sound.

    RIFF      "RIFF", u32 length, "WAVE", then chunks
    chunk     4-byte id, u32 length, payload, a zero byte when the length is odd
    RF64      "RF64" or "BW64", u32 FFFFFFFF, "WAVE", then first of all the chunk
    ds64      u64 length of the RIFF, u64 of the sound, u64 samples, u32 count, and as many of
              4-byte id, u64 length: for chunks whose own length is FFFFFFFF

Numbers are little-endian; after "RIFX" they are big-endian, those of the sound too. RIFF:
Multimedia Programming Interface and Data Specifications 1.0, 1991; RF64: EBU Tech 3306; BW64:
ITU-R BS.2088.
"""

import re
import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from scrub.containers.riff_report import KINDS
from scrub.containers.tagblocks import find_tag, start_of_back_tags
from scrub.errors import Malformed, TooComplex
from scrub.reading import Reader

CHUNK_HEADER = struct.Struct("<4sI")
BIG_HEADER = struct.Struct(">4sI")
DS64 = struct.Struct("<QQQI")
DS64_ENTRY = struct.Struct("<4sQ")
LONG_FORMS = (b"RF64", b"BW64")
BIG_FORM = b"RIFX"
LONG = 0xFFFFFFFF  # the length is in ds64
LENGTH_UNKNOWN = (LONG, 0x7FFFFFFF, 0)  # written by programs that stream to a pipe
MOST_CHUNKS = 10_000
MOST_LONG_CHUNKS = 1000
TAIL = 1 << 22  # of sound whose length is unknown: where chunks behind it are looked for

STARTS = frozenset(KINDS) | {b"fmt ", b"fact", b"data", b"PEAK", b"afsp", b"levl", b"DISP"}
_START = re.compile(b"|".join(re.escape(start) for start in sorted(STARTS)))
_TAGS = re.compile(
    rb"LIST....(?:INFO|adtl)|[iI][dD]3 ....ID3|iXML....<|bext[^\0]..\0|<\?xpacket|<x:xmpmeta",
    re.DOTALL,
)


class Chunk(NamedTuple):
    """Where a chunk's payload lies."""

    id: bytes
    start: int
    end: int


class LongSizes(NamedTuple):
    """What ds64 says; of a RIFF without one: nothing."""

    riff: int = 0
    samples: int = 0
    chunks: Mapping[bytes, int] = {}


def header_of(form: bytes) -> struct.Struct:
    """Return how the head of a chunk is packed in a RIFF of this form."""
    return BIG_HEADER if form == BIG_FORM else CHUNK_HEADER


def long_sizes(reader: Reader, start: int) -> LongSizes:
    """Return what the ds64 chunk of a long form says; Malformed when there is none."""
    if reader.upto(start, 4) not in LONG_FORMS:
        return LongSizes()
    chunk_id, length = CHUNK_HEADER.unpack(reader.exactly(start + 12, CHUNK_HEADER.size))
    if chunk_id != b"ds64" or length < DS64.size:
        raise Malformed("a long RIFF does not begin with ds64", offset=start + 12)
    at = start + 12 + CHUNK_HEADER.size
    riff, data, samples, count = DS64.unpack(reader.exactly(at, DS64.size))
    count = min(count, MOST_LONG_CHUNKS, (length - DS64.size) // DS64_ENTRY.size)
    table = reader.exactly(at + DS64.size, count * DS64_ENTRY.size)
    return LongSizes(riff, samples, dict(DS64_ENTRY.iter_unpack(table)) | {b"data": data})


def chunks(reader: Reader, start: int) -> Iterator[Chunk]:
    """Yield where the chunks of a RIFF lie; reads eight bytes a chunk, never the sound.

    The RIFF's own length is believed only when it says more than the chunks: a recorder that lost
    power, or streams, leaves it short or long. What is no chunk ends the list behind it.
    """
    long = long_sizes(reader, start)
    header = header_of(reader.exactly(start, 4))
    riff_end = start + 8 + (long.riff or header.unpack(reader.exactly(start, header.size))[1])
    at = start + 12
    heard = False
    for _ in range(MOST_CHUNKS):
        head = reader.upto(at, header.size)
        if len(head) < header.size:
            return
        chunk_id, length = header.unpack(head)
        payload = at + header.size
        if length == LONG:
            length = long.chunks.get(chunk_id) or LONG
        if chunk_id == b"data" and _is_unknown(reader, header, payload, length):
            length = _end_of_sound(reader, header, payload, start) - payload
        if payload + length > reader.size or not _is_id(chunk_id):
            if heard and not at < riff_end <= reader.size + 1:
                return  # whatever it is, it stands behind the recording
            if payload + length > reader.size:
                raise Malformed("a chunk runs past the end", offset=at)
        yield Chunk(chunk_id, payload, payload + length)
        heard |= chunk_id == b"data" and length > 0
        at = _next_chunk(reader, payload + length, length)
    raise TooComplex("too many chunks")


def _is_id(chunk_id: bytes) -> bool:
    return all(0x20 <= byte < 0x7F for byte in chunk_id)


def _next_chunk(reader: Reader, end: int, length: int) -> int:
    """Return where the next chunk begins: some programs leave the pad byte out."""
    if length % 2 and reader.upto(end, 4) in STARTS:
        return end
    return end + length % 2


def _is_unknown(reader: Reader, header: struct.Struct, payload: int, length: int) -> bool:
    """Say whether a length of sound was never filled in, or the rest of the sound is missing."""
    if payload + length > reader.size:
        return True
    return length in LENGTH_UNKNOWN and not _chain(reader, header, payload + length, reader.size)


def _chain(reader: Reader, header: struct.Struct, at: int, end: int) -> bool:
    """Say whether whole chunks, or nothing, stand between here and the very end."""
    for _ in range(MOST_CHUNKS):
        if at >= end:
            return at <= end + 1
        head = reader.upto(at, header.size)
        if len(head) < header.size or not _is_id(head[:4]):
            return False
        length = header.unpack(head)[1]
        at = _next_chunk(reader, at + header.size + length, length)
    return False


def _end_of_sound(reader: Reader, header: struct.Struct, payload: int, start: int) -> int:
    """Return where sound of unknown length ends: before the chunks and tags that reach the end.

    Raises Malformed when something in its last 4 MiB can only be a tag, but does not reach the end.
    """
    end = start_of_back_tags(reader, payload, reader.size)
    begin = max(payload, end - TAIL)
    tail = reader.upto(begin, end - begin)
    for match in _START.finditer(tail):
        if _chain(reader, header, begin + match.start(), end):
            end = begin + match.start()
            break
    if _TAGS.search(tail[: end - begin]) or find_tag(tail[: end - begin]) < end - begin:
        raise Malformed("sound of unknown length holds a tag", offset=start)
    return end
