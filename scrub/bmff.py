"""MP4, M4A, 3GP, MOV with sound: build the file anew from what playing needs.

    ftyp      brands that are known, minor version 0
    moov      mvhd; for each sound track tkhd, edts, mdia: mdhd, hdlr, minf: smhd, dinf, stbl
    mdat      the chunks that the kept tracks refer to, in their old order, without gaps

Times are zero, names blank, languages undetermined, tracks numbered from 1. What no kept track
refers to is not copied, so slack in mdat, other tracks' samples and every other box are gone.
ISO/IEC 14496-12 and -14; QuickTime File Format; 3GPP TS 26.244.
"""

from __future__ import annotations  # array[int] is a type, not yet an expression

import heapq
import itertools
import struct
import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from scrub.bmff_boxes import (
    HEADER,
    Box,
    Parts,
    box_at,
    boxed,
    children,
    first,
    full,
    only,
    size_of,
    write,
)
from scrub.bmff_sound import Entry, sample_entry
from scrub.bmff_tables import Chunk, Table, Tables, chunks, table
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import MOST_CUTS, Draft, Span
from scrub.reading import Reader
from scrub.tags import meaning

TOP_LEVEL = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"uuid")
M4A_BRANDS = (b"M4A ", b"M4B ", b"M4P ")
BRANDS = frozenset(M4A_BRANDS) | {
    b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9", b"mp41",
    b"mp42", b"mp71", b"M4V ", b"M4VH", b"MSNV", b"dash", b"qt  ", b"avc1", b"f4v ", b"mobi",
    b"3gp4", b"3gp5", b"3gp6", b"3gp7", b"3gp8", b"3gp9", b"3g2a", b"3g2b", b"3g2c", b"3ge6",
}  # fmt: skip
MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
UNDETERMINED = 0x55C4  # "und" in five bits a letter
STILL_PICTURES = (b"jpeg", b"mjpa", b"mjpb", b"png ", b"gif ", b"tiff")
MOST_TRACKS = 64
MOST_EDITS = 4096
MOST_SCATTERED = 1 << 18  # chunks of a track that are in no order
ENCODER_TRACES = (b"Lavc", b"LAME", b"libfaac", b"Nero")
KINDS = {
    b"free": Kind.PADDING, b"skip": Kind.PADDING, b"wide": Kind.PADDING, b"uuid": Kind.IDENTIFIER,
    b"pnot": Kind.TIME, b"udta": Kind.TAG_BLOCK, b"meta": Kind.TAG_BLOCK, b"cprt": Kind.PERSON,
}  # fmt: skip


class Track(NamedTuple):
    """A sound track: its boxes rebuilt, but for its number and where its chunks will lie."""

    head: tuple[int, bytes, int]  # flags, duration with version, alternate group
    edits: Parts
    media: Parts  # mdhd, hdlr
    before: Parts  # of stbl: what stands before the chunk offsets
    tables: Tables


class Kept(NamedTuple):
    """The stretches of the recording that are copied into mdat."""

    starts: array[int]
    ends: array[int]
    places: array[int]  # from the first byte of the new mdat's payload


def is_m4a(reader: Reader, start: int) -> bool:
    """Say whether an M4A or M4B begins here."""
    return _brand(reader, start) in M4A_BRANDS


def is_3gp(reader: Reader, start: int) -> bool:
    """Say whether a 3GP or 3G2 begins here."""
    return _brand(reader, start)[:2] == b"3g"


def is_mov(reader: Reader, start: int) -> bool:
    """Say whether a QuickTime movie begins here; old ones have no ftyp."""
    box = box_at(reader, start, reader.size)
    if box is not None and box.type != b"ftyp":
        return box.type in TOP_LEVEL and any(b.type == b"moov" for b in _tops(reader, start))
    return _brand(reader, start) == b"qt  "


def is_mp4(reader: Reader, start: int) -> bool:
    """Say whether any other ISO media begins here."""
    return bool(_brand(reader, start))


