"""Where tags stand in front of and behind a recording that has no place for them.

    ID3v2      "ID3", version 2 bytes, flags, size 4 × 7 bits; flag 0x10: a ten-byte footer "3DI"
    ID3v1      the last 128 bytes, "TAG"; sometimes 227 more before it, "TAG+"
    APE        32-byte header and footer "APETAGEX", version, size of items and footer, count, flags
    Lyrics3    "LYRICSBEGIN" … "LYRICSEND", or in version 2 … six digits of size, "LYRICS200"

id3.org: id3v2.4.0-structure and ID3v1; APEv2 at Hydrogenaudio; Lyrics3 v2.00.
"""

import re
import struct

from scrub.errors import Malformed
from scrub.reading import Reader

APE = struct.Struct("<8sIIII8x")
APE_HAS_HEADER = 1 << 31
MOST_TAGS = 32
BLOCK = 1 << 20
TAG_EDGE = 256  # more than what a tag is known by
_TAGS = (
    (
        b"ID3",
        re.compile(
            rb"ID3[\2-\4]\0[\0\x10\x20\x40\x50\x60\x80\x90\xa0\xc0\xd0\xe0\xf0][\0-\x7f]{4}"
        ),
    ),
    (b"TAG", re.compile(rb"TAG[^\1-\x1f\x7f]{124}")),
    (b"APETAGEX", re.compile(b"APETAGEX")),
    (b"LYRICSBEGIN", re.compile(b"LYRICSBEGIN")),
)


def end_of_front_tags(reader: Reader, start: int, end: int) -> int:
    """Return where the tags that begin at `start` are over; `start` when there are none."""
    for _ in range(MOST_TAGS):
        after = end_of_tag(reader, start)
        if after == start:
            break
        start = min(after, end)
    return start


def end_of_tag(reader: Reader, start: int) -> int:
    """Return the end of the one tag that begins at `start`; `start` when none does."""
    head = reader.upto(start, APE.size)
    if len(head) == APE.size and head[:8] == b"APETAGEX":
        size = int.from_bytes(head[12:16], "little")
        return min(start + APE.size + size, reader.size)
    if len(head) < 10 or head[:3] != b"ID3" or 0xFF in head[3:5] or max(head[6:10]) > 127:
        return start
    return min(start + 10 + _syncsafe(head) + (10 if head[5] & 0x10 else 0), reader.size)


def start_of_back_tags(reader: Reader, start: int, end: int) -> int:
    """Return where the tags that stand before `end` begin; `end` when there are none."""
    for _ in range(MOST_TAGS):
        before = max(start, end - _length_of_back_tag(reader, start, end))
        if before == end:
            break
        end = before
    return end


def find_tag(block: bytes) -> int:
    """Return where something that can only be a tag begins in `block`; its length when nothing.

    A splice can put a tag where a frame's bytes should be; no frame holds one of its own accord.
    """
    first = len(block)
    for signature, whole in _TAGS:  # bytes.find is several times as fast as a pattern
        at = block.find(signature, 0, first)
        while at >= 0 and not whole.match(block, at):
            at = block.find(signature, at + 1, first)
        if at >= 0:
            first = at
    return first


def refuse_tags(reader: Reader, start: int, end: int) -> None:
    """Raise Malformed where something that can only be a tag stands between here and there.

    For frames that tell no more than where they end, or not even that. Looks at every byte.
    """
    for offset in range(start, end, BLOCK):
        block = reader.upto(offset, min(BLOCK + TAG_EDGE, end - offset))
        if find_tag(block) < len(block):
            raise Malformed("a tag stands amid the sound", offset=offset)


def _length_of_back_tag(reader: Reader, start: int, end: int) -> int:
    tail_start = max(start, end - 355)
    tail = reader.upto(tail_start, end - tail_start)
    if tail[-128:-125] == b"TAG":
        return 355 if tail[:4] == b"TAG+" and len(tail) == 355 else 128
    if tail[-9:] == b"LYRICS200" and tail[-15:-9].isdigit():
        return int(tail[-15:-9]) + 15
    if tail[-9:] == b"LYRICSEND":
        lyrics_start = max(start, end - 5120)
        begin = reader.upto(lyrics_start, end - lyrics_start).find(b"LYRICSBEGIN")
        return end - lyrics_start - begin if begin >= 0 else 9
    if len(tail) >= APE.size and tail[-APE.size :][:8] == b"APETAGEX":
        size, _, flags = (int(number) for number in APE.unpack(tail[-APE.size :])[2:])
        size = max(APE.size, size)
        header = end - size - APE.size  # that there is one, some say who write none
        has_header = header >= start and reader.upto(header, 8) == b"APETAGEX"
        return size + (APE.size if flags & APE_HAS_HEADER and has_header else 0)
    footer = tail[-10:]
    if footer[:3] == b"3DI" and len(footer) == 10 and max(footer[6:]) < 128:
        return 20 + _syncsafe(footer)
    return 0


def _syncsafe(head: bytes) -> int:
    return head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
