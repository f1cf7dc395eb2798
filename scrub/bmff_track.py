"""A sound track of ISO media, rebuilt from what playing needs.

    tkhd      flags, duration, alternate group; times, size and matrix are ours
    edts      elst as it is: where playing begins
    mdia      mdhd: timescale, duration; hdlr "soun" without a name; minf: smhd, dinf, stbl
    stbl      stsd rebuilt (bmff_sound.py); stts, stsc, stsz copied; roll groups; offsets new

ISO/IEC 14496-12, 8.3 to 8.9; QuickTime File Format, "Track Atoms".
"""

import itertools
import struct
from typing import NamedTuple

from scrub.bmff_boxes import Box, Parts, boxed, children, first, full, only
from scrub.bmff_report import KINDS, report
from scrub.bmff_sound import Entry, sample_entry
from scrub.bmff_tables import Table, Tables, table
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import Draft, Span
from scrub.reading import Reader

MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
UNDETERMINED = 0x55C4  # "und" in five bits a letter
STILL_PICTURES = (b"jpeg", b"mjpa", b"mjpb", b"png ", b"gif ", b"tiff")
MOST_EDITS = 4096
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
    kept = _media_header(reader, only(media, b"mdhd", mdia), draft)
    kept += _handler(reader, hdlr, draft)
    before, found = _sample_tables(reader, stbl, tables, draft, quicktime=quicktime)
    head = _track_header(reader, only(inside, b"tkhd", trak), draft)
    return Track(head, _edits(reader, inside), kept, before, found)


def _media_header(reader: Reader, mdhd: Box, draft: Draft) -> Parts:
    version, timescale, duration = clock(reader, mdhd, draft)
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


def _edits(reader: Reader, inside: list[Box]) -> Parts:
    edts = first(inside, b"edts")
    elst = first(list(children(reader, edts)), b"elst") if edts else None
    if elst is None:
        return []
    version = reader.number(elst.payload, 1, "big")
    width = 20 if version else 12
    edits = table(reader, elst, width)
    if edits.length > MOST_EDITS:
        raise TooComplex("too many edits")
    stored = reader.exactly(edits.start, edits.length * width)
    return boxed(b"edts", full(b"elst", version & 1, 0, struct.pack(">I", edits.length) + stored))


def _sample_tables(
    reader: Reader, stbl: Box, inside: list[Box], draft: Draft, *, quicktime: bool
) -> tuple[Parts, Tables]:
    """Return the boxes of stbl before the chunk offsets, and what finds the samples."""
    stsd = only(inside, b"stsd", stbl)
    qt_entries = quicktime or reader.number(stsd.payload, 1, "big") == 0
    entries: list[Entry] = [
        sample_entry(reader, entry, draft, quicktime=qt_entries)
        for entry in itertools.islice(children(reader, stsd, 8), MOST_DESCRIPTIONS)
    ]
    if not entries:
        raise Malformed("there is no sample description", offset=stsd.start)
    described: Parts = []
    for entry in entries:
        described += entry.parts
    before = full(b"stsd", 0, 0, struct.pack(">I", len(entries)), described)
    stts = table(reader, only(inside, b"stts", stbl), 8)
    before += _copied(b"stts", stts, 8)
    stsc = table(reader, only(inside, b"stsc", stbl), 12)
    before += _copied(b"stsc", stsc, 12)
    stsz = only(inside, b"stsz", stbl)
    same_size = reader.number(stsz.payload + 4, 4, "big")
    sizes = table(reader, stsz, 0 if same_size else 4, skip=8)
    count = struct.pack(">II", same_size, sizes.length)
    kept_sizes: Parts = [] if same_size else [Span(sizes.start, sizes.start + 4 * sizes.length)]
    before += full(b"stsz", 0, 0, count, kept_sizes if sizes.length else [])
    for box in inside:
        if box.type in (b"sgpd", b"sbgp") and (group := _roll(reader, box)):
            before += group
        elif box.type not in (b"stsd", b"stts", b"stsc", b"stsz", b"stco", b"co64"):
            draft.found(KINDS.get(box.type, Kind.UNKNOWN_CHUNK))
    wide = first(inside, b"stco") is None
    offsets = only(inside, b"co64" if wide else b"stco", stbl)
    where = table(reader, offsets, 8 if wide else 4)
    # QuickTime counts frames of uncompressed sound as samples of duration 1.
    plain = stts.length == 1 and reader.number(stts.start + 4, 4, "big") == 1
    frame_size = entries[0].frame_size if plain and same_size else 0
    tables = Tables(sizes, same_size, stsc, where, 8 if wide else 4, frame_size, entries[0].packet)
    return before, tables


def _copied(kind: bytes, entries: Table, width: int) -> Parts:
    span = Span(entries.start, entries.start + width * entries.length)
    return full(kind, 0, 0, struct.pack(">I", entries.length), [span] if entries.length else [])


def _roll(reader: Reader, box: Box) -> Parts:
    """Keep how many samples a decoder needs to warm up: grouping "roll" or "prol"."""
    stored = reader.upto(box.payload, min(4096, box.end - box.payload))
    if stored[4:8] not in (b"roll", b"prol") or len(stored) < 16:
        return []
    if box.type == b"sbgp" and stored[0] == 0:
        count = int.from_bytes(stored[8:12], "big")
        entries = stored[12 : 12 + 8 * count]
        whole = len(entries) == 8 * count
        return full(b"sbgp", 0, 0, stored[4:12] + entries) if whole else []
    if box.type == b"sgpd" and stored[0] == 1 and stored[8:12] == b"\0\0\0\x02":
        count = int.from_bytes(stored[12:16], "big")
        entries = stored[16 : 16 + 2 * count]
        return full(b"sgpd", 1, 0, stored[4:16] + entries) if len(entries) == 2 * count else []
    return []
