"""Movie fragments, rebuilt one by one: each moof anew, and behind it its samples without gaps.

    mvex      mehd: u32 or u64 duration; a trex a track: id, description, duration, size, flags
    moof      mfhd: u32 number; a traf a track and stretch of time
    traf      tfhd: id, where samples lie, defaults as in trex; tfdt: when it begins; truns
    trun      u32 count, i32 data offset, u32 flags of the first; for each sample, where they
              differ: u32 duration, u32 size, u32 flags, u32 what it is shown later

Data offsets count from the moof. Times that count from 1970 begin at zero instead. Of a sample's
flags stay whether it depends on others and whether it is a key. What no kept track refers to is not
copied, so prft, emsg, sidx, mfra and what else stands between fragments are gone.
ISO/IEC 14496-12, 8.8.
"""

from __future__ import annotations  # array[int] is a type, not yet an expression

import struct
from array import array
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate, pairwise
from typing import NamedTuple

from scrub.containers.bmff.boxes import HEADER, Box, Parts, boxed, children, first, full, size_of
from scrub.containers.bmff.boxes import write as write_parts
from scrub.containers.bmff.edits import Edits
from scrub.containers.bmff.entry import Entry
from scrub.containers.bmff.headers import possible
from scrub.containers.bmff.layout import Others
from scrub.containers.bmff.tables import MOST_SAMPLES, big_endian
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

BASE_OFFSET, DESCRIPTION, DURATION, SIZE, FLAGS = 0x1, 0x2, 0x8, 0x10, 0x20
NO_SAMPLES, BASE_IS_MOOF = 0x10000, 0x20000
DATA_OFFSET, FIRST_FLAGS = 0x1, 0x4
COLUMNS = DURATION_EACH, SIZE_EACH, FLAGS_EACH, LATER_EACH = 0x100, 0x200, 0x400, 0x800
KEPT_FLAGS = 0x03010000  # depends on others, is no key
LONGEST_RUN = 1 << 23
MOST_RUNS = 1 << 14  # in a fragment
SURELY_A_CLOCK = 100_000_000  # seconds: three years
LATEST = 1 << 56  # units of time: what is more is text
TREX = struct.Struct(">IIIII")


class Defaults(NamedTuple):
    """What holds for samples of a track unless they say otherwise."""

    description: int
    duration: int
    size: int
    flags: int


class Fragmented(NamedTuple):
    """A kept track, as fragments refer to it."""

    number: int
    entries: list[Entry]
    defaults: Defaults
    timescale: int


class Run(NamedTuple):
    """Samples in a row: their trun rebuilt, but for where they will lie, and where they lie."""

    head: bytes  # version, flags, count
    behind: bytes  # what follows the data offset
    start: int
    end: int
    size: int  # as they are edited
    samples: int


class Traf(NamedTuple):
    """A track's part of a fragment."""

    head: Parts  # tfhd, tfdt
    runs: list[Run]


def defaults(reader: Reader, mvex: Box) -> dict[int, Defaults]:
    """Return the defaults of each track, by its id."""
    found: dict[int, Defaults] = {}
    for box in children(reader, mvex):
        if box.type == b"trex" and box.end - box.payload >= 4 + TREX.size:
            number, *rest = TREX.unpack(reader.exactly(box.payload + 4, TREX.size))
            found.setdefault(number, Defaults(*rest))
    return found


def built_mvex(reader: Reader, mvex: Box, tracks: list[Defaults]) -> Parts:
    """Return mvex for tracks that are numbered from 1."""
    inside: Parts = []
    mehd = first(list(children(reader, mvex)), b"mehd")
    if mehd is not None:
        version = reader.number(mehd.payload, 1, "big") & 1
        duration = possible(reader.exactly(mehd.payload + 4, 8 if version else 4))
        inside += full(b"mehd", version, 0, duration)
    for number, each in enumerate(tracks, 1):
        packed = TREX.pack(number, *each._replace(flags=each.flags & KEPT_FLAGS))
        inside += full(b"trex", 0, 0, packed)
    return boxed(b"mvex", inside)


