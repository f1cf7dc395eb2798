"""The pages of an Ogg: read them in order, and write them under another serial and number.

    page      "OggS", version 0, flags, u64 granule position, u32 serial, u32 number, u32 CRC,
              u8 segments, one length byte each; then the segments: a packet goes on while they
              are 255 long
    flags     1 continues a packet, 2 first page of a stream, 4 last

Numbers are little-endian. RFC 3533, 6.
"""

import struct
from collections.abc import Mapping
from itertools import accumulate, compress
from typing import NamedTuple, Protocol

from scrub.containers.ogg.checksum import REVERSED, carried, is_right, summed
from scrub.errors import TooComplex
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

HEAD = struct.Struct("<5sBqIIIB")
HEAD_TO_CRC = struct.Struct("<5sBqIII")
CHANGED = struct.Struct("<B8xII")  # what flags, serial and number are changed by
MAGIC = b"OggS\0"
CONTINUED, FIRST, LAST = 1, 2, 4
BLOCK = 1 << 18
LAST_NUMBER = 0xFFFFFFFF
MOST_GAPS = 1 << 15  # a false head costs a CRC of up to 64 KiB
NO_PACKET_ENDS = -1
_ENDS_A_PACKET = bytes([1] * 255 + [0])


class Page(NamedTuple):
    """A page; `body` is where its segments begin, `at` where the page does in its `block`."""

    start: int
    body: int
    end: int
    flags: int
    granule: int
    serial: int
    number: int
    crc: int
    lacing: bytes
    block: bytes
    at: int

    def segments(self, first: int = 0) -> bytes:
        """Return the bytes from the segment `first` on."""
        end = self.at + self.end - self.start
        return self.block[end - sum(self.lacing[first:]) : end]

    def starts(self, first: int = 0) -> list[int]:
        """Return where in the block packets begin, in the segment `first` or later."""
        lacing = self.lacing[first:]
        end = self.at + self.end - self.start
        begins = bytes([first or not self.flags & CONTINUED]) + lacing.translate(_ENDS_A_PACKET)
        starts = [*compress(accumulate(lacing, initial=end - sum(lacing)), begins)]
        while starts and starts[-1] >= end:  # behind the last packet, or one of no length
            starts.pop()
        return starts


class Kept(Protocol):
    """A stream whose pages are kept."""

    serial: int  # as it is written
    next_number: int
    last_number: int  # of the page before, as it was read

    def refuse_headers(self, page: Page, first: int = 0) -> None:
        """Raise Malformed where, from a segment on, a packet begins that is no sound."""


class Pages:
    """The pages from `start` on; what is between them is counted as slack.

    A page whose CRC is wrong is none: a decoder throws it away. Only pages of sound, in a row, are
    taken at their word, unless the draft is a thorough one.
    """

    def __init__(self, reader: Reader, start: int, draft: Draft) -> None:
        self.size = self.packets = 0  # of what was kept
        self._reader = reader
        self._draft = draft
        self._gaps = 0
        self._block = b""
        self._mirrored = memoryview(b"")  # the block, for its CRCs, once it is asked for
        self._origin, self._at = start, 0  # where the block lies, and how far it was read

    def next(self) -> Page | None:
        """Return the next page; None when there is no more."""
        while self._holds(HEAD.size):
            page = self._page(checked=True)
            if page is not None:
                self._at += page.end - page.start
                return page
            found = self._block.find(MAGIC, self._at + 1)
            self._at = found if found >= 0 else max(self._at + 1, len(self._block) - len(MAGIC) + 1)
            if self._holds(HEAD.size):
                self._draft.found(Kind.SLACK)
                self._gaps += 1
            if self._gaps > MOST_GAPS:
                raise TooComplex("there are too many damaged pages")
        if self._origin + self._at < self._reader.size:
            self._draft.found(Kind.TRAILING)
        return None

    def keep_on(self, streams: Mapping[int, Kept]) -> None:
        """Keep pages of these streams as long as nothing else comes."""
        while self._holds(HEAD.size):
            page = self._page(checked=self._draft.thorough)
            if page is None or page.flags & FIRST or page.serial not in streams:
                return
            self._at += page.end - page.start
            self.keep(page, streams[page.serial])

    def keep(self, page: Page, stream: Kept) -> None:
        """Copy a page of sound, under another serial and number where they differ.

        A gap in the numbers tells a decoder that a page was lost, so it stays a gap, of one.
        """
        if self._draft.thorough:
            stream.refuse_headers(page)
        if page.number != stream.last_number + 1 & LAST_NUMBER:
            stream.next_number += 1
        stream.last_number = page.number
        number = stream.next_number & LAST_NUMBER
        stream.next_number += 1
        self.size += page.end - page.body
        self.packets += len(page.lacing) - page.lacing.count(255)
        flags = page.flags & (CONTINUED | LAST)
        if number == page.number and stream.serial == page.serial and flags == page.flags:
            self._draft.copy(page.start, page.end)
            return
        changed = CHANGED.pack(
            page.flags ^ flags, page.serial ^ stream.serial, page.number ^ number
        )
        crc = carried(page.crc, changed, page.end - page.start)
        head = HEAD_TO_CRC.pack(MAGIC, flags, page.granule, stream.serial, number, crc)
        self._draft.splice(head, page.start + HEAD_TO_CRC.size, page.end)

    def _holds(self, length: int) -> bool:
        """Make sure that so many bytes can be looked at; False where there are fewer."""
        if self._at + length > len(self._block):
            end = self._origin + len(self._block)
            if end == self._reader.size and self._block:
                return False
            self._origin, self._at = self._origin + self._at, 0
            self._block = self._reader.upto(self._origin, BLOCK)
            self._mirrored = memoryview(b"")
        return self._at + length <= len(self._block)

    def _page(self, *, checked: bool) -> Page | None:
        """Return the page that begins here; None when none does, or it is cut off or damaged."""
        count = self._block[self._at + HEAD.size - 1]
        if not self._holds(HEAD.size + count):
            return None
        block, at = self._block, self._at
        magic, flags, granule, serial, number, crc, count = HEAD.unpack_from(block, at)
        body = at + HEAD.size + count
        lacing = block[body - count : body]
        end = body + sum(lacing)
        if magic != MAGIC:
            return None
        if end > len(block):
            return self._page(checked=checked) if self._holds(end - at) else None
        if checked:
            if not self._mirrored:
                self._mirrored = memoryview(block.translate(REVERSED))
            if not is_right(self._mirrored[at:end]):
                return None
        origin = self._origin
        return Page(
            origin + at, origin + body, origin + end, flags, granule, serial, number, crc,
            lacing, block, at,
        )  # fmt: skip


def new_page(
    flags: int, granule: int, serial: int, number: int, lacing: bytes, body: bytes
) -> bytes:
    """Return a page that is ours from head to end."""
    head = HEAD.pack(MAGIC, flags, granule, serial, number, 0, len(lacing))
    return summed(head + lacing + body)
