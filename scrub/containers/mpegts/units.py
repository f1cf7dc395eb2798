"""Follow the units of H.264 and H.265 through packets, and blank in place what user data they hold.

A unit begins behind 00 00 01, wherever a packet ends meanwhile, and ends at the next. What stands
in front of the first belongs to no picture and becomes zeros.
"""

import re
from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate
from typing import NamedTuple

from scrub.codecs.nal import Codec, Stream, blanked, pictures
from scrub.containers.mpegts.edits import Edits
from scrub.errors import TooComplex

MARK = b"\0\0\1"
LONGEST_UNIT = 1 << 22


def _others(codec: Codec) -> re.Pattern[bytes]:
    """Return what finds the start codes of units that are no picture, or begin a packet to come."""
    inside = b"".join(b"\\x%02x" % byte for byte in sorted(pictures(codec)))
    return re.compile(b"\0\0\1(?![" + inside + b"])")


_OTHERS = {codec: _others(codec) for codec in Codec}


class Pieces(NamedTuple):
    """Payloads one after the other; `places` tells where they are in the recording.

    It is only asked where something changes, which is seldom.
    """

    payloads: list[bytes]
    places: Callable[[], list[int]]
    last: int  # where the last of them is


class Units:
    """The units of one stream."""

    def __init__(self, codec: Codec) -> None:
        self.stream = Stream(codec)
        self._others = _OTHERS[codec]
        self._bytes = b""  # of a unit, or a start code, that isn't over; and what came now
        self._begins: list[int] = []  # where pieces of those begin, here
        self._places: list[int] = []  # and where they are in the recording
        self._new: Pieces | None = None  # of what came now, until somebody asks
        self._begun = False

    @property
    def held_from(self) -> int | None:
        """Where the first byte is that may still be changed."""
        return self._places[0] if self._places else None

    def follow(self, pieces: Pieces, edits: Edits) -> None:
        """Take the next payloads, of which there are some."""
        self._new = pieces
        self._bytes = b"".join((self._bytes, *pieces.payloads))
        last = self._bytes.rfind(MARK)
        if not self._begun:
            self._blank_front(edits)
        self._keep(self._blank_units(last, edits))
        if len(self._bytes) > LONGEST_UNIT:
            raise TooComplex("a unit is too long")

    def _locate(self) -> None:
        """Find out where what came now is."""
        if self._new is not None:
            sizes = list(map(len, self._new.payloads))
            first = len(self._bytes) - sum(sizes)
            self._begins += accumulate(sizes[:-1], initial=first)
            self._places += self._new.places()
            self._new = None

    def finish(self, edits: Edits) -> None:
        """Blank the last unit, which nothing follows."""
        at = self._bytes.find(MARK)
        if self._begun and at >= 0:
            self._blank(at + len(MARK), len(self._bytes), edits)
        elif not self._begun:
            self._patch(0, bytes(len(self._bytes)), edits)

    def _blank_front(self, edits: Edits) -> None:
        first = self._bytes.find(MARK)
        end = first if first >= 0 else len(self._bytes) - len(MARK) + 1
        if end > 0:
            self._patch(0, bytes(end), edits)
        self._begun = first >= 0

    def _blank_units(self, last: int, edits: Edits) -> int:
        """Blank the units that are over; return from where on the rest is needed."""
        for found in self._others.finditer(self._bytes):
            start = found.end()
            if found.start() == last:
                return last
            self._blank(start, self._bytes.index(MARK, start), edits)
        return max(len(self._bytes) - len(MARK) + 1, 0)

    def _blank(self, start: int, end: int, edits: Edits) -> None:
        unit = self._bytes[start:end]
        new = blanked(unit, self.stream) if unit else None
        if new is not None:
            self._patch(start, new, edits)

    def _patch(self, start: int, new: bytes, edits: Edits) -> None:
        """Change bytes where the pieces are that they came in."""
        self._locate()
        at = bisect_right(self._begins, start) - 1
        end = start + len(new)
        while start < end:
            behind = self._begins[at + 1] if at + 1 < len(self._begins) else len(self._bytes)
            size = min(behind, end) - start
            if self._bytes[start : start + size] != new[:size]:
                place = self._places[at] + start - self._begins[at]
                edits.replace(place, place + size, new[:size])
            start, new, at = start + size, new[size:], at + 1

    def _keep(self, done: int) -> None:
        """Forget what is in front of `done`."""
        left = len(self._bytes) - done
        if self._new is not None and left <= len(self._new.payloads[-1]):
            behind = self._new.last + len(self._new.payloads[-1])
            self._begins, self._places, self._new = [0], [behind - left], None
        else:
            self._locate()
            at = bisect_right(self._begins, done) - 1
            self._places = self._places[at:]
            self._places[0] += done - self._begins[at]
            self._begins = [0, *(begin - done for begin in self._begins[at + 1 :])]
        self._bytes = self._bytes[done:]
        if not left:
            self._begins, self._places = [], []
