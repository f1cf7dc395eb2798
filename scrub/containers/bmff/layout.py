"""Where the kept chunks lie, and where they will: the new mdat without gaps.

Chunks keep the order in which they lie in the recording, so interleaved tracks stay interleaved
and a plan needs no list of them; what overlaps is copied once.
"""

from __future__ import annotations  # array[int] is a type, not yet an expression

import heapq
import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from scrub.containers.bmff.tables import Chunk, Tables, chunks
from scrub.errors import Malformed, TooComplex
from scrub.plan import MOST_CUTS
from scrub.reading import Reader

MOST_SCATTERED = 1 << 18  # chunks of a track that are in no order


class Kept(NamedTuple):
    """The stretches of the recording that are copied into mdat."""

    starts: array[int]
    ends: array[int]
    places: array[int]  # from the first byte of the new mdat's payload


def layout(reader: Reader, tracks: Sequence[Tables]) -> Kept:
    """Join the chunks of all tracks, in the order of the recording, into stretches to copy."""
    ordered = [_ordered(reader, tables) for tables in tracks]
    starts, ends, places = array("Q"), array("Q"), array("Q")
    place = 0
    for chunk in heapq.merge(*ordered):
        if ends and chunk.start <= ends[-1]:
            if chunk.end > ends[-1]:
                place += chunk.end - ends[-1]
                ends[-1] = chunk.end
        elif chunk.end > chunk.start:
            starts.append(chunk.start)
            ends.append(chunk.end)
            places.append(place)
            place += chunk.end - chunk.start
            if len(starts) > MOST_CUTS:
                raise TooComplex("the recording is in too many pieces")
    if not starts:
        raise Malformed("there is no sound", offset=0)
    return Kept(starts, ends, places)


def _ordered(reader: Reader, tables: Tables) -> Iterator[Chunk]:
    before = -1
    for chunk in chunks(reader, tables):
        if chunk.start < before:
            return _sorted(reader, tables)
        before = chunk.start
    return chunks(reader, tables)


def _sorted(reader: Reader, tables: Tables) -> Iterator[Chunk]:
    if tables.offsets.length > MOST_SCATTERED:
        raise TooComplex("too many chunks in no order")
    return iter(sorted(chunks(reader, tables)))


def moved_offsets(reader: Reader, tables: Tables, kept: Kept, base: int, wide: bool) -> bytes:
    """Return a track's chunk offsets in the new file."""
    offsets = array("Q" if wide else "I")
    for chunk in chunks(reader, tables):
        at = max(0, bisect_right(kept.starts, chunk.start) - 1)
        # An empty chunk may point anywhere.
        inside = kept.starts[at] <= chunk.start <= kept.ends[at]
        place = kept.places[at] + (chunk.start - kept.starts[at] if inside else 0)
        offsets.append(base + place)
    if sys.byteorder == "little":
        offsets.byteswap()
    return offsets.tobytes()
