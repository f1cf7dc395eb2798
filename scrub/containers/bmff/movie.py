"""MP4, M4A, 3GP, MOV with sound: build the file anew from what playing needs.

    ftyp      brands that are known, minor version 0
    moov      mvhd, and a trak for each sound track (track.py)
    mdat      the chunks that the kept tracks refer to, in their old order, without gaps

Times are zero, names blank, languages undetermined, tracks numbered from 1. What no kept track
refers to is not copied, so slack in mdat, other tracks' samples and every other box are gone.
ISO/IEC 14496-12 and -14; QuickTime File Format; 3GPP TS 26.244.
"""

import struct
from collections.abc import Iterator

from scrub.containers.bmff.boxes import (
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
from scrub.containers.bmff.layout import layout, moved_offsets
from scrub.containers.bmff.report import report
from scrub.containers.bmff.tables import chunks
from scrub.containers.bmff.track import MATRIX, Track, clock, sound_track
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

TOP_LEVEL = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"uuid")
M4A_BRANDS = (b"M4A ", b"M4B ", b"M4P ")
BRANDS = frozenset(M4A_BRANDS) | {
    b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9", b"mp41",
    b"mp42", b"mp71", b"M4V ", b"M4VH", b"MSNV", b"dash", b"qt  ", b"avc1", b"f4v ", b"mobi",
    b"3gp4", b"3gp5", b"3gp6", b"3gp7", b"3gp8", b"3gp9", b"3g2a", b"3g2b", b"3g2c", b"3ge6",
}  # fmt: skip
PICTURES = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif", b"jpeg", b"crx ")
MOST_TRACKS = 64
LARGEST_MOOV = 1 << 28
ENCODER_TRACES = (b"Lavc", b"LAME", b"libfaac", b"Nero")


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
    kept = layout(reader, [track.tables for track in tracks])
    length = kept.places[-1] + kept.ends[-1] - kept.starts[-1]
    if length + HEADER.size < sum(t.end - t.start for t in tops if t.type == b"mdat"):
        draft.found(Kind.SLACK)

    wide = (length + LARGEST_MOOV) >> 32 > 0
    width = 8 if wide else 4
    if wide:
        mdat = struct.pack(">I4sQ", 1, b"mdat", length + 16)
    else:
        mdat = HEADER.pack(length + HEADER.size, b"mdat")
    nowhere = [bytes(track.tables.offsets.length * width) for track in tracks]
    blank = _moov(movie, tracks, nowhere, wide)
    base = size_of(brands) + size_of(blank) + len(mdat)
    if base > LARGEST_MOOV:
        raise TooComplex("the tables are too long")
    moved = [moved_offsets(reader, track.tables, kept, base, wide) for track in tracks]
    write(brands, draft)
    write(_moov(movie, tracks, moved, wide), draft)
    draft.write(mdat)
    for span_start, span_end in zip(kept.starts, kept.ends, strict=True):
        draft.copy(span_start, span_end)
    draft.sound(length, sum(track.tables.sizes.length for track in tracks))
    _name_remains(reader, tracks, draft)


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
    if brand in PICTURES:
        return b""
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
            report(reader, box, draft)
        elif box.type in seen:
            draft.found(Kind.UNKNOWN_CHUNK)
        seen.add(box.type)


def _movie(
    reader: Reader, moov: Box, draft: Draft, *, quicktime: bool
) -> tuple[Parts, list[Track]]:
    """Return mvhd rebuilt, and the sound tracks."""
    inside = list(children(reader, moov))
    mvhd = only(inside, b"mvhd", moov)
    version, timescale, duration = clock(reader, mvhd, draft)
    traks = [box for box in inside if box.type == b"trak"]
    if len(traks) > MOST_TRACKS:
        raise TooComplex("too many tracks")
    tracks = []
    for trak in traks:
        track = sound_track(reader, trak, draft, quicktime=quicktime)
        if track is not None:
            tracks.append(track)
    for box in inside:
        if box.type not in (b"mvhd", b"trak"):
            report(reader, box, draft)
    if not tracks:
        raise Malformed("there is no sound", offset=moov.start)
    rest = struct.pack(">IH10x", 0x10000, 0x100) + MATRIX + bytes(24)
    rest += struct.pack(">I", len(tracks) + 1)
    times = bytes(8 if version == 0 else 16)
    return full(b"mvhd", version, 0, times + timescale + duration + rest), tracks


def _moov(movie: Parts, tracks: list[Track], offsets: list[bytes], wide: bool) -> Parts:
    """Return moov with these chunk offsets, `wide` in 64 bits."""
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


def _name_remains(reader: Reader, tracks: list[Track], draft: Draft) -> None:
    """Look for an encoder's name where encoders write it: in the first packets of a track."""
    for track in tracks:
        chunk = next(chunks(reader, track.tables), None)
        front = reader.upto(chunk.start, min(4096, chunk.end - chunk.start)) if chunk else b""
        if any(trace in front for trace in ENCODER_TRACES):
            draft.tally.remains(Kind.ENCODER)
