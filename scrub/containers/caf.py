"""CAF: keep the description, the channels, a decoder's cookie, the packet table and the sound.

    file      "caff", u16 version 1, u16 flags 0, then chunks
    chunk     4-byte type, i64 length, payload; the length of "data" may be -1: up to the end
    desc      f64 rate, 4-byte codec, u32 flags, bytes and frames a packet, channels, bits: 32 bytes
    chan      u32 layout, u32 bitmap, u32 count, and as many of u32 label, flags, three f32
    kuki      what the decoder needs: an ES descriptor for AAC, 24 bytes for ALAC
    pakt      u64 packets, u64 frames, i32 priming, i32 remainder, then for each packet its bytes
              and frames, as far as they vary, in groups of 7 bits
    data      u32 edit count, the sound

Numbers are big-endian. Apple Core Audio Format Specification 1.0.
"""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from scrub.codecs.es_descriptor import AAC, rebuilt_sound
from scrub.containers.riff_chunks import MOST_CHUNKS, Chunk
from scrub.containers.tagblocks import start_of_back_tags
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader
from scrub.tags import meaning

FILE = b"caff\0\1\0\0"
HEADER = struct.Struct(">4sQ")
DESC = struct.Struct(">Q4sIIIII")
CHAN = struct.Struct(">III")
PAKT = struct.Struct(">QQII")
TO_THE_END = (1 << 64) - 1
RATE_BITS = ~0 << 24  # of a double: to a millionth of a Hz
LAYOUT_BY_LABELS, LAYOUT_BY_BITMAP = 0, 1 << 16
LABEL = 20
MOST_CHANNELS = 256
ALAC_SETTINGS = 24
OLD_ALAC = b"frmaalac"  # in front of them, in the boxes of QuickTime
LONGEST_COOKIE = 1 << 12
LONGEST_INFO = 1 << 16
LONGEST_PACKET = 1 << 16  # frames; what is trimmed at either end is less
LONGEST_NUMBER = 5  # bytes of a packet's size

AAC_CODECS = frozenset({b"aac ", b"aach", b"aacp", b"aacl", b"aace"})
CODECS = AAC_CODECS | {
    b"lpcm", b"alac", b"ima4", b"ulaw", b"alaw", b"MAC3", b"MAC6", b".mp3", b".mp2", b"samr",
    b"ac-3", b"ec-3", b"opus", b"ilbc", b"agsm", b"ms\0\x11", b"ms\0\x02", b"ms\x001",
}  # fmt: skip
NAMING = AAC_CODECS | {b".mp3"}  # codecs whose first packets may hold an encoder's name
ENCODER_TRACES = (b"Lavc", b"LAME", b"libfaac", b"Nero")
LOOKED_AT = 1 << 15
KINDS = {
    b"free": Kind.PADDING,
    b"uuid": Kind.IDENTIFIER,
    b"umid": Kind.IDENTIFIER,
    b"mark": Kind.CHAPTERS,
    b"regn": Kind.CHAPTERS,
    b"strg": Kind.TAG_BLOCK,
    b"info": Kind.TAG_BLOCK,
}
KEPT = frozenset({b"desc", b"chan", b"kuki", b"pakt", b"data"})
_NUMBER = re.compile(rb"[\x80-\xff]*[\0-\x7f]")


class Description(NamedTuple):
    """The desc chunk."""

    rate: int
    codec: bytes
    flags: int
    packet_size: int
    packet_frames: int
    channels: int
    bits: int


class Packets(NamedTuple):
    """A packet table: its head rebuilt, where its numbers stand, and what they add up to."""

    head: bytes
    start: int
    end: int
    packets: int
    size: int


def is_caf(reader: Reader, start: int) -> bool:
    """Say whether a CAF begins here."""
    return reader.upto(start, 4) == FILE[:4]


def plan_caf(reader: Reader, start: int, draft: Draft) -> None:
    """Write the chunks that decoding needs anew around the sound, and copy the packet table.

    Raises Malformed when a chunk claims more bytes than there are, or there is no sound.
    """
    found: dict[bytes, Chunk] = {}
    end = start + len(FILE)
    for chunk in _chunks(reader, start):
        end = chunk.end
        if chunk.id == b"data" and chunk.id in found:
            raise Unsupported("CAF", "sound in several chunks")
        if chunk.id in KEPT and chunk.id not in found:
            found[chunk.id] = chunk
        else:
            _report(reader, chunk, draft)
    if end < reader.size or reader.exactly(start, len(FILE)) != FILE:
        draft.found(Kind.TRAILING)
    if b"desc" not in found or b"data" not in found:
        raise Malformed("there is no sound", offset=start)
    _write(reader, found, draft)


