"""Read a recording at any offset, exactly or not at all: every parser reads through this.

    window    64 KiB kept from the last read, so that headers a few bytes apart cost one read
    exactly   at most 16 MiB at once; more is a size nobody checked

No number found in a recording is used as a length before it was compared with the bytes there are.
"""

from collections.abc import Iterator
from typing import BinaryIO, Literal

from scrub.errors import Malformed, ScrubError, TooComplex, WorkerFailed

WINDOW = 1 << 16
LONGEST_READ = 1 << 24


class Reader:
    """A recording of `size` bytes."""

    def __init__(self, recording: BinaryIO, *, window: int = WINDOW) -> None:
        self._recording = recording
        self._window_size = window
        self._start = 0
        self._window = b""
        self.size = recording.seek(0, 2)

    def until(self, end: int) -> "Reader":
        """Return a reader of the same recording that ends at `end`."""
        part = Reader(self._recording, window=self._window_size)
        part.size = min(end, self.size)
        return part

    def upto(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset`, fewer only where the recording ends."""
        length = max(0, min(length, self.size - offset))
        if length > LONGEST_READ:
            raise TooComplex("a part to be read at once is too long")
        begin = offset - self._start
        if begin < 0 or begin + length > len(self._window):
            if length >= self._window_size:
                return self._fetch(offset, length)
            self._window = self._fetch(offset, min(self._window_size, self.size - offset))
            self._start, begin = offset, 0
        return self._window[begin : begin + length]

    def exactly(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset`; Malformed when the recording ends before."""
        found = self.upto(offset, length)
        if len(found) != length:
            raise Malformed("the recording ends in the middle of a part", offset=offset)
        return found

    def blocks(self, start: int, end: int, block: int = 1 << 20) -> Iterator[tuple[int, bytes]]:
        """Yield (offset, bytes) over a stretch, in order."""
        for offset in range(start, end, block):
            yield offset, self._fetch(offset, min(block, end - offset))

    def number(self, offset: int, length: int, order: Literal["big", "little"]) -> int:
        """Return an unsigned integer of `length` bytes."""
        return int.from_bytes(self.exactly(offset, length), order)

    def _fetch(self, offset: int, length: int) -> bytes:
        if length <= 0:
            return b""
        try:
            self._recording.seek(offset)
            parts = [self._recording.read(length)]  # a raw stream may give less than asked for
            missing = length - len(parts[0])
            while missing and (more := self._recording.read(missing)):
                parts.append(more)
                missing -= len(more)
        except (ScrubError, MemoryError):
            raise
        except Exception:  # noqa: BLE001  # the opener's own: it may be anything, and quote bytes
            raise WorkerFailed("the recording could not be read") from None
        if missing:
            raise WorkerFailed("the recording is shorter than it was")
        return parts[0] if len(parts) == 1 else b"".join(parts)
