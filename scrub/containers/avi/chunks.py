"""Walk the chunks of an AVI in the order of the file, whatever its lists say of their lengths.

    RIFF      "RIFF", u32 length, "AVI ", or "AVIX" for what a first one has no room for
    LIST      "LIST", u32 length, type, chunks
    chunk     4-byte id, u32 length, payload, a zero byte when the length is odd
    movi      the list of pictures and sound: "00dc", "01wb" …, the stream's number and what it is;
              maybe in further lists, "rec "

A camera that loses power leaves lengths of zero, and half a last chunk. Numbers are little-endian.
Microsoft, AVI RIFF File Reference; OpenDML AVI File Format Extensions 1.02, 1996.
"""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from scrub.errors import Malformed, TooComplex
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

HEADER = struct.Struct("<4sI")
LIST_HEADER = 12
MOST_CHUNKS = 1 << 21
MOST_TRIES = 1000  # to go on behind junk
FARTHEST = 1 << 20  # behind junk, where the next chunk is looked for
_ID = re.compile(rb"[0-9A-Za-z_ .-]{4}")
_STREAM = re.compile(rb"[0-9]{2}(?:d[bc]|wb)")
IN_MOVI = re.compile(rb"[0-9]{2}[A-Za-z]{2}|ix[0-9]{2}|JUNK|junk|PAD |LIST|idx1|RIFF")


class Chunk(NamedTuple):
    """A chunk's payload, and whether it stands among pictures and sound, and ends as it should."""

    id: bytes
    start: int
    end: int
    in_movi: bool
    padded: bool  # with a zero where its length is odd


class _Place:
    """Where a walk is: in which RIFF and which movi."""

    def __init__(self) -> None:
        self.riff_end = self.movi_end = 0
        self.in_movi = False
        self.tries = 0

    def enter(self, kind: bytes, start: int, length: int, size: int) -> None:
        if kind == b"RIFF":
            self.riff_end, self.movi_end, self.in_movi = start + 8 + length, 0, False
        elif kind == b"movi":
            whole = length > 4 and start + 8 + length <= size
            self.movi_end, self.in_movi = (start + 8 + length if whole else size), True

    def passed(self, at: int) -> bool:
        """Say whether a RIFF that holds its movi ends here; what follows is another or junk."""
        return self.movi_end > 0 and self.movi_end <= self.riff_end <= at


def chunks(reader: Reader, start: int, draft: Draft) -> Iterator[Chunk]:
    """Yield the chunks that hold no others but headers, and of movi the word alone, where it is.

    Raises Malformed where chunks break off that are needed, TooComplex when there are too many.
    """
    place = _Place()
    at = start
    for _ in range(MOST_CHUNKS):
        if place.in_movi and at >= place.movi_end:
            place.in_movi = False
        head = reader.upto(at, LIST_HEADER)
        if len(head) < HEADER.size or (place.passed(at) and head[:4] != b"RIFF"):
            break
        chunk_id, length = HEADER.unpack(head[: HEADER.size])
        if chunk_id == b"RIFF" or (chunk_id == b"LIST" and head[8:] in (b"movi", b"rec ")):
            place.enter(b"RIFF" if chunk_id == b"RIFF" else head[8:], at, length, reader.size)
            if head[8:] == b"movi":
                yield Chunk(b"movi", at + HEADER.size, at + LIST_HEADER, True, True)
            at += LIST_HEADER
            continue
        end = at + HEADER.size + length
        known = IN_MOVI if place.in_movi else _ID
        if end > reader.size or not known.fullmatch(chunk_id):
            after = _after_junk(reader, at, place, end)
            if after == at:
                break
            draft.found(Kind.SLACK)
            at = after
            continue
        following, padded = _following(reader, end, length, place)
        yield Chunk(chunk_id, at + HEADER.size, end, place.in_movi, padded)
        at = following
    else:
        raise TooComplex("too many chunks")
    if at < reader.size:
        draft.found(Kind.TRAILING)


def children(reader: Reader, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield id, start and end of the chunks in a list; Malformed when one runs past it."""
    at = start
    while at + HEADER.size <= end:
        chunk_id, length = HEADER.unpack(reader.exactly(at, HEADER.size))
        at += HEADER.size
        if at + length > end:
            raise Malformed("a chunk runs past its list", offset=at - HEADER.size)
        yield chunk_id, at, at + length
        at += length + length % 2


def _following(reader: Reader, end: int, length: int, place: _Place) -> tuple[int, bool]:
    """Return where the next chunk begins, and whether the pad byte is there and zero."""
    if not length % 2:
        return end, True
    behind = reader.upto(end, 5)
    if place.in_movi and IN_MOVI.match(behind) and not IN_MOVI.match(behind, 1):
        return end, False  # left out
    return min(end + 1, reader.size), behind[:1] == b"\0"


def _after_junk(reader: Reader, at: int, place: _Place, end: int) -> int:
    """Return where the chunks go on; `at` itself when what follows is the end of a recording.

    Raises Malformed when what cannot be read is more than half a last chunk.
    """
    if not place.movi_end:
        raise Malformed("a chunk runs past the end", offset=at)
    if not place.in_movi:
        return at
    window = reader.upto(at + 1, FARTHEST)
    for match in _STREAM.finditer(window):
        place.tries += 1
        if place.tries > MOST_TRIES:
            raise TooComplex("the chunks break off too often")
        begin = at + 1 + match.start()
        length = reader.number(begin + 4, 4, "little") if begin + 8 <= reader.size else 0
        behind = begin + HEADER.size + length + length % 2
        if behind == reader.size or IN_MOVI.fullmatch(reader.upto(behind, 4)):
            return begin
    if reader.size - at > FARTHEST and end <= reader.size:
        raise Malformed("the chunks break off", offset=at)
    return at