class Fragments:
    """Fragments as they are rebuilt, numbered from 1."""

    def __init__(
        self, reader: Reader, tracks: Mapping[int, Fragmented], others: Others, draft: Draft
    ) -> None:
        self._others = others
        self._reader = reader
        self._tracks = tracks
        self._draft = draft
        self._number = 0
        self._clock = 0  # seconds to take from every time
        self.size = 0  # of all samples kept

    def find_clock(self, moofs: Iterable[Box]) -> None:
        """Find out whether times are a clock's: live streams often count from 1970."""
        begins: dict[int, int] = {}
        for moof in moofs:
            for traf in children(self._reader, moof):
                inside = list(children(self._reader, traf)) if traf.type == b"traf" else []
                tfhd, tfdt = first(inside, b"tfhd"), first(inside, b"tfdt")
                if tfhd is None or tfdt is None:
                    continue
                track = self._tracks.get(self._reader.number(tfhd.payload + 4, 4, "big"))
                if track is not None:
                    _, time = _read_tfdt(self._reader, tfdt)
                    begins.setdefault(track.number, time // max(1, track.timescale))
        earliest = min(begins.values(), default=0)
        if earliest >= SURELY_A_CLOCK:
            self._clock = earliest
            self._draft.found(Kind.TIME)

    def add(self, moof: Box) -> None:
        """Write one fragment, if it has samples of a kept track."""
        edits = Edits()
        trafs = [traf for traf in self._trafs(moof, edits) if traf.runs]
        if not trafs:
            return
        edits.settle()
        self._number += 1
        runs = sorted(
            (run for traf in trafs for run in traf.runs if run.start < run.end),
            key=lambda run: run.start,
        )
        if edits and any(one.end > two.start for one, two in pairwise(runs)):
            raise Unsupported("MP4", "a picture in several samples")
        for run in runs:
            self._others.refuse(run.start, run.end)
        length = sum(run.size for run in runs)
        places = dict(
            zip(map(id, runs), accumulate((r.size for r in runs), initial=0), strict=False)
        )
        head = size_of(_moof(self._number, trafs, {}, 0)) + HEADER.size
        if head + length >= 1 << 31:
            raise TooComplex("a fragment is too long")
        write_parts(_moof(self._number, trafs, places, head), self._draft)
        self._draft.write(HEADER.pack(length + HEADER.size, b"mdat"))
        for run in runs:
            edits.write(run.start, run.end, self._draft)
        self.size += length
        if self.size > self._reader.size:
            raise Malformed("samples overlap", offset=moof.start)
        self._draft.sound(length, sum(run.samples for traf in trafs for run in traf.runs))

    def _trafs(self, moof: Box, edits: Edits) -> Iterator[Traf]:
        at = moof.start
        for box in children(self._reader, moof):
            if box.type == b"traf":
                traf, at = self._traf(box, moof, at, edits)
                if traf is not None:
                    yield traf
            elif box.type != b"mfhd":
                self._draft.found(Kind.UNKNOWN_CHUNK)

    def _traf(self, box: Box, moof: Box, implied: int, edits: Edits) -> tuple[Traf | None, int]:
        """Return a track's part, and where the data of the next begin unless it says so."""
        reader, draft = self._reader, self._draft
        inside = list(children(reader, box))
        tfhd = first(inside, b"tfhd")
        if tfhd is None:
            raise Malformed("there is no tfhd box", offset=box.start)
        flags, number = struct.unpack(">II", reader.exactly(tfhd.payload, 8))
        track = self._tracks.get(number)
        fields = _Fields(reader, tfhd, tfhd.payload + 8)
        base = moof.start if flags & BASE_IS_MOOF else implied
        if flags & BASE_OFFSET:
            base = fields.take(8)
        told = track.defaults if track else Defaults(0, 0, 0, 0)
        values = {
            flag: fields.take(4) if flags & flag else default
            for flag, default in zip((DESCRIPTION, DURATION, SIZE, FLAGS), told, strict=True)
        }
        values[FLAGS] &= KEPT_FLAGS
        kept = flags & (DESCRIPTION | DURATION | SIZE | FLAGS | NO_SAMPLES)
        stored = b"".join(struct.pack(">I", values[f]) for f in values if kept & f)
        new = struct.pack(">I", track.number if track else 0) + stored
        head = full(b"tfhd", 0, kept | BASE_IS_MOOF, new)
        runs: list[Run] = []
        for each in inside:
            if each.type == b"trun":
                run, implied = self._run(each, track, values, base, implied, edits)
                runs += [run] if run is not None else []
            elif each.type == b"tfdt":
                version, time = _read_tfdt(reader, each)
                time = max(0, time - self._clock * (track.timescale if track else 0))
                if track and time >= LATEST:
                    raise Malformed("a fragment's time makes no sense", offset=each.start)
                head += full(b"tfdt", version, 0, time.to_bytes(8 if version else 4, "big"))
            elif each.type != b"tfhd":
                draft.found(Kind.UNKNOWN_CHUNK)
        if track is None:
            draft.found(Kind.OTHER_STREAM)
            return None, implied
        return Traf(head, runs), implied

    def _run(
        self,
        box: Box,
        track: Fragmented | None,
        values: Mapping[int, int],
        base: int,
        implied: int,
        edits: Edits,
    ) -> tuple[Run | None, int]:
        """Return a trun rebuilt, and where its data end; None where no sample of it is there."""
        reader = self._reader
        first_word, count = struct.unpack(">II", reader.exactly(box.payload, 8))
        fields = _Fields(reader, box, box.payload + 8)
        start = implied
        if first_word & DATA_OFFSET:
            offset = fields.take(4)
            start = base + offset - (offset >> 31 << 32)
        if not 0 <= start <= reader.size:
            self._draft.found(Kind.SLACK)
            return None, implied
        table = _Table(fields, first_word, count, values[SIZE])
        whole = table.sizes_end(start, reader.size)
        if whole < count:  # the recording was cut off
            self._draft.found(Kind.SLACK)
            table.cut(whole)
        end = start + table.total()
        if track is None or not whole:
            return None, end
        if not 1 <= values[DESCRIPTION] <= len(track.entries):
            raise Malformed("samples refer to no description", offset=box.start)
        clean = track.entries[values[DESCRIPTION] - 1].clean
        if clean is not None:
            new, at, changed = array("I"), start, False
            for size in table.sizes():
                cuts = clean(reader, at, at + size)
                changed |= cuts is not None
                new.append(size if cuts is None else edits.add(at, at + size, cuts))
                at += size
            if changed:
                table.resize(new)
        head, behind = table.built()
        return Run(head, behind, start, end, table.total(), whole), end


def _read_tfdt(reader: Reader, tfdt: Box) -> tuple[int, int]:
    """Return version and time."""
    version = reader.number(tfdt.payload, 1, "big") & 1
    return version, reader.number(tfdt.payload + 4, 8 if version else 4, "big")


class _Fields:
    """The numbers at the front of a box."""

    def __init__(self, reader: Reader, box: Box, at: int) -> None:
        self.reader = reader
        self.box = box
        self.at = at

    def take(self, length: int) -> int:
        self.at += length
        if self.at > self.box.end:
            raise Malformed("a fragment's box is too short", offset=self.box.start)
        return self.reader.number(self.at - length, length, "big")


class _Table:
    """The numbers of a trun, column by column."""

    def __init__(self, fields: _Fields, first_word: int, count: int, size: int) -> None:
        self._version = first_word >> 24 & 1
        self._first_flags = None
        if first_word & FIRST_FLAGS:
            self._first_flags = fields.take(4) & KEPT_FLAGS
        names = [column for column in COLUMNS if first_word & column]
        length = 4 * len(names) * count
        if fields.at + length > fields.box.end:
            raise Malformed("a fragment's box is too short", offset=fields.box.start)
        if length > LONGEST_RUN or count > MOST_SAMPLES:
            raise TooComplex("too many samples in a fragment")
        words = array("I", fields.reader.exactly(fields.at, length))
        words = array("I", big_endian(words))
        self._columns = {name: words[at :: len(names)] for at, name in enumerate(names)}
        if FLAGS_EACH in self._columns:
            masked = (flags & KEPT_FLAGS for flags in self._columns[FLAGS_EACH])
            self._columns[FLAGS_EACH] = array("I", masked)
        self._count = count
        self._size = size

    def sizes_end(self, start: int, end: int) -> int:
        """Return how many samples lie whole between two offsets."""
        column = self._columns.get(SIZE_EACH)
        if column is None:
            return min(self._count, (end - start) // self._size) if self._size else self._count
        if start + sum(column) <= end:
            return self._count
        return sum(1 for so_far in accumulate(column) if start + so_far <= end)

    def cut(self, count: int) -> None:
        """Leave the samples behind the first `count` out."""
        self._count = count
        for column in self._columns.values():
            del column[count:]

    def sizes(self) -> Iterator[int]:
        """Yield the size of every sample."""
        column = self._columns.get(SIZE_EACH)
        return iter(column) if column is not None else (self._size for _ in range(self._count))

    def resize(self, sizes: array[int]) -> None:
        """Give every sample a size of its own."""
        self._columns[SIZE_EACH] = sizes

    def total(self) -> int:
        """Return the bytes of all samples."""
        column = self._columns.get(SIZE_EACH)
        return sum(column) if column is not None else self._size * self._count

    def built(self) -> tuple[bytes, bytes]:
        """Return trun's payload before its data offset, and behind it."""
        names = [column for column in COLUMNS if column in self._columns]
        flags = DATA_OFFSET | sum(names) | (0 if self._first_flags is None else FIRST_FLAGS)
        words = array("I", bytes(4 * len(names) * self._count))
        for at, name in enumerate(names):
            words[at :: len(names)] = self._columns[name]
        front = b"" if self._first_flags is None else struct.pack(">I", self._first_flags)
        head = struct.pack(">II", self._version << 24 | flags, self._count)
        return head, front + big_endian(words)


def _moof(number: int, trafs: list[Traf], places: Mapping[int, int], base: int) -> Parts:
    inside = full(b"mfhd", 0, 0, struct.pack(">I", number))
    for traf in trafs:
        runs: Parts = []
        for run in traf.runs:
            offset = struct.pack(">I", base + places.get(id(run), 0))
            runs += boxed(b"trun", run.head, offset, run.behind)
        inside += boxed(b"traf", traf.head, runs)
    return boxed(b"moof", inside)
