"""The pages of an Ogg: read them in order, and write them under another serial and number.

    page      "OggS", version 0, flags, u64 granule position, u32 serial, u32 number, u32 CRC,
              u8 segments, one length byte each; then the segments: a packet goes on while they
              are 255 long
    flags     1 continues a packet, 2 first page of a stream, 4 last

Numbers are little-endian. RFC 3533, 6.
"""

import struct
from collections.abc import Iterator
from itertools import accumulate, compress
from typing import NamedTuple

from scrub.containers.ogg.checksum import REVERSED, carried, is_right, summed
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

HEAD = struct.Struct("<4sBBqIIIB")
HEAD_TO_CRC = struct.Struct("<4sBBqIII")
CHANGED = struct.Struct("<4x1xB8xII")
MAGIC = b"OggS"
CONTINUED, FIRST, LAST = 1, 2, 4
BLOCK = 1 << 20
LAST_NUMBER = 0xFFFFFFFF
NO_PACKET_ENDS = -1
_ENDS_A_PACKET = bytes([1] * 255 + [0])


class Page(NamedTuple):
    """A page; `body` is where its segments begin, `block` and `origin` where it was read."""

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
    origin: int

    @property
    def packets(self) -> int:
        """How many packets end here."""
        return len(self.lacing) - self.lacing.count(255)

    def segments(self, first: int = 0) -> bytes:
        """Return the bytes from the segment `first` on."""
        begin = self.end - sum(self.lacing[first:]) if first else self.body
        return self.block[begin - self.origin : self.end - self.origin]

    def first_bytes(self, first: int = 0) -> bytes:
        """Return the first byte of each packet that begins in the segment `first` or later."""
        body, lacing = self.segments(first), self.lacing[first:]
        begins = list(compress(accumulate(lacing), lacing.translate(_ENDS_A_PACKET)))
        if first or not self.flags & CONTINUED:
            begins.insert(0, 0)
        while begins and begins[-1] >= len(body):
            begins.pop()
        return bytes(map(body.__getitem__, begins))


class Pages:
    """The pages from `start` on; what is between them is counted as slack.

    While `checking`, a page whose CRC is wrong is none: a decoder throws it away.
    """

    def __init__(self, reader: Reader, start: int, draft: Draft) -> None:
        self.checking = True
        self._reader = reader
        self._start = start
        self._draft = draft

    def __iter__(self) -> Iterator[Page]:
        at, size = self._start, self._reader.size
        while at + HEAD.size <= size:
            block = self._reader.upto(at, BLOCK)
            i, mirrored = 0, None
            while i + HEAD.size <= len(block):
                page = _page(block, i, at)
                if page is not None and page.end > at + len(block):
                    if at + len(block) < size:
                        break  # it goes on in the next block
                    page = None
                if page is not None and self.checking:
                    mirrored = mirrored or memoryview(block.translate(REVERSED))
                    if not is_right(mirrored[i : page.end - at]):
                        page = None
                if page is not None:
                    yield page
                    i = page.end - at
                    continue
                found = block.find(MAGIC, i + 1)
                i = found if found >= 0 else max(i + 1, len(block) - len(MAGIC) + 1)
                if at + i + HEAD.size > size:
                    break
                self._draft.found(Kind.SLACK)
            at += i
        if at < size:
            self._draft.found(Kind.TRAILING)


def _page(block: bytes, i: int, origin: int) -> Page | None:
    """Return the page at `i` of a block that lies at `origin`; it may end behind the block."""
    magic, version, flags, granule, serial, number, crc, count = HEAD.unpack_from(block, i)
    if magic != MAGIC or version:
        return None
    body = i + HEAD.size + count
    lacing = block[i + HEAD.size : body]
    start, body, end = origin + i, origin + body, origin + body + sum(lacing)
    return Page(start, body, end, flags, granule, serial, number, crc, lacing, block, origin)


def new_page(
    flags: int, granule: int, serial: int, number: int, lacing: bytes, body: bytes
) -> bytes:
    """Return a page that is ours from head to end."""
    head = HEAD.pack(MAGIC, 0, flags, granule, serial, number, 0, len(lacing))
    return summed(head + lacing + body)


def keep_page(page: Page, flags: int, serial: int, number: int, draft: Draft) -> None:
    """Copy a page, under another serial and number where they differ."""
    if (flags, serial, number) == (page.flags, page.serial, page.number):
        draft.copy(page.start, page.end)
        return
    changed = CHANGED.pack(page.flags ^ flags, page.serial ^ serial, page.number ^ number)
    crc = carried(page.crc, changed, page.end - page.start)
    draft.write(HEAD_TO_CRC.pack(MAGIC, 0, flags, page.granule, serial, number, crc))
    draft.copy(page.start + HEAD_TO_CRC.size, page.end)
