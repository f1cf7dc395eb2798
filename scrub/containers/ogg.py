"""Ogg Vorbis and Opus: keep the sound's own packets, on pages numbered and summed anew.

    page      "OggS", version 0, flags, u64 granule position, u32 serial, u32 number, u32 CRC,
              u8 segments, one length byte each; then the segments: a packet goes on while they
              are 255 long
    flags     1 continues a packet, 2 first page of a stream, 4 last
    link      first pages of all streams together, then the rest; links may follow one another
    Vorbis    identification 30 bytes, comments, setup, then sound
    Opus      OpusHead 19 bytes or more, OpusTags, then sound

Serials become 0, 1, 2, …: random ones could link two files. Pages that a decoder would throw away
(wrong CRC, unknown stream) go, and so does everything between pages. RFC 3533, RFC 7845, Vorbis I.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate, compress
from typing import NamedTuple

from scrub.codecs.vorbis import SIGNATURE, whole_setup
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

PAGE = struct.Struct("<4sBBqIIIB")
MAGIC = b"OggS"
CONTINUED, FIRST, LAST = 1, 2, 4
CRC_AT, CRC_END = 22, 26
LONGEST_PAGE = 27 + 255 + 255 * 255
BLOCK = 1 << 20
MOST_STREAMS = 1024
LONGEST_SETUP = 1 << 18
NO_PACKET_ENDS = -1

NEUTRAL = {
    "Vorbis": b"\x03vorbis" + bytes(8) + b"\x01",
    "Opus": b"OpusTags" + bytes(8),
}
HEADERS = {"Vorbis": 3, "Opus": 2}
VORBIS_IDENTIFICATION, CHANNELS_AT = 30, 11
# Streams that accompany sound: text, indexes, subtitles.
COMPANIONS = (b"fishead\0", b"\x80kate", b"CMML", b"\x01text", b"writ", b"annodex\0", b"index\0")
UNCLEANABLE = (
    (b"\x80theora", "video"),
    (b"BBCD", "video"),
    (b"\x01video", "video"),
    (b"OVP80", "video"),
    (b"Speex   ", "Speex sound"),
    (b"\x7fFLAC", "FLAC sound"),
)
# The CRC is not bit-reversed, zlib's is: reverse the bits of what goes in and of what comes out.
REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
ALL_ONES = 0xFFFFFFFF
ENDS_A_PACKET = bytes([1] * 255 + [0])


class Page(NamedTuple):
    """A page whose CRC is right; `body` is where its segments begin."""

    start: int
    body: int
    end: int
    flags: int
    granule: int
    serial: int
    number: int
    lacing: bytes
    reversed: memoryview  # the whole page, for a CRC


@dataclass(slots=True)
class Stream:
    """A sound stream on its way: what was seen of it, what was written."""

    codec: str
    serial: int = -1
    headers: list[bytes] = field(default_factory=list)
    partial: bytearray | None = None  # a header that goes on on the next page
    early: tuple[Page, int] | None = None  # sound on the page of the last header
    last_number: int = -1
    next_number: int = 0

    @property
    def complete(self) -> bool:
        """Say whether all headers were seen, so that sound follows."""
        return len(self.headers) == HEADERS[self.codec]


@dataclass(slots=True)
class Link:
    """The streams that begin together."""

    streams: dict[int, Stream] = field(default_factory=dict)
    opening: bool = True  # only first pages so far
    written: bool = False  # all headers were seen, and written


def is_vorbis(reader: Reader, start: int) -> bool:
    """Say whether the first sound of an Ogg is Vorbis."""
    return _first_codec(reader, start) == "Vorbis"


def is_opus(reader: Reader, start: int) -> bool:
    """Say whether the first sound of an Ogg is Opus."""
    return _first_codec(reader, start) == "Opus"


def plan_ogg(reader: Reader, start: int, draft: Draft) -> None:
    """Write every sound stream of every link on pages of its own.

    Raises Malformed when there is no sound, Unsupported for video and codecs we can't clean.
    """
    link = Link()
    serials = 0
    for page in pages(reader, start, draft):
        if page.flags & FIRST:
            if not link.opening:
                link = Link()
            _begin(reader, page, link, draft)
        else:
            link.opening = False
        stream = link.streams.get(page.serial)
        if stream is None:
            if not page.flags & FIRST:
                draft.found(Kind.SLACK)
        elif not stream.complete:
            _headers(reader, page, stream, draft)
            if all(each.complete for each in link.streams.values()) and not link.opening:
                serials = _write_link(link, serials, draft)
        elif link.written:
            _keep(page, stream, draft)
        else:
            raise Malformed("sound comes before all headers", offset=page.start)
    if not draft.essence.units:
        raise Malformed("there is no sound", offset=start)


def _begin(reader: Reader, page: Page, link: Link, draft: Draft) -> None:
    """Take up the stream whose first page this is."""
    codec = _codec(reader.upto(page.body, min(16, page.end - page.body)))
    if codec is None:
        draft.found(Kind.OTHER_STREAM)
    elif page.serial not in link.streams:
        link.streams[page.serial] = Stream(codec)
    if len(link.streams) > MOST_STREAMS:
        raise TooComplex("too many streams")


def pages(reader: Reader, start: int, draft: Draft) -> Iterator[Page]:
    """Yield the pages whose CRC is right; what is between them is counted as slack."""
    at = start
    while at + PAGE.size <= reader.size:
        block = reader.upto(at, BLOCK)
        mirror = memoryview(block.translate(REVERSED))
        i, size = 0, len(block)
        while size - i >= LONGEST_PAGE or (at + size == reader.size and size - i >= PAGE.size):
            page = _page(block, mirror, i, at)
            if page is None:
                draft.found(Kind.SLACK)
                found = block.find(MAGIC, i + 1)
                i = found if found >= 0 else max(i + 1, size - 3)
                continue
            yield page
            i = page.end - at
        at += i
        if at + PAGE.size > reader.size:
            break
    if at < reader.size:
        draft.found(Kind.TRAILING)


def _page(block: bytes, mirror: memoryview, i: int, at: int) -> Page | None:
    """Return the page at `i` of a block that lies at `at`; None when there is no sound one."""
    magic, version, flags, granule, serial, number, _, segments = PAGE.unpack_from(block, i)
    if magic != MAGIC or version:
        return None
    body = i + PAGE.size + segments
    lacing = block[i + PAGE.size : body]
    end = body + sum(lacing)
    if end > len(block):
        return None
    page = mirror[i:end]
    if _crc(page[:CRC_AT], page[CRC_END:]) != page[CRC_AT:CRC_END]:
        return None
    return Page(at + i, at + body, at + end, flags, granule, serial, number, lacing, page)


def _crc(reversed_head: bytes | memoryview, reversed_rest: bytes | memoryview) -> bytes:
    """Return a page's CRC field, bits reversed, from what stands before and behind it."""
    crc = zlib.crc32(reversed_rest, zlib.crc32(bytes(4), zlib.crc32(reversed_head, ALL_ONES)))
    return (crc ^ ALL_ONES).to_bytes(4, "big")