def _write(reader: Reader, found: dict[bytes, Chunk], draft: Draft) -> None:
    what, desc = _description(reader, found[b"desc"], draft)
    data = found[b"data"]
    begin, size = data.start + 4, data.end - data.start - 4
    table = _packets(reader, what, found.get(b"pakt"), size, draft)
    if what.packet_size:
        units = size // what.packet_size
    else:
        if table is None or table.size > size:
            raise Malformed("the sound is shorter than its packets", offset=data.start)
        if table.size < size:
            draft.found(Kind.SLACK)
        size, units = table.size, table.packets
    if size <= 0:
        raise Malformed("there is no sound", offset=data.start)
    if any(reader.exactly(data.start, 4)):
        draft.found(Kind.SLACK)  # how often it was edited
    draft.write(FILE + desc + _channels(reader, what, found.get(b"chan"), draft))
    draft.write(_cookie(reader, what, found.get(b"kuki"), draft))
    if table:
        draft.write(HEADER.pack(b"pakt", PAKT.size + table.end - table.start) + table.head)
        draft.copy(table.start, table.end)
    if what.codec in NAMING and any(
        trace in reader.upto(begin, min(size, LOOKED_AT)) for trace in ENCODER_TRACES
    ):
        draft.tally.remains(Kind.ENCODER)
    draft.write(HEADER.pack(b"data", 4 + size) + bytes(4))
    draft.copy(begin, begin + size)
    draft.sound(size, units)


def _description(reader: Reader, chunk: Chunk, draft: Draft) -> tuple[Description, bytes]:
    if chunk.end - chunk.start < DESC.size:
        raise Malformed("the desc chunk is too short", offset=chunk.start)
    what = Description(*DESC.unpack(reader.exactly(chunk.start, DESC.size)))
    if what.codec not in CODECS:
        raise Unsupported("CAF", "sound of an unknown codec")
    if not 0 < what.channels <= MOST_CHANNELS:
        raise Malformed("there are no channels", offset=chunk.start)
    kept = what._replace(rate=what.rate & RATE_BITS, flags=what.flags & 0xFF)
    if kept != what or chunk.end - chunk.start > DESC.size:
        draft.found(Kind.SLACK)
    return kept, _chunk(b"desc", DESC.pack(*kept))


