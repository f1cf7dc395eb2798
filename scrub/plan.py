"""A cut list: the cleaned recording as spans to copy and small literals to write, in order.

    record    u64 start, u64 end                     copy these bytes of the recording
              u64 2^64-1, u64 length, then bytes     write these; at most 64 KiB
    bounds    4 Mi records, 64 MiB of literals

Numbers are little-endian. The same stream of records crosses the worker's pipe and rests in the
notebook, so a list of any length costs no memory, and a four-hour video no more than a memo.
"""

import errno
import io
import struct
import threading
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from scrub.errors import TooComplex, Unproved, WorkerFailed
from scrub.findings import Kind, Tally, Values
from scrub.reading import LONGEST_READ, Reader

RECORD = struct.Struct("<QQ")
LITERAL_MARK = (1 << 64) - 1
LONGEST_LITERAL = 1 << 16
MOST_CUTS = 1 << 22  # two hours of AVCHD, where every picture has its SEI blanked, take two million
MOST_LITERAL_BYTES = 1 << 26
BATCH = 1 << 16  # a draft is handed on whenever this much has gathered


class Span(NamedTuple):
    """Bytes of the recording to copy."""

    start: int
    end: int


class Literal(NamedTuple):
    """Bytes of ours to write."""

    data: bytes


Cut = Span | Literal


@dataclass(frozen=True, slots=True)
class Essence:
    """What must be the same afterwards: coded bytes, and how many samples, frames or packets."""

    size: int = 0
    units: int = 0


class Draft:
    """What a planner writes down as it walks: cuts in output order, findings, essence.

    `sink` is handed encoded records, always whole ones. Neighbouring spans become one. `thorough`
    asks the planner to check also what costs a look at every byte: the proof always asks.
    `values` takes what was found itself, where somebody asked for it.
    """

    def __init__(
        self,
        sink: Callable[[bytes], object],
        *,
        thorough: bool = False,
        values: Values | None = None,
    ) -> None:
        self.tally = Tally()
        self.thorough = thorough
        self.values = values
        self.size = 0
        self.essence = Essence()
        self._sink = sink
        self._start = self._end = 0
        self._literal = bytearray()
        self._batch = bytearray()
        self._cuts = self._literal_bytes = 0

    def copy(self, start: int, end: int) -> None:
        """Keep bytes `start` to `end` of the recording."""
        if start >= end:
            return
        self.size += end - start
        if start == self._end and not self._literal:
            self._end = end
            return
        self._settle()
        self._start, self._end = start, end

    def write(self, data: bytes) -> None:
        """Put bytes of ours here."""
        self.size += len(data)
        for at in range(0, len(data), LONGEST_LITERAL):
            piece = data[at : at + LONGEST_LITERAL]
            if self._end or len(self._literal) + len(piece) > LONGEST_LITERAL:
                self._settle()
            self._literal += piece

    def splice(self, data: bytes, start: int, end: int) -> None:
        """Write a few bytes, then copy: one call for walkers of a hundred thousand small parts."""
        if self._end or self._literal:
            self._settle()
        length = len(data)
        self.size += length + end - start
        self._batch += RECORD.pack(LITERAL_MARK, length) + data + RECORD.pack(start, end)
        self._cuts += 2
        self._literal_bytes += length
        self._hand_on()

    def found(self, kind: Kind, times: int = 1, *, name: str = "", value: str | bytes = "") -> None:
        """Count something that is left out; `value` is what it said, in the field `name`."""
        self.tally.removed(kind, times)
        if value and self.values is not None:
            self.values.add(kind, name, value)

    def sound(self, size: int, units: int) -> None:
        """Count coded sound that is kept."""
        self.essence = Essence(self.essence.size + size, self.essence.units + units)

    def close(self) -> None:
        """Hand the last records on."""
        self._settle()
        if self._batch:
            self._sink(bytes(self._batch))
            self._batch.clear()

    def _settle(self) -> None:
        if self._literal:
            self._batch += RECORD.pack(LITERAL_MARK, len(self._literal))
            self._batch += self._literal
            self._literal_bytes += len(self._literal)
            self._literal.clear()
        elif self._end:
            self._batch += RECORD.pack(self._start, self._end)
            self._start = self._end = 0
        else:
            return
        self._cuts += 1
        self._hand_on()

    def _hand_on(self) -> None:
        if self._cuts > MOST_CUTS or self._literal_bytes > MOST_LITERAL_BYTES:
            raise TooComplex("the recording is in too many pieces")
        if len(self._batch) >= BATCH:
            self._sink(bytes(self._batch))
            self._batch.clear()


