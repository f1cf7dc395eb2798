"""A sound track of ISO media, rebuilt from what playing needs.

    tkhd      flags, duration, alternate group; times, size and matrix are ours
    edts      elst: where playing begins
    mdia      mdhd: timescale, duration; hdlr "soun" without a name; minf: smhd, dinf, stbl
    stbl      stsd rebuilt (sound.py); stts, stsc, stsz as far as there are samples; roll
              groups; offsets new

ISO/IEC 14496-12, 8.3 to 8.9; QuickTime File Format, "Track Atoms".
"""

import itertools
import struct
from array import array
from typing import NamedTuple

from scrub.containers.bmff.boxes import Box, Parts, boxed, children, first, full, only
from scrub.containers.bmff.report import KINDS, report
from scrub.containers.bmff.sound import Entry, sample_entry
from scrub.containers.bmff.tables import Table, Tables, numbers, table
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import Draft, Span
from scrub.reading import Reader

MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
UNDETERMINED = 0x55C4  # "und" in five bits a letter
STILL_PICTURES = (b"jpeg", b"mjpa", b"mjpb", b"png ", b"gif ", b"tiff")
MOST_EDITS = 256
EDITS = (struct.Struct(">IiI"), struct.Struct(">QqI"))  # duration, begin, speed, by version
USUAL_SPEED = 1 << 16
SAMPLE_TABLES = (b"stsd", b"stts", b"stsc", b"stsz", b"stco", b"co64", b"sgpd", b"sbgp")
MOST_TIMES = 1 << 20
MOST_DESCRIPTIONS = 16


class Track(NamedTuple):
    """A sound track: its boxes rebuilt, but for its number and where its chunks will lie."""

    head: tuple[int, bytes, int]  # flags, duration with version, alternate group
    edits: Parts
    media: Parts  # mdhd, hdlr
    before: Parts  # of stbl: what stands before the chunk offsets
    tables: Tables


def clock(reader: Reader, box: Box, draft: Draft) -> tuple[int, bytes, bytes]:
    """Return version, timescale and duration of mvhd or mdhd, whose times go."""
    version = reader.number(box.payload, 1, "big")
    if version > 1:
        raise Malformed("a header has an unknown version", offset=box.start)
    wide = 8 if version else 4
    stored = reader.exactly(box.payload + 4, 3 * wide + 4)
    if any(stored[: 2 * wide]):
        draft.found(Kind.TIME)
    return version, stored[2 * wide : 2 * wide + 4], stored[2 * wide + 4 :]


def sound_track(reader: Reader, trak: Box, draft: Draft, *, quicktime: bool) -> Track | None:
    """Return a sound track rebuilt; None for one that goes."""
    inside = list(children(reader, trak))
    mdia = only(inside, b"mdia", trak)
    media = list(children(reader, mdia))
    hdlr = only(media, b"hdlr", mdia)
    handler = reader.exactly(hdlr.payload, 12)
    minf = only(media, b"minf", mdia)
    minfs = list(children(reader, minf))
    stbl = only(minfs, b"stbl", minf)
    tables = list(children(reader, stbl))
    stsd = only(tables, b"stsd", stbl)
    if handler[8:] != b"soun":
        _refuse_video(reader, handler[8:], stsd)
        draft.found(Kind.PICTURE if handler[8:] == b"vide" else Kind.OTHER_STREAM)
        return None
    for box in inside:
        if box.type not in (b"tkhd", b"mdia", b"edts"):
            report(reader, box, draft)
    _refuse_elsewhere(reader, minf, minfs)
    version, timescale, duration = clock(reader, only(media, b"mdhd", mdia), draft)
    kept = _media_header(version, timescale, duration)
    kept += _handler(reader, hdlr, draft)
    before, found = _sample_tables(reader, stbl, tables, draft, quicktime=quicktime)
    head = _track_header(reader, only(inside, b"tkhd", trak), draft)
    edits = _edits(reader, inside, int.from_bytes(duration, "big"), draft)
    return Track(head, edits, kept, before, found)


def _media_header(version: int, timescale: bytes, duration: bytes) -> Parts:
    times = bytes(8 if version == 0 else 16)
    language = struct.pack(">HH", UNDETERMINED, 0)
    return full(b"mdhd", version, 0, times + timescale + duration + language)


def _handler(reader: Reader, hdlr: Box, draft: Draft) -> Parts:
    """Return a handler of sound without a name; QuickTime's says "mhlr" in front."""
    if any(reader.upto(hdlr.payload + 12, min(1024, hdlr.end - hdlr.payload - 12))):
        draft.found(Kind.ENCODER)
    mhlr = b"mhlr" if reader.upto(hdlr.payload + 4, 4) == b"mhlr" else bytes(4)
    return full(b"hdlr", 0, 0, mhlr + b"soun" + bytes(12) + b"\0")


def _refuse_video(reader: Reader, handler: bytes, stsd: Box) -> None:
    """Let a track go only when what it shows is no moving picture."""
    if handler == b"vide":
        entry = next(children(reader, stsd, 8), None)
        if entry is None or entry.type not in STILL_PICTURES:
            raise Unsupported("MP4", "video")
    if handler in (b"auxv", b"pict"):
        raise Unsupported("MP4", "video")


def _refuse_elsewhere(reader: Reader, minf: Box, minfs: list[Box]) -> None:
    """Refuse a track whose samples are in another file, which the drop hasn't got."""
    dinf = first(minfs, b"dinf")
    dref = first(list(children(reader, dinf)), b"dref") if dinf else None
    for entry in children(reader, dref, 8) if dref else ():
        if entry.end - entry.payload >= 4 and not reader.number(entry.payload + 3, 1, "big") & 1:
            raise Malformed("the sound is in another file", offset=minf.start)


