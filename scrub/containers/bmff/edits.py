"""Where bytes inside the kept samples are left out or replaced: SEI units, mostly.

    edit      u64 start, u64 end in the recording; the bytes that stand there instead
    bounds    512 Ki edits, 16 MiB of bytes

Samples lie in chunks in any order, so edits are put in the recording's order before they are used.
"""

from __future__ import annotations  # array[int] is a type, not yet an expression

from array import array
from bisect import bisect_left, bisect_right

from scrub.errors import TooComplex, Unsupported
from scrub.plan import Cut, Draft, Literal
from scrub.reading import Reader

MOST_EDITS = 1 << 19
MOST_BYTES = 1 << 24


class Edits:
    """Edits while they are gathered, then in order."""

    def __init__(self) -> None:
        self._starts, self._ends = array("Q"), array("Q")
        self._texts = [array("Q"), array("Q")]  # where the bytes of each begin and end
        self._bytes = bytearray()
        self._fewer = array("q")  # bytes left out up to the end of each
        self._in_order = True

    def __len__(self) -> int:
        return len(self._starts)

    def add(self, start: int, end: int, cuts: list[Cut]) -> int:
        """Note how a sample is cut; return its new size."""
        at, text, size = start, b"", 0
        for cut in cuts:
            if isinstance(cut, Literal):
                text += cut.data
                size += len(cut.data)
                continue
            self._note(at, cut.start, text)
            at, text = cut.end, b""
            size += cut.end - cut.start
        self._note(at, end, text)
        return size

    def settle(self) -> None:
        """Put the edits in order; Unsupported when samples that change share bytes."""
        if not self._in_order:
            order = sorted(range(len(self._starts)), key=self._starts.__getitem__)
            self._starts, self._ends, *self._texts = (
                array("Q", map(numbers.__getitem__, order))
                for numbers in (self._starts, self._ends, *self._texts)
            )
        del self._fewer[:]
        before = fewer = 0
        for start, end, *text in zip(self._starts, self._ends, *self._texts, strict=True):
            if start < before:
                raise Unsupported("MP4", "a picture in several samples")
            before = end
            fewer += end - start - (text[1] - text[0])
            self._fewer.append(fewer)

    def fewer_before(self, offset: int) -> int:
        """Return by how many bytes the result is shorter in front of `offset`."""
        at = bisect_right(self._ends, offset)
        return self._fewer[at - 1] if at else 0

    def edited(self, reader: Reader, start: int, end: int) -> bytes:
        """Return the bytes of a stretch that stay as they were, if they are not many."""
        kept, at = [], start
        for i in range(bisect_left(self._starts, start), bisect_left(self._starts, end)):
            kept.append(reader.upto(at, self._starts[i] - at))
            at = self._ends[i]
        return b"".join([*kept, reader.upto(at, end - at)])

    def write(self, start: int, end: int, draft: Draft) -> None:
        """Copy a stretch of the recording, with its edits made."""
        if not self._starts:
            draft.copy(start, end)
            return
        at = start
        begins, ends = self._texts
        for i in range(bisect_left(self._starts, start), bisect_left(self._starts, end)):
            draft.copy(at, self._starts[i])
            draft.write(bytes(self._bytes[begins[i] : ends[i]]))
            at = self._ends[i]
        draft.copy(at, end)

    def _note(self, start: int, end: int, text: bytes) -> None:
        if start == end and not text:
            return
        if len(self._starts) >= MOST_EDITS or len(self._bytes) + len(text) > MOST_BYTES:
            raise TooComplex("the recording is in too many pieces")
        self._in_order &= not self._starts or start >= self._starts[-1]
        self._starts.append(start)
        self._ends.append(end)
        self._texts[0].append(len(self._bytes))
        self._bytes += text
        self._texts[1].append(len(self._bytes))
