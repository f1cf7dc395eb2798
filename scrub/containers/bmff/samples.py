"""The sample table of a track, rebuilt: stbl without its chunk offsets, which come last.

    stsd      descriptions rebuilt (sound.py, visual.py)
    stts      u32 count; u32 samples, u32 duration each
    ctts      the same with what a picture is shown later: version 1 signed
    stss      u32 count; a u32 each: key pictures, from 1; stps: QuickTime's partial ones
    stsc stsz as far as there are samples (tables.py)
    sgpd sbgp groups `roll` and `prol`: how many samples a decoder warms up

Where samples become smaller because user data goes, their sizes are counted anew.
ISO/IEC 14496-12, 8.5 to 8.7 and 8.9; QuickTime File Format, "Sample Atoms".
"""

from __future__ import annotations  # array[int] is a type, not yet an expression

import itertools
import struct
from array import array
from typing import NamedTuple

from scrub.containers.bmff.boxes import Box, Parts, children, first, full, only
from scrub.containers.bmff.edits import Edits
from scrub.containers.bmff.entry import Entry
from scrub.containers.bmff.report import KINDS
from scrub.containers.bmff.sound import sound_entry
from scrub.containers.bmff.tables import (
    Sample,
    Table,
    Tables,
    big_endian,
    each_size,
    numbers,
    samples,
    small_sizes,
    table,
)
from scrub.containers.bmff.visual import visual_entry
from scrub.errors import Malformed, TooComplex
from scrub.findings import Kind
from scrub.plan import Draft, Span
from scrub.reading import Reader

SAMPLE_TABLES = frozenset({
    b"stsd", b"stts", b"ctts", b"stss", b"stps", b"stsc", b"stsz", b"stz2", b"stco", b"co64",
    b"sgpd", b"sbgp",
})  # fmt: skip
MOST_TIMES = 1 << 20
MOST_DESCRIPTIONS = 16


class Samples(NamedTuple):
    """A track's samples: where they lie, and the boxes that tell of them."""

    before: Parts  # of stbl: what stands before the chunk offsets
    tables: Tables
    entries: list[Entry]


def sample_tables(
    reader: Reader, stbl: Box, draft: Draft, edits: Edits, *, picture: bool, quicktime: bool
) -> Samples:
    """Rebuild the boxes of stbl before the chunk offsets; what is cut from samples is in `edits`.

    Raises Malformed when they disagree, Unsupported when a codec is unknown.
    """
    inside = list(children(reader, stbl))
    stsd = only(inside, b"stsd", stbl)
    entries = _entries(reader, stsd, draft, picture=picture, quicktime=quicktime)
    described: Parts = [part for entry in entries for part in entry.parts]
    before = full(b"stsd", 0, 0, struct.pack(">I", len(entries)), described)
    tables, times = _tables(reader, stbl, inside, entries, draft)
    before += times
    count = tables.sizes.length
    if picture:
        before += _pictures(reader, inside, count, draft)
    before += _copied(b"stsc", tables.runs, 12)
    before += _sizes(tables, _cleaned(reader, tables, entries, edits))
    before += _rolls(reader, inside, count)
    for box in inside:
        if box.type not in SAMPLE_TABLES:
            draft.found(KINDS.get(box.type, Kind.UNKNOWN_CHUNK))
    return Samples(before, tables, entries)


def _entries(
    reader: Reader, stsd: Box, draft: Draft, *, picture: bool, quicktime: bool
) -> list[Entry]:
    quicktime = quicktime or reader.number(stsd.payload, 1, "big") == 0
    boxes = list(itertools.islice(children(reader, stsd, 8), MOST_DESCRIPTIONS + 1))
    if len(boxes) > MOST_DESCRIPTIONS:
        raise TooComplex("too many sample descriptions")
    if not boxes:
        raise Malformed("there is no sample description", offset=stsd.start)
    if picture:
        return [visual_entry(reader, box, draft) for box in boxes]
    return [sound_entry(reader, box, draft, quicktime=quicktime) for box in boxes]


def _tables(
    reader: Reader, stbl: Box, inside: list[Box], entries: list[Entry], draft: Draft
) -> tuple[Tables, Parts]:
    """Return what finds the samples, and stts."""
    stz2 = first(inside, b"stz2") if first(inside, b"stsz") is None else None
    if stz2 is not None:
        small, same_size = small_sizes(reader, stz2), 0
        sizes = Table(stz2.payload + 12, len(small))
    else:
        stsz, small = only(inside, b"stsz", stbl), None
        same_size = reader.number(stsz.payload + 4, 4, "big")
        sizes = table(reader, stsz, 0 if same_size else 4, skip=8)
    wide = first(inside, b"stco") is None
    width = 8 if wide else 4
    offsets = table(reader, only(inside, b"co64" if wide else b"stco", stbl), width)
    stts = only(inside, b"stts", stbl)
    durations = table(reader, stts, 8)
    times = _times(reader, stts, sizes.length, draft)
    runs = _runs(reader, only(inside, b"stsc", stbl), offsets.length, len(entries), draft)
    if not runs.length:  # no chunk has a sample
        offsets = Table(offsets.start, 0)
    # QuickTime counts frames of uncompressed sound as samples of duration 1.
    plain = durations.length == 1 and reader.number(durations.start + 4, 4, "big") == 1
    frame_size = entries[0].frame_size if plain and same_size else 0
    packet = entries[0].packet
    tables = Tables(sizes, same_size, small, runs, offsets, width, frame_size, packet)
    return tables, times


