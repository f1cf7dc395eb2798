"""Where the kept chunks lie, and where they will: the new mdat without gaps.

Chunks keep the order in which they lie in the recording, so interleaved tracks stay interleaved
and a plan needs no list of them; what overlaps is copied once.
"""

from __future__ import annotations  # array[int] is a type, not yet an expression

import heapq
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from scrub.containers.bmff.boxes import Box
from scrub.containers.bmff.edits import Edits
from scrub.containers.bmff.tables import Chunk, Tables, big_endian, blocks, chunks, in_order
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.plan import MOST_CUTS, Draft
from scrub.reading import Reader

MOST_SCATTERED = 1 << 18  # chunks of a track that are in no order


class Kept(NamedTuple):
    """The stretches of the recording that are copied into mdat."""

    starts: array[int]
    ends: array[int]
    places: array[int]  # from the first byte of the new mdat's payload, before edits
    edits: Edits

    @property
    def size(self) -> int:
        """Return how many bytes the new mdat holds."""
        if not self.starts:
            return 0
        end = self.ends[-1]
        return self.places[-1] + end - self.starts[-1] - self.edits.fewer_before(end)

    def write(self, draft: Draft) -> None:
        """Copy the stretches, as they are edited."""
        for start, end in zip(self.starts, self.ends, strict=True):
            self.edits.write(start, end, draft)


class Others:
    """The boxes of a file that hold no samples, in order.

    What points into them would carry their bytes along: metadata as if it were sound.
    """

    def __init__(self) -> None:
        self._starts, self._ends = array("Q"), array("Q")

    def add(self, box: Box) -> None:
        """Note a box, behind those before."""
        self._starts.append(box.start)
        self._ends.append(box.end)

    def refuse(self, start: int, end: int) -> None:
        """Raise Malformed when a stretch of samples reaches into one of them."""
        at = bisect_right(self._ends, start)
        if at < len(self._starts) and self._starts[at] < end:
            raise Malformed("samples lie in a box of something else", offset=start)


def layout(reader: Reader, tracks: Sequence[Tables], edits: Edits) -> Kept:
    """Join the chunks of all tracks, in the order of the recording, into stretches to copy."""
    ordered = [_ordered(reader, tables) for tables in tracks]
    starts, ends, places = array("Q"), array("Q"), array("Q")
    place = 0
    for chunk in heapq.merge(*ordered):
        if chunk.end == chunk.start:
            continue
        if ends and chunk.start <= ends[-1]:
            if edits and chunk.start < ends[-1]:
                raise Unsupported("MP4", "a picture in several samples")
            if chunk.end > ends[-1]:
                place += chunk.end - ends[-1]
                ends[-1] = chunk.end
        else:
            starts.append(chunk.start)
            ends.append(chunk.end)
            places.append(place)
            place += chunk.end - chunk.start
            if len(starts) > MOST_CUTS:
                raise TooComplex("the recording is in too many pieces")
    edits.settle()
    return Kept(starts, ends, places, edits)


def _ordered(reader: Reader, tables: Tables) -> Iterator[Chunk]:
    if in_order(reader, tables):
        return chunks(reader, tables)
    if tables.offsets.length > MOST_SCATTERED:
        raise TooComplex("too many chunks in no order")
    return iter(sorted(chunks(reader, tables)))


def moved_offsets(reader: Reader, tables: Tables, kept: Kept, base: int, wide: bool) -> bytes:
    """Return a track's chunk offsets in the new file."""
    moved = array("Q" if wide else "I")
    for offsets in blocks(reader, tables.offsets, tables.offset_width):
        stretch = bisect_right(kept.starts, offsets[0]) - 1
        last = bisect_right(kept.starts, max(offsets)) - 1
        alike = 0 <= stretch == last and kept.starts[stretch] <= min(offsets)
        if alike and max(offsets) <= kept.ends[stretch] and not kept.edits:
            shift = base + kept.places[stretch] - kept.starts[stretch]
            moved.extend([offset + shift for offset in offsets])  # most blocks lie in one stretch
        else:
            moved.extend([base + _place(kept, offset) for offset in offsets])
    return big_endian(moved)


def _place(kept: Kept, offset: int) -> int:
    """Return where in the new mdat a chunk begins; an empty one may have pointed anywhere."""
    starts, ends, places, edits = kept
    at = bisect_right(starts, offset) - 1
    if at < 0 or offset > ends[at]:
        return 0
    return places[at] + offset - starts[at] - (edits.fewer_before(offset) if edits else 0)
