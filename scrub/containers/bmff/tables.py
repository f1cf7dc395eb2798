"""The sample tables of a track: where its samples and chunks lie.

    stsz      u32 size of all samples, or 0, and u32 count; then a u32 each when it is 0
    stz2      24 reserved bits, u8 width (4, 8 or 16), u32 count; a number of that width each
    stsc      u32 count; u32 first chunk, u32 samples a chunk, u32 description, from 1
    stco      u32 count; a u32 offset each; co64: a u64 each

All are full boxes. Chunks are read as a stream, so an hour or a day costs the same memory.
ISO/IEC 14496-12, 8.7.
"""

from __future__ import annotations  # array[int] is a type, not yet an expression

import sys
from array import array
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from scrub.containers.bmff.boxes import Box
from scrub.errors import Malformed, TooComplex
from scrub.reading import Reader

MOST_CHUNKS = 1 << 22
MOST_RUNS = 1 << 20
MOST_SAMPLES = 1 << 23  # that are looked at one by one
BLOCK = 1 << 18


class Chunk(NamedTuple):
    """Samples that lie together."""

    start: int
    end: int


class Sample(NamedTuple):
    """One sample, and its description, from 1."""

    start: int
    end: int
    description: int


class Table(NamedTuple):
    """A table's entries: where they lie, and how many."""

    start: int
    length: int


class Tables(NamedTuple):
    """What is needed to find every sample of a track."""

    sizes: Table
    same_size: int  # of every sample; 0 when `sizes` tells each
    small_sizes: array[int] | None  # of stz2, read
    runs: Table
    offsets: Table
    offset_width: int
    frame_size: int  # of uncompressed sound, where a "sample" is a frame
    packet: tuple[int, int]  # samples and bytes of a fixed packet, or zeros


def table(reader: Reader, box: Box, width: int, skip: int = 4) -> Table:
    """Return the entries of a full box that counts them; Malformed when they don't fit."""
    count = reader.number(box.payload + skip, 4, "big")
    start = box.payload + skip + 4
    if start + count * width > box.end:
        raise Malformed("a table is longer than its box", offset=box.start)
    return Table(start, count)