def plan_bmff(reader: Reader, start: int, draft: Draft) -> None:
    """Write ftyp, moov and mdat anew.

    Raises Malformed when boxes or tables disagree, Unsupported for video and fragments.
    """
    tops = list(_tops(reader, start))
    moov = only(tops, b"moov", Box(b"", start, start, reader.size))
    if first(tops, b"moof"):
        raise Unsupported("MP4", "a fragmented recording")
    _report_tops(reader, tops, draft)
    ftyp = first(tops, b"ftyp")
    brands = _brands(reader, ftyp, draft) if ftyp else []
    quicktime = not ftyp or b"qt  " in b"".join(p for p in brands if isinstance(p, bytes))
    movie, tracks = _movie(reader, moov, draft, quicktime=quicktime)
    kept = _layout(reader, tracks)
    length = kept.places[-1] + kept.ends[-1] - kept.starts[-1]
    if length + HEADER.size < sum(t.end - t.start for t in tops if t.type == b"mdat"):
        draft.found(Kind.SLACK)

    wide = (length + size_of(brands) + (1 << 28)) >> 32 > 0
    width = 8 if wide else 4
    if wide:
        mdat = struct.pack(">I4sQ", 1, b"mdat", length + 16)
    else:
        mdat = HEADER.pack(length + HEADER.size, b"mdat")
    nowhere = [bytes(track.tables.offsets.length * width) for track in tracks]
    blank = _moov(movie, tracks, nowhere, wide)
    base = size_of(brands) + size_of(blank) + len(mdat)
    moved = [_moved(reader, track.tables, kept, base, wide) for track in tracks]
    write(brands, draft)
    write(_moov(movie, tracks, moved, wide), draft)
    draft.write(mdat)
    for span_start, span_end in zip(kept.starts, kept.ends, strict=True):
        draft.copy(span_start, span_end)
    draft.sound(length, sum(track.tables.sizes.length for track in tracks))
    _name_remains(reader, kept, draft)


def _tops(reader: Reader, start: int) -> Iterator[Box]:
    """Yield the boxes of the file; behind the last whole one there is nothing to keep."""
    at = start
    for _ in range(1 << 16):
        box = box_at(reader, at, reader.size)
        if box is None:
            head = reader.upto(at, HEADER.size)
            if head[4:] == b"mdat":  # its own size may be wrong: the tables tell what is there
                yield Box(b"mdat", at, at + HEADER.size, reader.size)
            elif head[4:] == b"moov":
                raise Malformed("the moov box is cut short", offset=at)
            elif head:
                yield Box(b"", at, at, reader.size)
            return
        yield box
        at = box.end
    raise TooComplex("too many boxes")


def _brand(reader: Reader, start: int) -> bytes:
    box = box_at(reader, start, reader.size)
    if box is None or box.type != b"ftyp" or box.end - box.payload < 8:
        return b""
    brand = reader.upto(box.payload, 4)
    return brand if brand in BRANDS else b"isom"