def _codec(packet: bytes) -> str | None:
    """Return what a stream's first packet says it is; None for what only accompanies sound."""
    if packet.startswith(b"\x01vorbis"):
        return "Vorbis"
    if packet.startswith(b"OpusHead"):
        return "Opus"
    for signature, what in UNCLEANABLE:
        if packet.startswith(signature):
            raise Unsupported("Ogg", what)
    if packet.startswith(COMPANIONS):
        return None
    raise Unsupported("Ogg", "a stream of unknown kind")


def _first_codec(reader: Reader, start: int) -> str | None:
    at = start
    for _ in range(64):
        head = reader.upto(at, PAGE.size + 255)
        if len(head) < PAGE.size or head[:4] != MAGIC:
            return None
        segments = head[26]
        body = at + PAGE.size + segments
        packet = reader.upto(body, 16)
        for signature, codec in ((b"\x01vorbis", "Vorbis"), (b"OpusHead", "Opus")):
            if packet.startswith(signature):
                return codec
        at = body + sum(head[PAGE.size : PAGE.size + segments])
    return None


def _headers(reader: Reader, page: Page, stream: Stream, draft: Draft) -> None:
    """Gather the stream's headers from the segments of a page."""
    at = page.body
    for index, length in enumerate(page.lacing):
        if stream.partial is None:
            stream.partial = bytearray()
        # A picture among the comments may be large: of what is not kept, a start is enough.
        if len(stream.headers) != 1 or len(stream.partial) < 16:
            stream.partial += reader.exactly(at, length)
        if len(stream.partial) > LONGEST_SETUP:
            raise TooComplex("a header is too long")
        at += length
        if length < 255:
            _header(stream, bytes(stream.partial), page, draft)
            stream.partial = None
        if stream.complete:
            if index + 1 < len(page.lacing):
                stream.early = (page, index + 1)
                if stream.codec == "Vorbis":
                    _refuse_headers(page, index + 1)
            break
    stream.last_number = page.number


def _header(stream: Stream, packet: bytes, page: Page, draft: Draft) -> None:
    """Check one whole header packet and keep what of it is needed."""
    which = len(stream.headers)
    if which == 0:
        kept = _identification(stream.codec, packet)
        if kept is None:
            raise Malformed("an identification header is too short", offset=page.start)
        if kept != packet:
            draft.found(Kind.SLACK)
    elif which == 1:
        kept = NEUTRAL[stream.codec]
        if not packet.startswith(kept[:7]):
            raise Malformed("the comment header is missing", offset=page.start)
        if packet != kept:
            draft.found(Kind.TAG_BLOCK)
    else:
        if not packet.startswith(SIGNATURE):
            raise Malformed("the setup header is missing", offset=page.start)
        kept = whole_setup(packet, channels=max(1, stream.headers[0][CHANNELS_AT]))
        if kept != packet:
            draft.found(Kind.SLACK)
    stream.headers.append(kept)


