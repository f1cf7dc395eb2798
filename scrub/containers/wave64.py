"""Wave64: what Sony made of WAV so that sound can be longer than 4 GB.

    file      "riff" GUID, u64 size of it all, "wave" GUID, then chunks
    chunk     16-byte GUID, u64 size with these 24 bytes, payload, zeros up to a multiple of 8
    fmt       WAVEFORMATEX, see scrub/codecs/waveformat.py
    fact      u64 samples a channel
    data      the sound

The GUID of a chunk that WAV knows begins with its four letters. Numbers are little-endian. Sony
Wave64 file format, Sonic Foundry, 2002.
"""

import struct
from collections.abc import Iterator

from scrub.codecs.waveformat import PLAIN
from scrub.codecs.waveformat import rebuilt as wave_format
from scrub.containers.riff import samples
from scrub.containers.riff_chunks import MOST_CHUNKS, Chunk
from scrub.containers.riff_report import report
from scrub.containers.tagblocks import start_of_back_tags
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

HEADER = struct.Struct("<16sQ")
RIFF = b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000")
REST = bytes.fromhex("f3acd3118cd100c04f8edb8a")  # of every other GUID
WAVE, FMT, FACT, DATA = (each + REST for each in (b"wave", b"fmt ", b"fact", b"data"))
FIRST = 40
LONGEST_FORMAT = 1 << 12


def is_w64(reader: Reader, start: int) -> bool:
    """Say whether a Wave64 begins here."""
    head = reader.upto(start, FIRST)
    return head[:16] == RIFF and head[24:] == WAVE


def plan_w64(reader: Reader, start: int, draft: Draft) -> None:
    """Write riff, fmt, fact and data anew around the samples.

    Raises Malformed when a chunk claims more bytes than there are, or there is no sound.
    """
    found: dict[bytes, Chunk] = {}
    end = start + FIRST
    for chunk in _chunks(reader, start):
        end = min(chunk.end + (start - chunk.end) % 8, reader.size)
        if chunk.id == DATA and DATA in found:
            raise Unsupported("Wave64", "sound in several chunks")
        if chunk.id in (FMT, FACT, DATA) and chunk.id not in found:
            found[chunk.id] = chunk
            if any(reader.upto(chunk.end, end - chunk.end)):
                draft.found(Kind.SLACK)
        else:
            known = chunk.id[:4] if chunk.id[4:] == REST else chunk.id
            report(reader, known, chunk.start, chunk.end, draft)
    if end < reader.size:
        draft.found(Kind.TRAILING)
    if FMT not in found or DATA not in found or found[DATA].start == found[DATA].end:
        raise Malformed("there is no sound", offset=start)
    _write(reader, found, draft)


def _write(reader: Reader, found: dict[bytes, Chunk], draft: Draft) -> None:
    data, at = found[DATA], found[FMT]
    payload = reader.exactly(at.start, min(at.end - at.start, LONGEST_FORMAT))
    fmt = wave_format(payload, PLAIN, "Wave64", at.start)
    if fmt.slack or at.end - at.start > LONGEST_FORMAT:
        draft.found(Kind.SLACK)
    length = data.end - data.start
    head = _chunk(FMT, fmt.payload)
    if fact := found.get(FACT):
        said = reader.number(fact.start, min(8, fact.end - fact.start), "little")
        head += _chunk(FACT, samples(fmt, length, said).to_bytes(8, "little"))
        if fact.end - fact.start > 8:
            draft.found(Kind.SLACK)
    size = FIRST + len(head) + HEADER.size + length
    draft.write(HEADER.pack(RIFF, size + -length % 8) + WAVE + head)
    draft.write(HEADER.pack(DATA, HEADER.size + length))
    draft.copy(data.start, data.end)
    draft.write(bytes(-length % 8))
    draft.sound(length, length // fmt.block_size)


def _chunks(reader: Reader, start: int) -> Iterator[Chunk]:
    """Yield where the chunks lie, up to the end that the first header names, past the sound.

    Sound whose size was never filled in, or runs past the end, reaches to the end: the recorder
    lost power, or the copy was cut off.
    """
    riff_end = start + reader.number(start + 16, 8, "little")
    at, heard = start + FIRST, False
    for _ in range(MOST_CHUNKS):
        if at + HEADER.size > reader.size or (heard and at >= riff_end):
            return
        guid, size = HEADER.unpack(reader.exactly(at, HEADER.size))
        unknown = size <= HEADER.size and _is_last(reader, at)
        if guid == DATA and (unknown or size > reader.size - at):
            size = start_of_back_tags(reader, at + HEADER.size, reader.size) - at
            riff_end = 0  # nothing but tags can follow
        if not HEADER.size <= size <= reader.size - at:
            raise Malformed("a chunk runs past the end", offset=at)
        yield Chunk(guid, at + HEADER.size, at + size)
        heard |= guid == DATA
        at += size + -size % 8
    raise TooComplex("too many chunks")


def _is_last(reader: Reader, at: int) -> bool:
    """Say whether no chunk that is known follows an empty one."""
    return reader.upto(at + HEADER.size, 16)[4:] != REST


def _chunk(guid: bytes, payload: bytes) -> bytes:
    return HEADER.pack(guid, HEADER.size + len(payload)) + payload + bytes(-len(payload) % 8)