def _channels(reader: Reader, what: Description, chunk: Chunk | None, draft: Draft) -> bytes:
    """Return the chan chunk rebuilt: the number of a layout, its bitmap, or its labels."""
    if not chunk:
        return b""
    if chunk.end - chunk.start < CHAN.size:
        raise Malformed("the chan chunk is too short", offset=chunk.start)
    layout, bitmap, count = CHAN.unpack(reader.exactly(chunk.start, CHAN.size))
    count = min(count, what.channels, (chunk.end - chunk.start - CHAN.size) // LABEL)
    count = count if layout == LAYOUT_BY_LABELS else 0
    kept = CHAN.pack(layout, bitmap if layout == LAYOUT_BY_BITMAP else 0, count)
    for at in range(chunk.start + CHAN.size, chunk.start + CHAN.size + count * LABEL, LABEL):
        kept += reader.exactly(at, 4) + bytes(LABEL - 4)
    return _rebuilt(reader, chunk, kept, draft)


def _cookie(reader: Reader, what: Description, chunk: Chunk | None, draft: Draft) -> bytes:
    """Return the kuki chunk rebuilt, where the codec needs one."""
    if not chunk:
        return b""
    payload = reader.exactly(chunk.start, min(chunk.end - chunk.start, LONGEST_COOKIE))
    if what.codec in AAC_CODECS:
        kept = rebuilt_sound(payload, AAC, "CAF", chunk.start)
    elif what.codec == b"alac":
        at = 24 if payload[4:12] == OLD_ALAC else 0
        kept = payload[at : at + ALAC_SETTINGS]
        if len(kept) < ALAC_SETTINGS:
            raise Malformed("the alac settings are too short", offset=chunk.start)
    else:
        draft.found(Kind.CODEC_DATA)
        return b""
    return _rebuilt(reader, chunk, kept, draft)


def _rebuilt(reader: Reader, chunk: Chunk, kept: bytes, draft: Draft) -> bytes:
    if kept != reader.upto(chunk.start, min(chunk.end - chunk.start, len(kept) + 1)):
        draft.found(Kind.SLACK)
    return _chunk(chunk.id, kept)


def _packets(
    reader: Reader, what: Description, chunk: Chunk | None, room: int, draft: Draft
) -> Packets | None:
    """Return the packet table of `room` bytes of sound, up to its last number.

    Raises Malformed when it ends before.
    """
    if not chunk:
        return None
    if chunk.end - chunk.start < PAKT.size:
        raise Malformed("the pakt chunk is too short", offset=chunk.start)
    head = reader.exactly(chunk.start, PAKT.size)
    count = PAKT.unpack(head)[0]
    start = chunk.start + PAKT.size
    each = (not what.packet_size) + (not what.packet_frames)
    end, size = _sum(reader, start, chunk.end, count * each, each)
    kept = _counts(what, head, room)
    if end < chunk.end or kept != head:
        draft.found(Kind.SLACK)
    return Packets(kept, start, end, count, size)


def _counts(what: Description, head: bytes, room: int) -> bytes:
    """Return the head of a packet table whose numbers are no more than there can be."""
    packets, frames, priming, remainder = PAKT.unpack(head)
    if what.packet_size:
        packets = min(packets, room // what.packet_size)
    frames = min(frames, packets * (what.packet_frames or LONGEST_PACKET))
    trimmed = (each if each < LONGEST_PACKET else 0 for each in (priming, remainder))
    return PAKT.pack(packets, min(frames, (1 << 64) - 1), *trimmed)


def _sum(reader: Reader, start: int, end: int, count: int, each: int) -> tuple[int, int]:
    """Return where `count` numbers end, and the sum of each first of `each`."""
    at, total, left = start, 0, count
    while left:
        block = reader.upto(at, min(1 << 16, end - at))
        here = 0
        for match in _NUMBER.finditer(block):
            number = match[0]
            if len(number) > LONGEST_NUMBER:
                raise Malformed("a packet's size makes no sense", offset=at + match.start())
            if (count - left) % each == 0:
                value = 0
                for byte in number:
                    value = value << 7 | byte & 0x7F
                total += value
            here, left = match.end(), left - 1
            if not left:
                break
        if not here:
            raise Malformed("the packet table ends too early", offset=at)
        at += here
    return at, total


def _report(reader: Reader, chunk: Chunk, draft: Draft) -> None:
    """Count a chunk that goes, and what its fields were about."""
    draft.found(KINDS.get(chunk.id, Kind.UNKNOWN_CHUNK))
    if chunk.id == b"info":
        payload = reader.upto(chunk.start + 4, min(chunk.end - chunk.start - 4, LONGEST_INFO))
        for key in payload.split(b"\0")[:-1:2]:
            draft.found(meaning(key.decode("latin-1")))


def _chunks(reader: Reader, start: int) -> Iterator[Chunk]:
    """Yield where the chunks lie; behind the sound, what is no chunk ends the list."""
    at, heard = start + len(FILE), False
    for _ in range(MOST_CHUNKS):
        if at + HEADER.size > reader.size:
            return
        chunk_id, length = HEADER.unpack(reader.exactly(at, HEADER.size))
        payload = at + HEADER.size
        if chunk_id == b"data" and (length == TO_THE_END or payload + length > reader.size):
            length = start_of_back_tags(reader, payload, reader.size) - payload
        if payload + length > reader.size or (chunk_id == b"data" and length < 4):
            if heard:
                return
            raise Malformed("a chunk runs past the end", offset=at)
        yield Chunk(chunk_id, payload, payload + length)
        at, heard = payload + length, heard or chunk_id == b"data"
    raise TooComplex("too many chunks")


def _chunk(chunk_id: bytes, payload: bytes) -> bytes:
    return HEADER.pack(chunk_id, len(payload)) + payload