def small_sizes(reader: Reader, stz2: Box) -> array[int]:
    """Return the sizes of stz2."""
    width = reader.number(stz2.payload + 7, 1, "big")
    count = reader.number(stz2.payload + 8, 4, "big")
    if width not in (4, 8, 16) or stz2.payload + 12 + (count * width + 7) // 8 > stz2.end:
        raise Malformed("a table is longer than its box", offset=stz2.start)
    if count > MOST_SAMPLES:
        raise TooComplex("too many samples")
    raw = reader.exactly(stz2.payload + 12, (count * width + 7) // 8)
    if width == 4:
        return array("I", (byte >> shift & 15 for byte in raw for shift in (4, 0)))[:count]
    return array("I", array("B", raw) if width == 8 else _swapped(array("H", raw)))


def chunks(reader: Reader, tables: Tables) -> Iterator[Chunk]:
    """Yield where a track's chunks lie, in its own order.

    Raises Malformed when the tables disagree or a chunk lies outside the recording.
    """
    sizes = _Sizes(reader, tables)
    for start, samples, _ in _starts(reader, tables):
        size = sizes.take(samples)
        if start + size > reader.size:
            raise Malformed("a chunk lies outside the recording", offset=start)
        yield Chunk(start, start + size)
    if sizes.left:
        raise Malformed("samples belong to no chunk", offset=tables.sizes.start)


def in_order(reader: Reader, tables: Tables) -> bool:
    """Say whether a track's chunks lie one behind the other."""
    before = 0
    for block in blocks(reader, tables.offsets, tables.offset_width):
        if before > block[0] or sorted(block) != block.tolist():
            return False
        before = block[-1]
    return True


def samples(reader: Reader, tables: Tables) -> Iterator[Sample]:
    """Yield where a track's samples lie; sizes are those that stsz or stz2 tell.

    Raises Malformed when one lies outside the recording.
    """
    if tables.sizes.length > MOST_SAMPLES:
        raise TooComplex("too many samples")
    sizes = each_size(reader, tables)
    for start, count, description in _starts(reader, tables):
        at = start
        for size in islice(sizes, count):
            end = at + size
            if end > reader.size:
                raise Malformed("a sample lies outside the recording", offset=at)
            yield Sample(at, end, description)
            at = end


def each_size(reader: Reader, tables: Tables) -> Iterator[int]:
    """Yield the size of every sample."""
    if tables.same_size:
        return (tables.same_size for _ in range(tables.sizes.length))
    if tables.small_sizes is not None:
        return iter(tables.small_sizes)
    return numbers(reader, tables.sizes, 4)


def _starts(reader: Reader, tables: Tables) -> Iterator[tuple[int, int, int]]:
    """Yield where each chunk begins, how many samples it may hold, and their description."""
    if tables.offsets.length > MOST_CHUNKS or tables.runs.length > MOST_RUNS:
        raise TooComplex("too many chunks")
    offsets = numbers(reader, tables.offsets, tables.offset_width)
    done = 0
    for count, description, until in _runs(reader, tables):
        for start in islice(offsets, until - done):
            yield start, count, description
        done = until


def _runs(reader: Reader, tables: Tables) -> Iterator[tuple[int, int, int]]:
    """Yield samples a chunk, their description, and up to which chunk (from 1) that holds."""
    fields = numbers(reader, Table(tables.runs.start, 3 * tables.runs.length), 4)
    count, description, begin = 0, 0, 0
    for first_chunk in fields:
        following, described = next(fields), next(fields)
        if first_chunk <= begin or (not begin and first_chunk != 1):
            raise Malformed("chunk runs are out of order", offset=tables.runs.start)
        if begin:
            if first_chunk > tables.offsets.length:
                break
            yield count, description, first_chunk - 1
        count, description, begin = following, described, first_chunk
    if begin:
        yield count, description, tables.offsets.length


class _Sizes:
    """The sizes of the samples, taken from the front."""

    def __init__(self, reader: Reader, tables: Tables) -> None:
        self._tables = tables
        self._block = tables.small_sizes or array("I")
        self._blocks = blocks(reader, tables.sizes, 4)
        self._at = 0
        self.left = tables.sizes.length

    def take(self, samples: int) -> int:
        """Return the bytes of the next samples; the last chunk may hold fewer than it says."""
        at = self._at
        behind = at + samples
        if behind <= len(self._block):
            self._at = behind
            self.left -= samples
            return self._block[at] if samples == 1 else sum(self._block[at:behind])
        samples = min(samples, self.left)
        self.left -= samples
        tables = self._tables
        if tables.frame_size:
            return samples * tables.frame_size
        if tables.same_size:
            per_packet, packet_size = tables.packet
            if per_packet > 1 and packet_size and tables.same_size <= 1:
                return samples // per_packet * packet_size
            return samples * tables.same_size
        total = 0
        while samples:
            if self._at == len(self._block):
                self._block, self._at = next(self._blocks), 0
            some = self._block[self._at : self._at + samples]
            total += sum(some)
            self._at += len(some)
            samples -= len(some)
        return total


def numbers(reader: Reader, where: Table, width: int) -> Iterator[int]:
    """Yield the numbers of a table, 4 or 8 bytes wide."""
    for block in blocks(reader, where, width):
        yield from block


def big_endian(fields: array[int]) -> bytes:
    """Return numbers as a table's bytes; the array itself is left swapped."""
    return _swapped(fields).tobytes()


def blocks(reader: Reader, where: Table, width: int) -> Iterator[array[int]]:
    """Yield big-endian numbers, some at a time."""
    for _, raw in reader.blocks(where.start, where.start + where.length * width, BLOCK):
        yield _swapped(array("I" if width == 4 else "Q", raw))


def _swapped(fields: array[int]) -> array[int]:
    if sys.byteorder == "little":
        fields.byteswap()
    return fields