def _pictures(reader: Reader, inside: list[Box], count: int, draft: Draft) -> Parts:
    """Keep when pictures are shown, and which of them are keys."""
    parts: Parts = []
    ctts = first(inside, b"ctts")
    if ctts is not None:
        parts += _times(reader, ctts, count, draft)
    for kind in (b"stss", b"stps"):
        box = first(inside, kind)
        if box is not None:
            parts += _keys(reader, box, count, draft)
    return parts


def _cleaned(
    reader: Reader, tables: Tables, entries: list[Entry], edits: Edits
) -> array[int] | None:
    """Look at every sample that can hide something; return new sizes where any changes."""
    if not any(entry.clean for entry in entries):
        return None
    sizes: array[int] | None = None
    cleaners = [entry.clean for entry in entries]
    each: Sample
    for index, each in enumerate(samples(reader, tables)):
        start, end, description = each
        clean = cleaners[description - 1]
        cuts = clean(reader, start, end) if clean else None
        if cuts is None:
            size = end - start
        else:
            if sizes is None:
                sizes = array("I", itertools.islice(each_size(reader, tables), index))
            size = edits.add(start, end, cuts)
        if sizes is not None:
            sizes.append(size)
    if sizes is not None and len(sizes) != tables.sizes.length:
        raise Malformed("samples belong to no chunk", offset=tables.sizes.start)
    return sizes


def _sizes(tables: Tables, new: array[int] | None) -> Parts:
    """Return stsz: copied where no sample became smaller."""
    count = tables.sizes.length
    if new is None and tables.small_sizes is not None:
        new = tables.small_sizes[:]
    if new is not None:
        return full(b"stsz", 0, 0, struct.pack(">II", 0, count), big_endian(new))
    head = struct.pack(">II", tables.same_size, count)
    start = tables.sizes.start
    copied: Parts = [Span(start, start + 4 * count)] if count and not tables.same_size else []
    return full(b"stsz", 0, 0, head, copied)


def _copied(kind: bytes, entries: Table, width: int, version: int = 0) -> Parts:
    span = Span(entries.start, entries.start + width * entries.length)
    count = struct.pack(">I", entries.length)
    return full(kind, version, 0, count, [span] if entries.length else [])


def _times(reader: Reader, box: Box, count: int, draft: Draft) -> Parts:
    """Keep the entries of stts or ctts for the samples there are, and none beyond them."""
    version = reader.number(box.payload, 1, "big") & 1 if box.type == b"ctts" else 0
    stored = table(reader, box, 8)
    if stored.length > MOST_TIMES:
        raise TooComplex("too many durations")
    kept = array("Q")
    left = count
    same = True
    for entry in numbers(reader, stored, 8):
        covered = min(entry >> 32, left)
        left -= covered
        if covered:
            kept.append(covered << 32 | entry & 0xFFFFFFFF)
        if covered != entry >> 32 or not covered:
            draft.found(Kind.SLACK)
            same = False
    if same:
        return _copied(box.type, stored, 8, version)
    return full(box.type, version, 0, struct.pack(">I", len(kept)), big_endian(kept))


def _keys(reader: Reader, box: Box, count: int, draft: Draft) -> Parts:
    """Keep the numbers of samples that there are, as far as they rise."""
    stored = table(reader, box, 4)
    if stored.length > MOST_TIMES:
        raise TooComplex("too many key pictures")
    before = kept = 0
    for number in numbers(reader, stored, 4):
        if not before < number <= count:
            break
        before = number
        kept += 1
    if kept < stored.length:
        draft.found(Kind.SLACK)
    return _copied(box.type, Table(stored.start, kept), 4)


def _runs(reader: Reader, stsc: Box, chunks: int, descriptions: int, draft: Draft) -> Table:
    """Return the runs that begin at a chunk there is, and refer to a description there is."""
    stored = table(reader, stsc, 12)
    fields = numbers(reader, Table(stored.start, 3 * stored.length), 4)
    kept = 0
    for first_chunk in fields:
        next(fields)
        if first_chunk > chunks:
            break
        if not 1 <= next(fields) <= descriptions:
            raise Malformed("samples refer to no description", offset=stsc.start)
        kept += 1
    if kept < stored.length:
        draft.found(Kind.SLACK)
    return Table(stored.start, kept)


def _rolls(reader: Reader, inside: list[Box], samples: int) -> Parts:
    """Keep how many samples a decoder needs to warm up, grouping "roll" or "prol".

    sgpd names distances, two bytes each; sbgp says which samples need which. Where they don't
    fit one another, or say more than there is, both go: decoders do without.
    """
    parts: Parts = []
    for kind in (b"roll", b"prol"):
        distances, groups = b"", b""
        for box in inside:
            stored = reader.upto(box.payload, min(4096, box.end - box.payload))
            if stored[4:8] != kind or len(stored) < 16:
                continue
            if box.type == b"sgpd" and stored[0] == 1 and stored[8:12] == b"\0\0\0\2":
                distances = stored[16 : 16 + 2 * int.from_bytes(stored[12:16], "big")]
            elif box.type == b"sbgp" and stored[0] == 0:
                groups = stored[12 : 12 + 8 * int.from_bytes(stored[8:12], "big")]
        parts += _roll(kind, distances, groups, samples)
    return parts


def _roll(kind: bytes, distances: bytes, groups: bytes, samples: int) -> Parts:
    if not distances or not groups or len(distances) % 2 or len(groups) % 8:
        return []
    pairs = [*struct.iter_unpack(">II", groups)]
    used = max(index for _, index in pairs)
    counts = [count for count, _ in pairs]
    if not 1 <= used <= len(distances) // 2 or sum(counts) > samples or not all(counts):
        return []
    named = kind + struct.pack(">II", 2, used) + distances[: 2 * used]
    return full(b"sgpd", 1, 0, named) + full(
        b"sbgp", 0, 0, kind + struct.pack(">I", len(pairs)) + groups
    )
