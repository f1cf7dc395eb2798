"""The sample tables of a track: where its chunks lie, and where they will lie.

    stsz      u32 size of all samples, or 0, and u32 count; then a u32 each when it is 0
    stsc      u32 count; u32 first chunk, u32 samples a chunk, u32 description, from 1
    stco      u32 count; a u32 offset each; co64: a u64 each

All are full boxes. Chunks are read as a stream, so an hour or a day costs the same memory.
ISO/IEC 14496-12, 8.7.
"""

from __future__ import annotations  # array[int] is a type, not yet an expression

import sys
from array import array
from collections.abc import Iterator
from typing import NamedTuple

from scrub.containers.bmff.boxes import Box
from scrub.errors import Malformed, TooComplex
from scrub.reading import Reader

MOST_CHUNKS = 1 << 22
MOST_RUNS = 1 << 20
BLOCK = 1 << 18


class Chunk(NamedTuple):
    """Samples that lie together."""

    start: int
    end: int


class Table(NamedTuple):
    """A table's entries: where they lie, and how many."""

    start: int
    length: int


class Tables(NamedTuple):
    """What is needed to find every sample of a track."""

    sizes: Table
    same_size: int  # of every sample; 0 when `sizes` tells each
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


def chunks(reader: Reader, tables: Tables) -> Iterator[Chunk]:
    """Yield where a track's chunks lie, in its own order.

    Raises Malformed when the tables disagree or a chunk lies outside the recording.
    """
    if tables.offsets.length > MOST_CHUNKS or tables.runs.length > MOST_RUNS:
        raise TooComplex("too many chunks")
    sizes = _Sizes(reader, tables)
    offsets = numbers(reader, tables.offsets, tables.offset_width)
    done = 0
    for samples, until in _runs(reader, tables):
        for start in offsets:
            size = sizes.take(samples)
            if start + size > reader.size:
                raise Malformed("a chunk lies outside the recording", offset=start)
            yield Chunk(start, start + size)
            done += 1
            if done == until:
                break
    if sizes.left:
        raise Malformed("samples belong to no chunk", offset=tables.sizes.start)


def _runs(reader: Reader, tables: Tables) -> Iterator[tuple[int, int]]:
    """Yield samples a chunk, and up to which chunk (counted from 1) that holds."""
    fields = numbers(reader, Table(tables.runs.start, 3 * tables.runs.length), 4)
    samples, begin = 0, 0
    for first_chunk in fields:
        following = next(fields)
        next(fields)
        if first_chunk <= begin or (not begin and first_chunk != 1):
            raise Malformed("chunk runs are out of order", offset=tables.runs.start)
        if begin:
            if first_chunk > tables.offsets.length:
                break
            yield samples, first_chunk - 1
        samples, begin = following, first_chunk
    if begin:
        yield samples, tables.offsets.length


class _Sizes:
    """The sizes of the samples, taken from the front."""

    def __init__(self, reader: Reader, tables: Tables) -> None:
        self._tables = tables
        self._blocks = _blocks(reader, tables.sizes, 4)
        self._block = array("I")
        self._at = 0
        self.left = tables.sizes.length

    def take(self, samples: int) -> int:
        """Return the bytes of the next samples; the last chunk may hold fewer than it says."""
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
    for block in _blocks(reader, where, width):
        yield from block


def _blocks(reader: Reader, where: Table, width: int) -> Iterator[array[int]]:
    """Yield big-endian numbers, some at a time."""
    for _, raw in reader.blocks(where.start, where.start + where.length * width, BLOCK):
        block = array("I" if width == 4 else "Q", raw)
        if sys.byteorder == "little":
            block.byteswap()
        yield block
