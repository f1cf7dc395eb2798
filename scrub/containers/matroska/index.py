"""What finds things for a player: SeekHead for the parts of a segment, Cues for its clusters.

    SeekHead    114D9B74 { Seek 4DBB { SeekID 53AB, SeekPosition 53AC } }
    Cues        1C53BB6B { CuePoint BB { CueTime B3, CueTrackPositions B7 { CueTrack F7,
                CueClusterPosition F1 } } }

Positions count from the front of the segment's payload. Their width is fixed here, so that the
size of an index doesn't depend on what it says. RFC 9559, 5.1.1 and 5.1.5.
"""

from __future__ import annotations  # array[int] is a type, not yet an expression

import struct
from array import array
from collections.abc import Iterable, Iterator

from scrub.containers.matroska.ebml import element, id_bytes, wide_head

SEEK_HEAD, SEEK, SEEK_ID, SEEK_POSITION = 0x114D9B74, 0x4DBB, 0x53AB, 0x53AC
CUES = 0x1C53BB6B
MOST_CUES = 1 << 18
CUE = struct.Struct(">4sQ4sB2sQ")  # a CuePoint: time, track, position of the cluster
CUE_TIME, CUE_TRACK, CUE_POSITION = b"\xbb\x99\xb3\x88", b"\xb7\x8d\xf7\x81", b"\xf1\x88"
AT_ONCE = 1024


class Cues:
    """The clusters in which a key frame of one track stands."""

    def __init__(self, track: int) -> None:
        self.track = track
        self._times = array("Q")
        self._offsets = array("Q")

    def add(self, time: int, offset: int) -> None:
        """Note a key frame, and where its cluster lies among the others."""
        if len(self._times) < MOST_CUES:
            self._times.append(time)
            self._offsets.append(offset)

    @property
    def size(self) -> int:
        """Return how many bytes they take when written: none when there are none."""
        points = CUE.size * len(self._times)
        return len(wide_head(CUES, points)) + points if points else 0

    def written(self, first_cluster: int) -> Iterator[bytes]:
        """Yield the element, some points at a time; the clusters begin at this position."""
        if self._times:
            yield wide_head(CUES, CUE.size * len(self._times))
        for at in range(0, len(self._times), AT_ONCE):
            some = zip(self._times[at : at + AT_ONCE], self._offsets[at:], strict=False)
            yield b"".join(
                CUE.pack(
                    CUE_TIME, time, CUE_TRACK, self.track, CUE_POSITION, first_cluster + offset
                )
                for time, offset in some
            )


def seek_head(parts: Iterable[tuple[int, int]]) -> bytes:
    """Return a SeekHead for parts, given by id and size, that follow it in this order."""
    parts = list(parts)
    position = len(_seek_head([0] * len(parts), parts))
    positions = []
    for _, size in parts:
        positions.append(position)
        position += size
    return _seek_head(positions, parts)


def _seek_head(positions: list[int], parts: list[tuple[int, int]]) -> bytes:
    seeks = (
        element(
            SEEK,
            element(SEEK_ID, id_bytes(name)),
            element(SEEK_POSITION, position.to_bytes(8, "big")),
        )
        for position, (name, _) in zip(positions, parts, strict=True)
    )
    return element(SEEK_HEAD, *seeks)
