"""Ogg: keep the packets of sound and picture, on pages numbered and summed anew.

    link      first pages of all streams together, then the rest; links may follow one another
    stream    pages of one serial (pages.py): headers (mappings.py), then sound or picture

Serials become 0, 1, 2, …: random ones could link two files. Where two links share one, which
demuxers take for one stream, they still do. Pages that a decoder would throw away (wrong CRC,
unknown stream) go, and so does everything between pages. What costs a look at every byte, whether
CRCs are right and no header stands among the sound, only the proof looks at: a page whose CRC was
wrong comes out with a wrong one. RFC 3533.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from scrub.containers.ogg.mappings import Mapping, mapping
from scrub.containers.ogg.pages import (
    CONTINUED,
    FIRST,
    HEAD,
    LAST,
    MAGIC,
    NO_PACKET_ENDS,
    Page,
    Pages,
    new_page,
)
from scrub.errors import Malformed, TooComplex
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

MOST_STREAMS = 32  # in a link
MOST_SERIALS = 1 << 16
LONGEST_HEADER = 1 << 16  # of which there is need: setups have 4 to 8 KiB
LONGEST_SIGNATURE = 16


@dataclass(slots=True)
class Stream:
    """A stream on its way: what was seen of it, what was written."""

    mapping: Mapping
    headers: list[bytes] = field(default_factory=list)
    seen: int = 0  # headers
    complete: bool = False  # all headers were seen: sound follows
    partial: bytearray | None = None  # a header that goes on on the next page
    early: tuple[Page, int] | None = None  # sound on the page of the last header
    last_number: int = -1
    serial: int = -1
    next_number: int = 0

    def refuse_headers(self, page: Page, first: int = 0) -> None:
        """Raise Malformed where, from a segment on, a packet begins that is no sound."""
        starts = page.starts(first)
        if starts and self.mapping.has_header(page.block, starts):
            raise Malformed("a header stands among the sound", offset=page.start)

    def number(self) -> int:
        """Return the number of the next page to be written."""
        self.next_number += 1
        return self.next_number - 1


@dataclass(slots=True)
class Link:
    """The streams that begin together; `before` are the serials of the link that it follows."""

    before: frozenset[int] = frozenset()
    streams: dict[int, Stream] = field(default_factory=dict)
    opening: bool = True  # only first pages so far
    written: bool = False  # all headers were seen, and written

    @property
    def complete(self) -> bool:
        """Whether all headers of all streams were seen."""
        return all(each.complete for each in self.streams.values())


def is_vorbis(reader: Reader, start: int) -> bool:
    """Say whether this is an Ogg of Vorbis."""
    return _main_codec(reader, start) == "Vorbis"


def is_opus(reader: Reader, start: int) -> bool:
    """Say whether this is an Ogg of Opus."""
    return _main_codec(reader, start) == "Opus"


def is_flac(reader: Reader, start: int) -> bool:
    """Say whether this is an Ogg of FLAC."""
    return _main_codec(reader, start) == "FLAC"


def is_speex(reader: Reader, start: int) -> bool:
    """Say whether this is an Ogg of Speex."""
    return _main_codec(reader, start) == "Speex"


def is_theora(reader: Reader, start: int) -> bool:
    """Say whether this is an Ogg of Theora."""
    return _main_codec(reader, start) == "Theora"


def is_vp8(reader: Reader, start: int) -> bool:
    """Say whether this is an Ogg of VP8."""
    return _main_codec(reader, start) == "VP8"


def _main_codec(reader: Reader, start: int) -> str | None:
    """Return the codec of the first picture, or else of the first sound; None for no Ogg.

    Raises Unsupported when a stream is neither ours to clean nor a mere companion.
    """
    codecs: list[Mapping] = []
    at = start
    for _ in range(MOST_STREAMS):
        head = reader.upto(at, HEAD.size + 255)
        if len(head) < HEAD.size or not head.startswith(MAGIC) or not head[5] & FIRST:
            break
        body = at + HEAD.size + head[26]
        at = body + sum(head[HEAD.size : HEAD.size + head[26]])
        begun = mapping(reader.upto(body, LONGEST_SIGNATURE))
        if begun:
            codecs.append(begun)
    codecs.sort(key=lambda each: not each.is_picture)
    return codecs[0].codec if codecs else None


def plan_ogg(reader: Reader, start: int, draft: Draft) -> None:
    """Write every stream of sound or picture, of every link, on pages of its own.

    Raises Malformed when there is none, Unsupported for codecs we can't clean.
    """
    link = Link()
    serials: dict[int, int] = {}  # as they were → as they become
    pages = Pages(reader, start, draft)
    while page := pages.next():
        if page.flags & FIRST:
            link = _begin(page, link, draft)
        elif page.serial not in link.streams:
            _refuse_late(page, link)
            draft.found(Kind.SLACK)
            link.opening = False
        elif link.written:
            pages.keep(page, link.streams[page.serial])
        else:
            link.opening = False
            _gather(page, link.streams[page.serial], draft)
            if link.complete:
                _write_link(link, serials, draft)
        if link.written:
            pages.keep_on(link.streams)
    draft.sound(pages.size, pages.packets)
    if link.streams and not link.written:
        draft.found(Kind.TRAILING)
    if not draft.essence.units:
        raise Malformed("there is no sound", offset=start)


def _begin(page: Page, link: Link, draft: Draft) -> Link:
    """Take up the stream whose first page this is; return its link, which may be a new one."""
    begun = mapping(page.segments()[:LONGEST_SIGNATURE])
    if begun is None or (link.opening and page.serial in link.streams):
        draft.found(Kind.OTHER_STREAM)
        return link
    if not link.opening:
        if not link.written:
            draft.found(Kind.TRAILING)
        link = Link(frozenset(link.streams))
    if len(link.streams) == MOST_STREAMS:
        raise TooComplex("too many streams")
    link.streams[page.serial] = Stream(begun)
    _gather(page, link.streams[page.serial], draft)
    return link


def _refuse_late(page: Page, link: Link) -> None:
    """Refuse a stream that goes on when the next link has begun: its sound would be lost."""
    if page.serial in link.before:
        raise Malformed("a stream goes on behind the beginning of the next", offset=page.start)


def _gather(page: Page, stream: Stream, draft: Draft) -> None:
    """Gather the stream's headers from the segments of a page."""
    if stream.complete:
        raise Malformed("sound comes before all headers", offset=page.start)
    body, at = page.segments(), 0
    for index, length in enumerate(page.lacing):
        if stream.partial is None:
            stream.partial = bytearray()
        if len(stream.partial) < LONGEST_HEADER:  # a picture among the comments may be large
            stream.partial += body[at : at + length]
        at += length
        if length < 255:
            stream.complete = _header(stream, bytes(stream.partial), draft)
            stream.partial = None
            if stream.complete:
                stream.early = (page, index + 1) if index + 1 < len(page.lacing) else None
                break
    stream.last_number = page.number