class Aside(Draft):
    """A draft that waits: for what has to be known before what is to stand in front of it."""

    def __init__(self, *, thorough: bool = False) -> None:
        self._records: list[bytes] = []
        self._told = Values()  # some of this may never be replayed
        super().__init__(self._records.append, thorough=thorough, values=self._told)

    def replay(self, draft: Draft) -> None:
        """Write all of it, and what was found, into another draft."""
        self.close()
        for records in self._records:
            for cut in decoded(records):
                if isinstance(cut, Literal):
                    draft.write(cut.data)
                else:
                    draft.copy(cut.start, cut.end)
        findings = self.tally.findings()
        for kind, times in findings.removed.items():
            draft.found(kind, times)
        if draft.values is not None:
            for value in self._told:
                draft.values.add(*value)
        for kind in findings.remains:
            draft.tally.remains(kind)
        draft.sound(self.essence.size, self.essence.units)


def stands(reader: Reader, start: int, end: int, parts: Iterable[bytes | Span]) -> bool:
    """Say whether `start` to `end` of a recording is just these parts, one behind the other."""
    at = start
    for part in parts:
        if isinstance(part, Span):
            if part.start != at:
                return False
            at = part.end
        else:
            if reader.upto(at, len(part)) != part:
                return False
            at += len(part)
    return at == end


class CutList:
    """A cut list at rest in a `notebook`: checked record by record, read any number of times.

    The notebook is an empty stream, written in order first, and only then read, also by several
    threads at once. A list that turns out to be wrong is withdrawn, and whoever reads it stops.
    """

    def __init__(self, notebook: BinaryIO, *, within: int) -> None:
        self.size = 0
        self.withdrawn = False
        self._notebook = notebook
        self._turn = threading.Lock()  # the notebook has one position for all who read it
        self._recording_size = within
        self._written = self._cuts = self._literal_bytes = 0

    def extend(self, untrusted: bytes) -> None:
        """Append whole encoded records; WorkerFailed at the first that breaks a bound."""
        at, end = 0, len(untrusted)
        while at < end:
            if end - at < RECORD.size:
                raise WorkerFailed("a cut list record is cut short")
            start, stop = RECORD.unpack_from(untrusted, at)
            at += RECORD.size
            self._cuts += 1
            if start == LITERAL_MARK:
                if not 0 < stop <= min(LONGEST_LITERAL, end - at):
                    raise WorkerFailed("a literal's length is out of bounds")
                at += stop
                self.size += stop
                self._literal_bytes += stop
            elif start < stop <= self._recording_size:
                self.size += stop - start
            else:
                raise WorkerFailed("a span lies outside the recording")
        if self._cuts > MOST_CUTS or self._literal_bytes > MOST_LITERAL_BYTES:
            raise WorkerFailed("the cut list is too long")
        if self.size > 2 * self._recording_size + MOST_LITERAL_BYTES:
            raise WorkerFailed("the result is much larger than the recording")
        self._notebook.write(untrusted)
        self._written += end

    def __iter__(self) -> Iterator[Cut]:
        for batch in self.batches():
            yield from decoded(batch)

    def batches(self) -> Iterator[bytes]:
        """Yield the encoded records, whole ones, about 64 KiB at a time.

        Raises Unproved once the list is withdrawn.
        """
        at = 0
        while at < self._written:
            self.require()
            with self._turn:
                self._notebook.seek(at)
                batch = self._notebook.read(min(2 * LONGEST_LITERAL, self._written - at))
            whole = _whole_records(batch)
            if not whole:
                raise WorkerFailed("the notebook gave back less than was written")
            yield batch[:whole]
            at += whole

    def withdraw(self) -> None:
        """Let nobody use it any more."""
        self.withdrawn = True

    def require(self) -> None:
        """Raise Unproved once the list is withdrawn."""
        if self.withdrawn:
            raise Unproved("the plan was withdrawn")