def _brands(reader: Reader, ftyp: Box, draft: Draft) -> Parts:
    stored = reader.exactly(ftyp.payload, min(4096, ftyp.end - ftyp.payload) // 4 * 4)
    major, minor, *others = (stored[i : i + 4] for i in range(0, len(stored), 4))
    kept = [brand for brand in dict.fromkeys(others) if brand in BRANDS]
    rebuilt = (major if major in BRANDS else b"isom") + bytes(4) + b"".join(kept)
    if minor != bytes(4):
        draft.found(Kind.ENCODER)
    if len(rebuilt) != len(stored):
        draft.found(Kind.UNKNOWN_CHUNK)
    return boxed(b"ftyp", rebuilt)


def _report_tops(reader: Reader, tops: list[Box], draft: Draft) -> None:
    seen: set[bytes] = set()
    for box in tops:
        if box.type == b"":
            draft.found(Kind.TRAILING)
        elif box.type not in (b"ftyp", b"moov", b"mdat"):
            _report(reader, box, draft)
        elif box.type in seen:
            draft.found(Kind.UNKNOWN_CHUNK)
        seen.add(box.type)


def _report(reader: Reader, box: Box, draft: Draft) -> None:
    """Count a box that goes; of tags say what they are about, as far as their names tell."""
    draft.found(KINDS.get(box.type, Kind.UNKNOWN_CHUNK))
    if box.type == b"udta":
        try:
            for child in children(reader, box):
                if child.type == b"meta":
                    _report(reader, child, draft)
                else:
                    draft.found(meaning(child.type.decode("latin-1")))
        except (Malformed, TooComplex):
            return  # it goes whatever it says
    if box.type == b"meta":
        for key in _keys(reader, box):
            draft.found(meaning(key))


def _keys(reader: Reader, meta: Box) -> Iterator[str]:
    """Yield the names in QuickTime's metadata keys: u32 size, namespace, name."""
    skip = 0 if reader.upto(meta.payload + 4, 4) == b"hdlr" else 4
    try:
        keys = first(list(children(reader, meta, skip)), b"keys")
        if keys is None:
            return
        at = keys.payload + 8
        while at + 8 <= keys.end:
            size = max(8, reader.number(at, 4, "big"))
            yield reader.upto(at + 8, min(size - 8, 200)).decode("latin-1")
            at += size
    except (Malformed, TooComplex):
        return


def _movie(
    reader: Reader, moov: Box, draft: Draft, *, quicktime: bool
) -> tuple[Parts, list[Track]]:
    """Return mvhd rebuilt, and the sound tracks."""
    inside = list(children(reader, moov))
    mvhd = only(inside, b"mvhd", moov)
    version, timescale, duration = _clock(reader, mvhd, draft)
    traks = [box for box in inside if box.type == b"trak"]
    if len(traks) > MOST_TRACKS:
        raise TooComplex("too many tracks")
    tracks = []
    for trak in traks:
        track = _track(reader, trak, draft, quicktime=quicktime)
        if track is not None:
            tracks.append(track)
    for box in inside:
        if box.type not in (b"mvhd", b"trak", b"mvex", b"iods"):
            _report(reader, box, draft)
        elif box.type in (b"mvex", b"iods"):
            draft.found(Kind.UNKNOWN_CHUNK)
    if not tracks:
        raise Malformed("there is no sound", offset=moov.start)
    rest = struct.pack(">IH10x", 0x10000, 0x100) + MATRIX + bytes(24)
    rest += struct.pack(">I", len(tracks) + 1)
    times = bytes(8 if version == 0 else 16)
    return full(b"mvhd", version, 0, times + timescale + duration + rest), tracks


def _clock(reader: Reader, box: Box, draft: Draft) -> tuple[int, bytes, bytes]:
    """Return version, timescale and duration of mvhd or mdhd, whose times go."""
    version = reader.number(box.payload, 1, "big")
    if version > 1:
        raise Malformed("a header has an unknown version", offset=box.start)
    wide = 8 if version else 4
    stored = reader.exactly(box.payload + 4, 3 * wide + 4)
    if any(stored[: 2 * wide]):
        draft.found(Kind.TIME)
    return version, stored[2 * wide : 2 * wide + 4], stored[2 * wide + 4 :]


def _track(reader: Reader, trak: Box, draft: Draft, *, quicktime: bool) -> Track | None:
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
        _refuse_video(reader, handler[8:], stsd, trak)
        draft.found(Kind.PICTURE if handler[8:] == b"vide" else Kind.OTHER_STREAM)
        return None
    for box in inside:
        if box.type in (b"udta", b"meta", b"free", b"skip", b"uuid"):
            _report(reader, box, draft)
        elif box.type not in (b"tkhd", b"mdia", b"edts"):
            draft.found(Kind.UNKNOWN_CHUNK)
    _refuse_elsewhere(reader, minf, minfs)
    name = reader.upto(hdlr.payload + 12, min(1024, hdlr.end - hdlr.payload - 12))
    if any(name):
        draft.found(Kind.ENCODER)
    mhlr = b"mhlr" if handler[4:8] == b"mhlr" else bytes(4)
    clock = _clock(reader, only(media, b"mdhd", mdia), draft)
    version, timescale, duration = clock
    times = bytes(8 if version == 0 else 16)
    language = struct.pack(">HH", UNDETERMINED, 0)
    kept = full(b"mdhd", version, 0, times + timescale + duration + language)
    kept += full(b"hdlr", 0, 0, mhlr + b"soun" + bytes(12) + b"\0")
    before, found = _sample_tables(reader, stbl, tables, draft, quicktime=quicktime)
    head = _track_header(reader, only(inside, b"tkhd", trak), draft)
    return Track(head, _edits(reader, inside), kept, before, found)


def _refuse_video(reader: Reader, handler: bytes, stsd: Box, trak: Box) -> None:
    """Let a track go only when what it shows is no moving picture."""
    if handler == b"vide":
        entry = next(children(reader, stsd, 8), None)
        if entry is None or entry.type not in STILL_PICTURES:
            raise Unsupported("MP4", "video")
    if handler in (b"auxv", b"pict"):
        raise Unsupported("MP4", "video")
    assert trak.type == b"trak"


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
        for entry in itertools.islice(children(reader, stsd, 8), 16)
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


def _layout(reader: Reader, tracks: list[Track]) -> Kept:
    """Join the chunks of all tracks, in the order of the recording, into stretches to copy."""
    ordered = [_ordered(reader, track.tables) for track in tracks]
    starts, ends, places = array("Q"), array("Q"), array("Q")
    place = 0
    for chunk in heapq.merge(*ordered):
        if ends and chunk.start <= ends[-1]:
            if chunk.end > ends[-1]:
                place += chunk.end - ends[-1]
                ends[-1] = chunk.end
        elif chunk.end > chunk.start:
            starts.append(chunk.start)
            ends.append(chunk.end)
            places.append(place)
            place += chunk.end - chunk.start
            if len(starts) > MOST_CUTS:
                raise TooComplex("the recording is in too many pieces")
    if not starts:
        raise Malformed("there is no sound", offset=0)
    return Kept(starts, ends, places)


def _ordered(reader: Reader, tables: Tables) -> Iterator[Chunk]:
    before = -1
    for chunk in chunks(reader, tables):
        if chunk.start < before:
            return _sorted(reader, tables)
        before = chunk.start
    return chunks(reader, tables)


def _sorted(reader: Reader, tables: Tables) -> Iterator[Chunk]:
    if tables.offsets.length > MOST_SCATTERED:
        raise TooComplex("too many chunks in no order")
    return iter(sorted(chunks(reader, tables)))


def _moved(reader: Reader, tables: Tables, kept: Kept, base: int, wide: bool) -> bytes:
    """Return a track's chunk offsets in the new file."""
    offsets = array("Q" if wide else "I")
    for chunk in chunks(reader, tables):
        at = max(0, bisect_right(kept.starts, chunk.start) - 1)
        # An empty chunk may point anywhere.
        inside = kept.starts[at] <= chunk.start <= kept.ends[at]
        place = kept.places[at] + (chunk.start - kept.starts[at] if inside else 0)
        offsets.append(base + place)
    if sys.byteorder == "little":
        offsets.byteswap()
    return offsets.tobytes()


def _moov(movie: Parts, tracks: list[Track], offsets: list[bytes], wide: bool) -> Parts:
    traks: Parts = []
    for number, (track, moved) in enumerate(zip(tracks, offsets, strict=True), 1):
        flags, clock, group = track.head
        version, duration = clock[0], clock[1:]
        tkhd = bytes(16 if version else 8) + struct.pack(">I4x", number) + duration + bytes(8)
        tkhd += struct.pack(">HHH2x", 0, group, 0x100) + MATRIX + bytes(8)
        count = struct.pack(">I", len(moved) // (8 if wide else 4))
        stbl = boxed(b"stbl", track.before, full(b"co64" if wide else b"stco", 0, 0, count, moved))
        dref = full(b"dref", 0, 0, struct.pack(">I", 1), full(b"url ", 0, 1))
        smhd = full(b"smhd", 0, 0, bytes(4))
        minf = boxed(b"minf", smhd, boxed(b"dinf", dref), stbl)
        mdia = boxed(b"mdia", track.media, minf)
        traks += boxed(b"trak", full(b"tkhd", version, flags, tkhd), track.edits, mdia)
    return boxed(b"moov", movie, traks)


def _name_remains(reader: Reader, kept: Kept, draft: Draft) -> None:
    """Look for an encoder's name where encoders write it: in the first packets."""
    front = reader.upto(kept.starts[0], min(4096, kept.ends[0] - kept.starts[0]))
    if any(trace in front for trace in ENCODER_TRACES):
        draft.tally.remains(Kind.ENCODER)
