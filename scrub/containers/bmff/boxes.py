"""ISO base media boxes: walk them without believing their sizes, and build them anew.

    box       u32 size, 4-byte type, payload; size 1: u64 size follows; size 0: to the end
    full box  a box whose payload begins with u8 version, u24 flags

Big-endian. ISO/IEC 14496-12, 4.2; QuickTime File Format, "Atoms".
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from scrub.errors import Malformed, TooComplex
from scrub.plan import Draft, Span
from scrub.reading import Reader

HEADER = struct.Struct(">I4s")
MOST_BOXES = 4096

Part = bytes | Span
Parts = list[Part]


class Box(NamedTuple):
    """Where a box and its payload lie."""

    type: bytes
    start: int
    payload: int
    end: int


def box_at(reader: Reader, at: int, end: int) -> Box | None:
    """Return the box at `at`; None when no box that ends by `end` is there."""
    head = reader.upto(at, 16)
    if len(head) < HEADER.size or at + HEADER.size > end:
        return None
    size, kind = HEADER.unpack_from(head)
    payload = at + HEADER.size
    if size == 1 and len(head) == 16:
        size = int.from_bytes(head[8:], "big")
        payload += 8
    elif size == 0:
        size = end - at
    if size < payload - at or at + size > end:
        return None
    return Box(kind, at, payload, at + size)


def children(reader: Reader, parent: Box, skip: int = 0) -> Iterator[Box]:
    """Yield the boxes inside a box, from `skip` bytes into its payload.

    Raises Malformed when one runs past its parent. A few zero bytes may end the list (QuickTime).
    """
    at = parent.payload + skip
    for _ in range(MOST_BOXES):
        if parent.end - at < HEADER.size:
            return
        box = box_at(reader, at, parent.end)
        if box is None:
            if not reader.number(at, 4, "big"):
                return
            raise Malformed("a box runs past its parent", offset=at)
        yield box
        at = box.end
    raise TooComplex("too many boxes")


def only(boxes: list[Box], kind: bytes, parent: Box) -> Box:
    """Return the first box of this kind, which must be there."""
    found = first(boxes, kind)
    if found is None:
        name = kind.decode("latin-1").strip()
        raise Malformed(f"there is no {name} box", offset=parent.start)
    return found


def first(boxes: list[Box], kind: bytes) -> Box | None:
    """Return the first box of this kind, if there is one."""
    return next((box for box in boxes if box.type == kind), None)


def boxed(kind: bytes, *parts: Part | Parts) -> Parts:
    """Build a box around bytes of ours, spans of the recording, and other boxes."""
    flat: Parts = []
    for part in parts:
        if isinstance(part, list):
            flat += part
        else:
            flat.append(part)
    size = HEADER.size + size_of(flat)
    if size >> 32:
        raise TooComplex("a box of tables is too large")
    return [HEADER.pack(size, kind), *flat]


def full(kind: bytes, version: int, flags: int, *parts: Part | Parts) -> Parts:
    """Build a full box."""
    return boxed(kind, struct.pack(">I", version << 24 | flags), *parts)


def size_of(parts: Parts) -> int:
    """Return how many bytes the parts have."""
    return sum(len(part) if isinstance(part, bytes) else part.end - part.start for part in parts)


def write(parts: Parts, draft: Draft) -> None:
    """Put the parts into a draft."""
    for part in parts:
        if isinstance(part, bytes):
            draft.write(part)
        else:
            draft.copy(part.start, part.end)
