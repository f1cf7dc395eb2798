"""Lacing: several frames in one block, and how long each is.

    Xiph 02    u8 frames - 1; the size of each but the last, as bytes that go on while they are 255
    fixed 04   u8 frames - 1; all are of one size
    EBML 06    u8 frames - 1; the first one's size, then how much the next differs, as EBML numbers

RFC 9559, 10.3.
"""

from scrub.errors import Malformed
from scrub.reading import Reader

XIPH, FIXED = 0x02, 0x04
LONGEST_HEAD = 1 << 16


def frames_laced(reader: Reader, start: int, end: int, lacing: int) -> int:
    """Return how many frames fill a stretch; Malformed when they don't."""
    head = reader.upto(start, min(LONGEST_HEAD, end - start))
    frames = head[0] + 1 if head else 0
    try:
        if lacing == FIXED:
            whole = bool(head) and (end - start - 1) % frames == 0
        else:
            skip = _xiph if lacing == XIPH else _ebml
            at, sizes = skip(head, frames)
            whole = bool(head) and start + at + sizes <= end
    except IndexError:
        whole = False
    if not whole:
        raise Malformed("frames don't fill their block", offset=start)
    return frames


def _xiph(head: bytes, frames: int) -> tuple[int, int]:
    """Return where the frames begin, and the size of all but the last."""
    at, sizes = 1, 0
    for _ in range(frames - 1):
        while head[at] == 0xFF:
            sizes += 0xFF
            at += 1
        sizes += head[at]
        at += 1
    return at, sizes


def _ebml(head: bytes, frames: int) -> tuple[int, int]:
    at, sizes, size = 1, 0, 0
    for which in range(frames - 1):
        width = 9 - head[at].bit_length()
        head[at + width - 1]
        number = int.from_bytes(head[at : at + width], "big") & (1 << 7 * width) - 1
        size = size + number - (1 << 7 * width - 1) + 1 if which else number
        if size < 0:
            raise IndexError
        sizes += size
        at += width
    return at, sizes