def _track_header(reader: Reader, tkhd: Box, draft: Draft) -> tuple[int, bytes, int]:
    """Return flags, version and duration, and alternate group."""
    stored = reader.upto(tkhd.payload, min(96, tkhd.end - tkhd.payload))
    version = stored[0] if stored else 2
    wide = 8 if version else 4
    if version > 1 or len(stored) < 3 * wide + 12 + 12:
        raise Malformed("a track header is damaged", offset=tkhd.start)
    if any(stored[4 : 4 + 2 * wide]):
        draft.found(Kind.TIME)
    duration = stored[4 + 2 * wide + 8 : 4 + 3 * wide + 8]
    group_at = 4 + 3 * wide + 8 + 8 + 2
    group = int.from_bytes(stored[group_at : group_at + 2], "big")
    return stored[3] & 0x0F, bytes([version]) + duration, group


def _edits(reader: Reader, inside: list[Box], media_duration: int, draft: Draft) -> Parts:
    """Keep the edits that begin in the recording, or are empty, at the usual speed."""
    edts = first(inside, b"edts")
    elst = first(list(children(reader, edts)), b"elst") if edts else None
    if elst is None:
        return []
    version = reader.number(elst.payload, 1, "big") & 1
    one = EDITS[version]
    edits = table(reader, elst, one.size)
    if edits.length > MOST_EDITS:
        raise TooComplex("too many edits")
    kept = []
    for duration, begin, speed in one.iter_unpack(
        reader.exactly(edits.start, edits.length * one.size)
    ):
        if speed not in (0, USUAL_SPEED):
            raise Unsupported("MP4", "an edit at another speed")
        if begin == -1 or 0 <= begin <= (media_duration or begin):
            kept.append(one.pack(duration, begin, speed))
    if len(kept) < edits.length:
        draft.found(Kind.SLACK)
    rebuilt = struct.pack(">I", len(kept)) + b"".join(kept)
    return boxed(b"edts", full(b"elst", version, 0, rebuilt)) if kept else []


def _sample_tables(
    reader: Reader, stbl: Box, inside: list[Box], draft: Draft, *, quicktime: bool
) -> tuple[Parts, Tables]:
    """Return the boxes of stbl before the chunk offsets, and what finds the samples."""
    stsd = only(inside, b"stsd", stbl)
    qt_entries = quicktime or reader.number(stsd.payload, 1, "big") == 0
    descriptions = list(itertools.islice(children(reader, stsd, 8), MOST_DESCRIPTIONS + 1))
    if len(descriptions) > MOST_DESCRIPTIONS:
        raise TooComplex("too many sample descriptions")
    entries: list[Entry] = [
        sample_entry(reader, entry, draft, quicktime=qt_entries) for entry in descriptions
    ]
    if not entries:
        raise Malformed("there is no sample description", offset=stsd.start)
    described: Parts = []
    for entry in entries:
        described += entry.parts
    before = full(b"stsd", 0, 0, struct.pack(">I", len(entries)), described)
    if first(inside, b"stz2"):
        raise Unsupported("MP4", "a table of small samples")
    stsz = only(inside, b"stsz", stbl)
    same_size = reader.number(stsz.payload + 4, 4, "big")
    sizes = table(reader, stsz, 0 if same_size else 4, skip=8)
    wide = first(inside, b"stco") is None
    offsets = only(inside, b"co64" if wide else b"stco", stbl)
    where = table(reader, offsets, 8 if wide else 4)
    stts = table(reader, only(inside, b"stts", stbl), 8)
    before += _times(reader, stts, sizes.length, draft)
    stsc = _runs(reader, only(inside, b"stsc", stbl), where.length, len(entries), draft)
    before += _copied(b"stsc", stsc, 12)
    count = struct.pack(">II", same_size, sizes.length)
    kept_sizes: Parts = [] if same_size else [Span(sizes.start, sizes.start + 4 * sizes.length)]
    before += full(b"stsz", 0, 0, count, kept_sizes if sizes.length else [])
    before += _rolls(reader, inside, sizes.length)
    for box in inside:
        if box.type not in SAMPLE_TABLES:
            draft.found(KINDS.get(box.type, Kind.UNKNOWN_CHUNK))
    # QuickTime counts frames of uncompressed sound as samples of duration 1.
    plain = stts.length == 1 and reader.number(stts.start + 4, 4, "big") == 1
    frame_size = entries[0].frame_size if plain and same_size else 0
    tables = Tables(sizes, same_size, stsc, where, 8 if wide else 4, frame_size, entries[0].packet)
    return before, tables


def _copied(kind: bytes, entries: Table, width: int) -> Parts:
    span = Span(entries.start, entries.start + width * entries.length)
    return full(kind, 0, 0, struct.pack(">I", entries.length), [span] if entries.length else [])


def _times(reader: Reader, stts: Table, samples: int, draft: Draft) -> Parts:
    """Keep the durations of the samples there are, and no entry beyond them."""
    if stts.length > MOST_TIMES:
        raise TooComplex("too many durations")
    kept = array("Q")
    left = samples
    for entry in numbers(reader, stts, 8):
        count = min(entry >> 32, left)
        if count:
            kept.append(count << 32 | entry & 0xFFFFFFFF)
            left -= count
        if count != entry >> 32 or not count:
            draft.found(Kind.SLACK)
    if len(kept) == stts.length and not (kept and kept[-1] != _last(reader, stts)):
        return _copied(b"stts", stts, 8)
    return full(b"stts", 0, 0, struct.pack(">I", len(kept)), struct.pack(f">{len(kept)}Q", *kept))


def _last(reader: Reader, entries: Table) -> int:
    return reader.number(entries.start + 8 * (entries.length - 1), 8, "big")


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