def _identification(codec: str, packet: bytes) -> bytes | None:
    length = VORBIS_IDENTIFICATION
    if codec == "Opus":
        length = 21 + packet[9] if len(packet) > 18 and packet[18] else 19
    return packet[:length] if len(packet) >= length else None


def _write_link(link: Link, serials: int, draft: Draft) -> int:
    """Write the first pages of all streams, then their other headers; return the next serial."""
    link.written = True
    streams = list(link.streams.values())
    for stream in streams:
        stream.serial, serials = serials, serials + 1
        first = stream.headers[0]
        _write_page(stream, FIRST, 0, bytes([len(first)]), first, draft)
    for stream in streams:
        _write_headers(stream, draft)
    for stream in streams:
        if stream.early:
            _write_early(stream, *stream.early, draft)
            stream.early = None
    return serials


def _write_headers(stream: Stream, draft: Draft) -> None:
    others = stream.headers[1:]
    lacing = b"".join(b"\xff" * (len(each) // 255) + bytes([len(each) % 255]) for each in others)
    body = b"".join(others)
    continued = 0
    while lacing:
        here, lacing = lacing[:255], lacing[255:]
        ends = any(length < 255 for length in here)
        granule = 0 if ends else NO_PACKET_ENDS
        _write_page(stream, continued, granule, here, body[: sum(here)], draft)
        body = body[sum(here) :]
        continued = CONTINUED if here[-1] == 255 else 0


def _write_page(
    stream: Stream, flags: int, granule: int, lacing: bytes, body: bytes, draft: Draft
) -> None:
    """Write a page that is ours from head to end."""
    head = PAGE.pack(MAGIC, 0, flags, granule, stream.serial, stream.next_number, 0, len(lacing))
    stream.next_number += 1
    mirror = (head + lacing + body).translate(REVERSED)
    crc = _crc(mirror[:CRC_AT], mirror[CRC_END:]).translate(REVERSED)
    draft.write(head[:CRC_AT] + crc + head[CRC_END:] + lacing + body)


def _write_early(stream: Stream, page: Page, index: int, draft: Draft) -> None:
    """Give the sound on the page of the last header a page of its own."""
    lacing = page.lacing[index:]
    body = page.end - sum(lacing)
    head = PAGE.pack(
        MAGIC, 0, page.flags & LAST, page.granule, stream.serial, stream.next_number, 0, len(lacing)
    )
    stream.next_number += 1
    mirror = (head + lacing).translate(REVERSED) + bytes(page.reversed[body - page.start :])
    crc = _crc(mirror[:CRC_AT], mirror[CRC_END:]).translate(REVERSED)
    draft.write(head[:CRC_AT] + crc + head[CRC_END:] + lacing)
    draft.copy(body, page.end)
    draft.sound(page.end - body, len(lacing) - lacing.count(255))


def _refuse_headers(page: Page, first: int = 0) -> None:
    """Refuse a page on which a Vorbis packet begins that is no sound: the lowest bit says so.

    `first` is the segment from which to look.
    """
    lacing = page.lacing[first:]
    body = page.reversed[page.end - page.start - sum(lacing) :]
    begins = list(compress(accumulate(lacing), lacing.translate(ENDS_A_PACKET)))
    if first or not page.flags & CONTINUED:
        begins.insert(0, 0)
    while begins and begins[-1] >= len(body):
        begins.pop()
    if not bytes(map(body.__getitem__, begins)).isascii():  # bits are reversed: it is the highest
        raise Malformed("a header stands among the sound", offset=page.start)


def _keep(page: Page, stream: Stream, draft: Draft) -> None:
    """Keep a page of sound under its new serial and number.

    A gap in the numbers tells a decoder that a page was lost, so it stays a gap, of one.
    """
    if stream.codec == "Vorbis":
        _refuse_headers(page)
    if page.number != stream.last_number + 1 & ALL_ONES:
        stream.next_number += 1
    stream.last_number = page.number
    draft.sound(page.end - page.body, len(page.lacing) - page.lacing.count(255))
    number, stream.next_number = stream.next_number, stream.next_number + 1
    flags = page.flags & (CONTINUED | LAST)
    if (flags, stream.serial, number) == (page.flags, page.serial, page.number):
        draft.copy(page.start, page.end)
        return
    head = PAGE.pack(
        MAGIC, 0, flags, page.granule, stream.serial, number & ALL_ONES, 0, len(page.lacing)
    )
    first = head.translate(REVERSED)[:CRC_AT]
    crc = _crc(first, page.reversed[CRC_END:]).translate(REVERSED)
    draft.write(head[:CRC_AT] + crc)
    draft.copy(page.start + CRC_END, page.end)
