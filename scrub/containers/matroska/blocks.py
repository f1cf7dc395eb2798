"""Blocks: the frames of a track, and around them nothing but what says where they belong.

    SimpleBlock   A3: track 1 byte or more, i16 time from the cluster's, flags, lacing, frames
    BlockGroup    A0: Block A1 (the same), BlockDuration 9B, ReferenceBlock FB, DiscardPadding
                  75A2, BlockAdditions 75A1 { BlockMore A6 { id EE, data A5 } }
    flags         80 key frame, 08 invisible, 06 lacing, 01 may be discarded; in a Block 08 and 06

Heads are written anew in as few bytes as they need, with the flags that are defined. A reference
becomes 0, which says that the frame needs another one, but not which. RFC 9559, 5.1.3 and 10.
"""

from collections.abc import Sequence
from typing import NamedTuple

from scrub.containers.matroska.ebml import (
    CRC,
    VOID,
    Element,
    children,
    head_of,
    signed,
    signed_element,
    unsigned,
    unsigned_element,
)
from scrub.containers.matroska.lacing import frames_laced
from scrub.containers.matroska.tracks import Track
from scrub.errors import Unsupported
from scrub.findings import Kind
from scrub.plan import Draft, Literal, Span
from scrub.reading import Reader

SIMPLE_BLOCK, BLOCK_GROUP, BLOCK = 0xA3, 0xA0, 0xA1
ADDITIONS, MORE, ADDITION_ID, ADDITION = 0x75A1, 0xA6, 0xEE, 0xA5
DURATION, REFERENCE, DISCARD, STATE = 0x9B, 0xFB, 0x75A2, 0xA4
GROUP_FIELDS = frozenset({BLOCK, ADDITIONS, DURATION, REFERENCE, DISCARD})
KEY_FRAME, LACING = 0x80, 0x06
SIMPLE_FLAGS, BLOCK_FLAGS = 0x8F, 0x0E
LONGEST_HEAD = 8 + 3
MOST_DURATION = 1 << 32
MOST_DISCARDED = 10**9  # nanoseconds

Part = bytes | Span


class Kept(NamedTuple):
    """A block or a group as it is written, and what there is to know of it."""

    track: Track
    time: int  # from the cluster's
    is_key: bool
    size: int  # of its frames
    units: int
    has_addition: bool
    parts: list[Part]


class _Block(NamedTuple):
    track: Track
    head: bytes  # track, time, flags: four bytes
    frames: list[Part]
    units: int


class Blocks:
    """What is kept of the blocks of these tracks."""

    def __init__(self, reader: Reader, tracks: Sequence[Track], draft: Draft) -> None:
        self._reader = reader
        self._draft = draft
        self._tracks = {track.number: track for track in tracks}

    def kept(self, element: Element) -> Kept | None:
        """Return what is kept of a SimpleBlock or a BlockGroup; None when it goes.

        Raises Malformed when it is damaged, Unsupported when it can't be looked into.
        """
        return self._simple(element) if element.id == SIMPLE_BLOCK else self._group(element)

    def _simple(self, element: Element) -> Kept | None:
        block = self._block(element, SIMPLE_FLAGS)
        if block is None:
            return None
        parts = [block.head, *block.frames]
        parts.insert(0, head_of(SIMPLE_BLOCK, _size(parts)))
        return _kept(block, parts, is_key=bool(block.head[3] & KEY_FRAME), has_addition=False)

    def _group(self, element: Element) -> Kept | None:
        """Keep a block with what belongs to it."""
        fields: dict[int, Element] = {}
        for child in children(self._reader, element.payload, element.end):
            if child.id in GROUP_FIELDS and child.id not in fields:
                fields[child.id] = child
            elif child.id == STATE:
                raise Unsupported("Matroska", "a codec whose settings change")
            elif child.id != CRC:
                self._draft.found(Kind.PADDING if child.id == VOID else Kind.UNKNOWN_CHUNK)
        block = self._block(fields[BLOCK], BLOCK_FLAGS) if BLOCK in fields else None
        if block is None:
            return None
        parts = [block.head, *block.frames]
        parts.insert(0, head_of(BLOCK, _size(parts)))
        addition = self._addition(block.track, fields[ADDITIONS]) if ADDITIONS in fields else []
        parts += [*addition, self._numbers(fields)]
        parts.insert(0, head_of(BLOCK_GROUP, _size(parts)))
        return _kept(block, parts, is_key=REFERENCE not in fields, has_addition=bool(addition))

    def _numbers(self, fields: dict[int, Element]) -> bytes:
        """Return duration, reference and padding: which other block is referred to is not said."""
        written = b""
        if DURATION in fields:
            duration = unsigned(self._reader, fields[DURATION])
            if duration <= MOST_DURATION:
                written += unsigned_element(DURATION, duration)
        if REFERENCE in fields:
            written += unsigned_element(REFERENCE, 0)
        if DISCARD in fields:
            nanoseconds = signed(self._reader, fields[DISCARD])
            if abs(nanoseconds) <= MOST_DISCARDED:
                written += signed_element(DISCARD, nanoseconds)
        return written

    def _addition(self, track: Track, additions: Element) -> list[Part]:
        """Return the one addition that is a frame beside the frame; all others go."""
        for more in children(self._reader, additions.payload, additions.end):
            fields = {child.id: child for child in children(self._reader, more.payload, more.end)}
            which = unsigned(self._reader, fields[ADDITION_ID]) if ADDITION_ID in fields else 1
            if track.may_have_additions and more.id == MORE and which == 1 and ADDITION in fields:
                frame = Span(fields[ADDITION].payload, fields[ADDITION].end)
                parts: list[Part] = [head_of(ADDITION, frame.end - frame.start), frame]
                parts.insert(0, unsigned_element(ADDITION_ID, 1))
                parts.insert(0, head_of(MORE, _size(parts)))
                return [head_of(ADDITIONS, _size(parts)), *parts]
        self._draft.found(Kind.UNKNOWN_CHUNK)
        return []

    def _block(self, element: Element, flags: int) -> _Block | None:
        """Return what is kept of a block; None when it goes."""
        head = self._reader.upto(element.payload, LONGEST_HEAD)
        width = 9 - head[0].bit_length() if head and head[0] else 0
        at = element.payload + width + 3
        if not width or at > element.end:
            self._draft.found(Kind.SLACK)
            return None
        track = self._tracks.get(int.from_bytes(head[:width], "big") & (1 << 7 * width) - 1)
        if track is None:
            return None
        kept_head = bytes([0x80 | track.new_number]) + head[width : width + 2]
        kept_head += bytes([head[width + 2] & flags])
        frames: list[Part] = [Span(at, element.end)]
        units = 1
        if kept_head[3] & LACING:
            units = frames_laced(self._reader, at, element.end, kept_head[3] & LACING)
        clean_frame = track.settings.clean_frame
        if clean_frame:
            if kept_head[3] & LACING:
                raise Unsupported("Matroska", "several pictures in a block")
            cleaned = clean_frame(self._reader, at, element.end)
            if cleaned is not None:
                frames = [cut.data if isinstance(cut, Literal) else cut for cut in cleaned]
        return _Block(track, kept_head, frames, units) if _size(frames) else None


def _kept(block: _Block, parts: list[Part], *, is_key: bool, has_addition: bool) -> Kept:
    time = int.from_bytes(block.head[1:3], "big", signed=True)
    size = _size(block.frames)
    return Kept(block.track, time, is_key, size, block.units, has_addition, parts)


def _size(parts: list[Part]) -> int:
    return sum(part.end - part.start if isinstance(part, Span) else len(part) for part in parts)
