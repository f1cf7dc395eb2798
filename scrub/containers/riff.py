"""WAV: keep the format, the sample count and the samples; leave out every other chunk.

    RIFF      "RIFF", u32 length, "WAVE", then chunks
    chunk     4-byte id, u32 length, payload, a zero byte when the length is odd
    fmt       tag, channels, rate, bytes a second, block size, bits: 16 bytes; then for all
              but PCM a u16 length and as many bytes as the tag's codec has
    fact      u32 samples a channel
    data      the sound

Numbers are little-endian. RIFF: Multimedia Programming Interface and Data Specifications 1.0,
1991; fmt: Microsoft Multiple Channel Audio Data and WAVE Files, 2007.
"""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from scrub.containers.tagblocks import find_tag, start_of_back_tags
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader
from scrub.tags import meaning

CHUNK_HEADER = struct.Struct("<4sI")
FMT = struct.Struct("<HHIIHH")
LENGTH_UNKNOWN = (0xFFFFFFFF, 0x7FFFFFFF, 0)  # written by programs that stream to a pipe
STREAMED = 0x7FFF0000  # from here on, a length that runs past the end is no length either
MOST_CHUNKS = 10_000
TAIL = 1 << 22  # of sound whose length is unknown: where chunks behind it are looked for

PCM, EXTENSIBLE = 0x0001, 0xFFFE
# Codecs that are nothing but sound, and the bytes that follow the u16 length: what is longer hides
# something. MP3, AAC and Vorbis have tags of their own, so a WAV of them is not cleaned here.
EXTENSIONS = {
    0x0002: 32,  # Microsoft ADPCM: samples a block, seven coefficient pairs
    0x0003: 0,  # IEEE float
    0x0006: 0,  # A-law
    0x0007: 0,  # µ-law
    0x0011: 2,  # IMA ADPCM: samples a block
    0x0014: 2,  # G.726 and others of its kind
    0x0020: 2,  # Yamaha ADPCM
    0x0031: 2,  # GSM 6.10
    0x0045: 2,
    0x0064: 2,
    0x0065: 2,  # G.722
    0x028F: 2,
    EXTENSIBLE: 22,  # bits that count, speakers, and a tag again, as a GUID
}
GUID_AT = 6
GUID_REST = (
    bytes.fromhex("000000001000800000aa00389b71"),
    bytes.fromhex("00002107d3118644c8c1ca000000"),  # the same in B-format
)

KINDS = {
    b"JUNK": Kind.PADDING,
    b"junk": Kind.PADDING,
    b"PAD ": Kind.PADDING,
    b"FLLR": Kind.PADDING,
    b"cue ": Kind.CHAPTERS,
    b"smpl": Kind.CHAPTERS,
    b"umid": Kind.IDENTIFIER,
    b"id3 ": Kind.TAG_BLOCK,
    b"ID3 ": Kind.TAG_BLOCK,
    b"LIST": Kind.TAG_BLOCK,
    b"bext": Kind.TAG_BLOCK,
    b"iXML": Kind.TAG_BLOCK,
    b"axml": Kind.TAG_BLOCK,
    b"_PMX": Kind.TAG_BLOCK,
    b"cart": Kind.TAG_BLOCK,
}
# bext (EBU Tech 3285): description, originator, its reference, date and time, UMID, history.
BEXT = (
    (0, 256, Kind.COMMENT),
    (256, 288, Kind.PERSON),
    (288, 320, Kind.IDENTIFIER),
    (320, 338, Kind.TIME),
    (348, 412, Kind.IDENTIFIER),
    (602, 1024, Kind.ENCODER),
)
MOST_FIELDS = 1000
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


def is_wav(reader: Reader, start: int) -> bool:
    """Say whether a RIFF of form WAVE begins here."""
    head = reader.upto(start, 12)
    return head[:4] == b"RIFF" and head[8:] == b"WAVE"