def _header(stream: Stream, packet: bytes, draft: Draft) -> bool:
    """Keep what is needed of one whole header; say whether it is the last."""
    first = stream.headers[0] if stream.headers else b""
    header = stream.mapping.header(stream.seen, packet, first)
    if header.kept != packet:
        draft.found(header.hidden)
    if header.kept:
        stream.headers.append(header.kept)
    stream.seen += 1
    return header.last


def _write_link(link: Link, serials: dict[int, int], draft: Draft) -> None:
    """Write the first pages of all streams, then their other headers."""
    link.written = True
    streams = link.streams.values()
    for serial, stream in link.streams.items():
        stream.serial = serials.setdefault(serial, len(serials))
        if len(serials) > MOST_SERIALS:
            raise TooComplex("too many streams")
        first = stream.headers[0]
        draft.write(new_page(FIRST, 0, stream.serial, stream.number(), bytes([len(first)]), first))
    for stream in streams:
        for page in _header_pages(stream):
            draft.write(page)
    for stream in streams:
        if stream.early:
            _keep_early(*stream.early, stream, draft)
            stream.early = None


def _header_pages(stream: Stream) -> Iterator[bytes]:
    others = stream.headers[1:]
    lacing = b"".join(b"\xff" * (len(each) // 255) + bytes([len(each) % 255]) for each in others)
    body = b"".join(others)
    continued = 0
    while lacing:
        here, lacing = lacing[:255], lacing[255:]
        granule = 0 if min(here) < 255 else NO_PACKET_ENDS
        size = sum(here)
        yield new_page(continued, granule, stream.serial, stream.number(), here, body[:size])
        body = body[size:]
        continued = CONTINUED if here[-1] == 255 else 0


def _keep_early(page: Page, index: int, stream: Stream, draft: Draft) -> None:
    """Give the sound on the page of the last header a page of its own."""
    stream.refuse_headers(page, index)
    lacing, body = page.lacing[index:], page.segments(index)
    flags = page.flags & LAST
    whole = new_page(flags, page.granule, stream.serial, stream.number(), lacing, body)
    draft.write(whole[: len(whole) - len(body)])
    draft.copy(page.end - len(body), page.end)
    draft.sound(len(body), len(lacing) - lacing.count(255))
