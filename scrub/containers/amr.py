r"""AMR, narrow and wide band: keep the frames that follow the first line.

    file      "#!AMR\n" or "#!AMR-WB\n", then frames of 20 ms
    frame     a zero bit, 4 bits type, 1 bit quality, 2 zero bits; then what the type has

Nothing marks where a frame begins, so junk behind the sound may look like one: a frame of which
every byte is printable is text. RFC 4867, 5.3; 3GPP TS 26.101, 26.201.
"""

import re
from collections import deque

from scrub.errors import Malformed
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

NARROW, WIDE = b"#!AMR\n", b"#!AMR-WB\n"
# Bytes of a frame with its header by type; comfort noise is 6, lost or no speech 1. Others are
# reserved or belong to other codecs.
SIZES = {
    NARROW: {0: 13, 1: 14, 2: 16, 3: 18, 4: 20, 5: 21, 6: 27, 7: 32, 8: 6, 15: 1},
    WIDE: {0: 18, 1: 24, 2: 33, 3: 37, 4: 41, 5: 47, 6: 51, 7: 59, 8: 61, 9: 6, 14: 1, 15: 1},
}
GOOD = 0x04  # the quality bit
BLOCK = 1 << 20
SHORTEST_SPEECH = 13
SHORTEST_TEXT = 6
LONGEST_TEXT = 64  # that may look like frames before it breaks off
SEARCHED = 1 << 16  # behind a break, for frames that go on
ENOUGH_FRAMES = 10
_PRINTABLE = re.compile(rb"[\t\n\r -~]+")
_TEXT_AT_END = re.compile(rb"[\t\n\r -~]+\Z")
_TEXT = re.compile(rb"[\t\n\r -~]{%d}" % (SHORTEST_SPEECH - 1))


def is_amr(reader: Reader, start: int) -> bool:
    """Say whether narrow-band AMR begins here."""
    return reader.upto(start, len(NARROW)) == NARROW


def is_amr_wb(reader: Reader, start: int) -> bool:
    """Say whether wide-band AMR begins here."""
    return reader.upto(start, len(WIDE)) == WIDE


def plan_amr(reader: Reader, start: int, draft: Draft) -> None:
    """Keep the first line and the frames.

    Raises Malformed when there are none, or when sound goes on behind what is none.
    """
    magic = NARROW if is_amr(reader, start) else WIDE
    lengths = _lengths(magic)
    first = start + len(magic)
    end, frames = _walk(reader, lengths, first)
    if not frames:
        raise Malformed("there is no sound", offset=first)
    if end < reader.size:
        if reader.size - end > end - first or _goes_on(reader, lengths, end):
            raise Malformed("the frames break off", offset=end)
        draft.found(Kind.TRAILING)
    draft.copy(start, end)
    draft.sound(end - first, frames)


def _lengths(magic: bytes) -> bytes:
    """Return the size of a frame by its first byte; 0: it is none."""
    sizes = SIZES[magic]
    return bytes(0 if head & 0x83 else sizes.get(head >> 3, 0) for head in range(256))


def _walk(reader: Reader, lengths: bytes, at: int) -> tuple[int, int]:
    """Return where the frames end that follow one another from `at`, and how many they are."""
    frames = 0
    last: deque[int] = deque(maxlen=LONGEST_TEXT)  # sizes of the last frames
    while at < reader.size:
        block = reader.upto(at, BLOCK)
        texts = _TEXT.search(block) is not None
        i, size = 0, len(block)
        while i < size:
            length = lengths[block[i]]
            if not length or i + length > size or (texts and _is_text(block, i, length)):
                break
            last.append(length)
            frames += 1
            i += length
        at += i
        if not i or (i < size and not lengths[block[i]]):
            break
    return _before_text(reader, at, frames, last) if at < reader.size else (at, frames)


def _before_text(reader: Reader, at: int, frames: int, last: deque[int]) -> tuple[int, int]:
    """Return where the frames end, where something else follows: its first letters are none."""
    begin = max(0, at - LONGEST_TEXT)
    text = _TEXT_AT_END.search(reader.upto(begin, at - begin))
    length = len(text[0]) if text else 0
    while last and length >= min(SHORTEST_TEXT, last[-1]):
        length -= last[-1]
        at -= last.pop()
        frames -= 1
    return at, frames


def _is_text(block: bytes, i: int, length: int) -> bool:
    return length >= SHORTEST_SPEECH and bool(_PRINTABLE.fullmatch(block, i + 1, i + length))


def _goes_on(reader: Reader, lengths: bytes, at: int) -> bool:
    """Say whether frames follow one another again, not far behind a break."""
    rest = reader.upto(at, SEARCHED)
    for begin in range(len(rest)):
        i, heard = begin, 0
        while i < len(rest) and heard < ENOUGH_FRAMES and rest[i] & GOOD and lengths[rest[i]] > 1:
            if _PRINTABLE.fullmatch(rest, i, i + lengths[rest[i]]):
                break
            i, heard = i + lengths[rest[i]], heard + 1
        if heard == ENOUGH_FRAMES and i <= len(rest):
            return True
    return False