def plan_wav(reader: Reader, start: int, draft: Draft) -> None:
    """Write RIFF, fmt, fact and data anew around the samples.

    Raises Malformed when a chunk claims more bytes than there are, or there is no sound.
    """
    fmt = fact = b""
    data: Chunk | None = None
    end = start + 12
    for chunk in chunks(reader, start):
        end = min(chunk.end + (chunk.end - chunk.start) % 2, reader.size)
        if chunk.id == b"fmt " and not fmt:
            fmt = _format(reader, chunk, draft)
        elif chunk.id == b"fact" and not fact:
            fact = reader.exactly(chunk.start, 4)
            if chunk.end - chunk.start > 4:
                draft.found(Kind.SLACK)
        elif chunk.id == b"data" and (data is None or data.start == data.end):
            data = chunk
            if end > chunk.end and reader.upto(chunk.end, 1) != b"\0":
                draft.found(Kind.SLACK)
        else:
            if chunk.id == b"data":
                _refuse_more_sound(fmt, chunk)
            _report(reader, chunk, draft)
    if end < reader.size:
        draft.found(Kind.TRAILING)
    if not fmt or data is None or data.start == data.end:
        raise Malformed("there is no sound", offset=start)

    length = data.end - data.start
    head = b"WAVE" + _chunk(b"fmt ", fmt) + (_chunk(b"fact", fact) if fact else b"")
    head += CHUNK_HEADER.pack(b"data", length)
    draft.write(CHUNK_HEADER.pack(b"RIFF", len(head) + length + length % 2) + head)
    draft.copy(data.start, data.end)
    draft.write(bytes(length % 2))
    draft.sound(length, length // max(1, FMT.unpack(fmt[:16])[4]))


def _report(reader: Reader, chunk: Chunk, draft: Draft) -> None:
    """Count a chunk that goes, and what it is about as far as names of fields tell."""
    draft.found(KINDS.get(chunk.id, Kind.UNKNOWN_CHUNK))
    if chunk.id == b"bext":
        for start, end, kind in BEXT:
            if any(reader.upto(chunk.start + start, min(end, chunk.end - chunk.start) - start)):
                draft.found(kind)
    at = chunk.start + 4
    if chunk.id != b"LIST" or reader.upto(chunk.start, 4) != b"INFO":
        return
    for _ in range(MOST_FIELDS):
        if at + CHUNK_HEADER.size > chunk.end:
            return
        field, length = CHUNK_HEADER.unpack(reader.exactly(at, CHUNK_HEADER.size))
        draft.found(meaning(field.decode("latin-1")))
        at = _next_chunk(reader, at + CHUNK_HEADER.size + length, length)


def _refuse_more_sound(fmt: bytes, chunk: Chunk) -> None:
    """Let a second data chunk go only when it is too short to be heard: a twentieth of a second."""
    bytes_a_second = FMT.unpack(fmt[: FMT.size])[3] if fmt else 0
    if 20 * (chunk.end - chunk.start) > bytes_a_second:
        raise Unsupported("WAV", "sound in several chunks")


def chunks(reader: Reader, start: int) -> Iterator[Chunk]:
    """Yield where the chunks of a RIFF lie; reads eight bytes a chunk, never the sound.

    The RIFF's own length is believed only when it says more than the chunks: a recorder that lost
    power, or streams, leaves it short or long. What is no chunk ends the list behind it.
    """
    riff_end = start + 8 + reader.number(start + 4, 4, "little")
    at = start + 12
    heard = False
    for _ in range(MOST_CHUNKS):
        head = reader.upto(at, CHUNK_HEADER.size)
        if len(head) < CHUNK_HEADER.size:
            return
        chunk_id, length = CHUNK_HEADER.unpack(head)
        payload = at + CHUNK_HEADER.size
        if chunk_id == b"data" and _is_unknown(reader, payload, length):
            length = _end_of_sound(reader, payload, start) - payload
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


def _is_unknown(reader: Reader, payload: int, length: int) -> bool:
    """Say whether a length of sound was never filled in."""
    if length >= STREAMED and payload + length > reader.size:
        return True
    return length in LENGTH_UNKNOWN and not _chain(reader, payload + length, reader.size)


def _chain(reader: Reader, at: int, end: int) -> bool:
    """Say whether whole chunks, or nothing, stand between here and the very end."""
    for _ in range(MOST_CHUNKS):
        if at >= end:
            return at <= end + 1
        head = reader.upto(at, CHUNK_HEADER.size)
        if len(head) < CHUNK_HEADER.size or not _is_id(head[:4]):
            return False
        length = CHUNK_HEADER.unpack(head)[1]
        at = _next_chunk(reader, at + CHUNK_HEADER.size + length, length)
    return False


def _end_of_sound(reader: Reader, payload: int, start: int) -> int:
    """Return where sound of unknown length ends: before the chunks and tags that reach the end.

    Raises Malformed when something in its last 4 MiB can only be a tag, but does not reach the end.
    """
    end = start_of_back_tags(reader, payload, reader.size)
    begin = max(payload, end - TAIL)
    tail = reader.upto(begin, end - begin)
    for match in _START.finditer(tail):
        if _chain(reader, begin + match.start(), end):
            end = begin + match.start()
            break
    if _TAGS.search(tail[: end - begin]) or find_tag(tail[: end - begin]) < end - begin:
        raise Malformed("sound of unknown length holds a tag", offset=start)
    return end


def _format(reader: Reader, chunk: Chunk, draft: Draft) -> bytes:
    """Return the fmt payload as its tag defines it, without what was appended."""
    length = chunk.end - chunk.start
    if length < FMT.size:
        raise Malformed("the fmt chunk is too short", offset=chunk.start)
    fixed = reader.exactly(chunk.start, FMT.size)
    tag = FMT.unpack(fixed)[0]
    if tag != PCM and tag not in EXTENSIONS:
        raise Unsupported("WAV", "sound of an unknown codec")
    if tag == EXTENSIBLE and length < FMT.size + 2:
        raise Malformed("the fmt chunk is too short", offset=chunk.start)
    if tag == PCM or length < FMT.size + 2:
        if length > FMT.size + 2:
            draft.found(Kind.SLACK)
        return fixed
    extension = reader.number(chunk.start + FMT.size, 2, "little")
    extension = min(extension, length - FMT.size - 2, EXTENSIONS[tag])
    if length > FMT.size + 2 + extension:
        draft.found(Kind.SLACK)
    kept = reader.exactly(chunk.start + FMT.size + 2, extension)
    if tag == EXTENSIBLE:
        _check_guid(kept[GUID_AT:], chunk)
    return fixed + struct.pack("<H", extension) + kept


def _check_guid(guid: bytes, chunk: Chunk) -> None:
    """Refuse a codec that we don't know, and a GUID that is anything but a codec."""
    if len(guid) < 16:
        raise Malformed("the fmt chunk is too short", offset=chunk.start)
    tag = int.from_bytes(guid[:2], "little")
    if guid[2:] not in GUID_REST or (tag != PCM and tag not in EXTENSIONS) or tag == EXTENSIBLE:
        raise Unsupported("WAV", "sound of an unknown codec")


def _chunk(chunk_id: bytes, payload: bytes) -> bytes:
    return CHUNK_HEADER.pack(chunk_id, len(payload)) + payload + bytes(len(payload) % 2)