def _whole_records(batch: bytes) -> int:
    at = whole = 0
    while at + RECORD.size <= len(batch):
        start, stop = RECORD.unpack_from(batch, at)
        at += RECORD.size + (stop if start == LITERAL_MARK else 0)
        if at <= len(batch):
            whole = at
    return whole


def decoded(records: bytes) -> Iterator[Cut]:
    """Yield the cuts of whole, checked records."""
    at = 0
    while at < len(records):
        start, stop = RECORD.unpack_from(records, at)
        at += RECORD.size
        if start == LITERAL_MARK:
            yield Literal(records[at : at + stop])
            at += stop
        else:
            yield Span(start, stop)


def render(cuts: Iterable[Cut], recording: BinaryIO, *, block: int = 1 << 18) -> Iterator[bytes]:
    """Yield the cleaned bytes in order, at most `block` at a time.

    Raises WorkerFailed when the recording has become shorter than a span.
    """
    for cut in cuts:
        if isinstance(cut, Literal):
            yield cut.data
            continue
        recording.seek(cut.start)
        left = cut.end - cut.start
        while left:
            piece = recording.read(min(block, left))
            if not piece:
                raise WorkerFailed("the recording is shorter than its cut list")
            left -= len(piece)
            yield piece


class View(io.RawIOBase):
    """The result of a cut list as a stream that can be read anywhere; nothing is copied.

    The index is sixteen bytes a cut, and all literals one after the other.
    """

    def __init__(self, cuts: Iterable[Cut], recording: BinaryIO) -> None:
        super().__init__()
        self._reader = Reader(recording, window=1 << 18)
        self._begins = array("Q")  # where each cut lies in the result
        self._sources = array("Q")  # 2 × where it comes from, + 1 for a literal
        self._literals = bytearray()
        self._at = self._size = 0
        for cut in cuts:
            self._begins.append(self._size)
            if isinstance(cut, Span):
                start, end = cut
                self._sources.append(start << 1)
                self._size += end - start
            else:
                self._sources.append(len(self._literals) << 1 | 1)
                self._literals += cut.data
                self._size += len(cut.data)
        self._begins.append(self._size)

    def readable(self) -> bool:
        """Say yes: io asks."""
        return True

    def seekable(self) -> bool:
        """Say yes: io asks."""
        return True

    def tell(self) -> int:
        """Return the position in the result."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; positions before the start are an error, behind the end they read nothing."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError(errno.EINVAL, "a position before the start")  # as files say it
        self._at = base + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, fewer only at the end; all that is left without a size."""
        at, stop = self._at, self._size
        if size >= 0:
            stop = min(stop, at + size)
        begins, parts = self._begins, []
        cut = bisect_right(begins, at) - 1
        while at < stop:  # up to half a million cuts pass through here
            begin, next_begin = begins[cut], begins[cut + 1]
            end = min(next_begin, stop, at + LONGEST_READ)
            source = self._sources[cut]
            offset = (source >> 1) + at - begin
            if source & 1:
                parts.append(bytes(self._literals[offset : offset + end - at]))
            else:
                parts.append(self._reader.upto(offset, end - at))
            at = end
            cut += at == next_begin
        self._at = at
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        """Fill `buffer` as far as the result goes."""
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)
