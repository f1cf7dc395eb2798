"""MP4, M4A, 3GP, MOV: build the file anew from what playing needs.

    ftyp      brands that are known, minor version 0
    moov      mvhd, and a trak for each track of sound or pictures (track.py)
    mdat      the chunks that the kept tracks refer to, in their old order, without gaps
    moof mdat the fragments, where there are some (fragments.py)

Times are zero, names blank, languages undetermined, tracks numbered from 1. What no kept track
refers to is not copied, so slack in mdat, other tracks' samples and every other box are gone.
ISO/IEC 14496-12 and -14; QuickTime File Format; 3GPP TS 26.244.
"""

import itertools
import struct
from collections.abc import Iterator
from typing import NamedTuple

from scrub.containers.bmff.alternates import alternates
from scrub.containers.bmff.boxes import (
    HEADER,
    Box,
    Parts,
    box_at,
    boxed,
    children,
    first,
    only,
    size_of,
    write,
)
from scrub.containers.bmff.edits import Edits
from scrub.containers.bmff.fragments import (
    Fragmented,
    Fragments,
    built_mvex,
    defaults,
)
from scrub.containers.bmff.headers import clock, movie_header, movie_turn
from scrub.containers.bmff.layout import Others, layout, moved_offsets
from scrub.containers.bmff.report import report
from scrub.containers.bmff.tables import chunks
from scrub.containers.bmff.track import Movie, Track, built_track, chapter_tracks, kept_track
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

TOP_LEVEL = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"uuid")
# Boxes of a name we don't know may be sound behind an mdat whose size is wrong.
NO_SAMPLES = (frozenset(TOP_LEVEL) - {b"mdat"}) | {
    b"moof", b"meta", b"udta", b"sidx", b"ssix", b"mfra", b"emsg", b"prft", b"pdin",
}  # fmt: skip
M4A_BRANDS = (b"M4A ", b"M4B ", b"M4P ")
BRANDS = frozenset(M4A_BRANDS) | {
    b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9", b"mp41",
    b"mp42", b"mp71", b"M4V ", b"M4VH", b"MSNV", b"dash", b"qt  ", b"avc1", b"f4v ", b"mobi",
    b"3gp4", b"3gp5", b"3gp6", b"3gp7", b"3gp8", b"3gp9", b"3g2a", b"3g2b", b"3g2c", b"3ge6",
    b"av01", b"hvc1", b"cmfc", b"dby1", b"msdh", b"msix",
}  # fmt: skip
PICTURES = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif", b"jpeg", b"crx ")
MOST_TRACKS = 64
MOST_IN_FRONT = 8  # boxes before ftyp
MOST_TOPS = 1 << 20
LARGEST_MOOV = 1 << 28
LOOKED_AT = 1 << 14
ENCODER_TRACES = (b"Lavc", b"LAME", b"libfaac", b"Nero", b"XviD", b"DivX")


class Tops(NamedTuple):
    """The boxes of the file that matter, and where no sample may lie."""

    ftyp: Box | None
    moov: Box
    media_bytes: int
    has_fragments: bool
    others: Others


class Built(NamedTuple):
    """What moov is built from."""

    mvhd: Parts
    tracks: list[Track]
    mvex: Parts
    fragmented: dict[int, Fragmented]  # by the track's old id
    edits: Edits


def is_m4a(reader: Reader, start: int) -> bool:
    """Say whether an M4A or M4B begins here."""
    return _brand(reader, start) in M4A_BRANDS


def is_3gp(reader: Reader, start: int) -> bool:
    """Say whether a 3GP or 3G2 begins here."""
    return _brand(reader, start)[:2] == b"3g"


def is_mov(reader: Reader, start: int) -> bool:
    """Say whether a QuickTime movie begins here; old ones have no ftyp."""
    box = box_at(reader, start, reader.size)
    if box is None or box.type not in TOP_LEVEL:
        return False
    types = [box.type for box in itertools.islice(_boxes(reader, start), MOST_IN_FRONT)]
    if b"ftyp" in types:
        return _brand(reader, start) == b"qt  "
    return b"moov" in types or any(box.type == b"moov" for box in _boxes(reader, start))


def is_mp4(reader: Reader, start: int) -> bool:
    """Say whether any other ISO media begins here."""
    return bool(_brand(reader, start))


def plan_bmff(reader: Reader, start: int, draft: Draft) -> None:
    """Write ftyp, moov, mdat and fragments anew.

    Raises Malformed when boxes or tables disagree, Unsupported for codecs that we don't know.
    """
    tops = _tops(reader, start, draft)
    brands = _brands(reader, tops.ftyp, draft) if tops.ftyp else []
    quicktime = not tops.ftyp or b"qt  " in b"".join(p for p in brands if isinstance(p, bytes))
    movie = _movie(reader, tops, draft, quicktime=quicktime)
    write(brands, draft)
    kept = _write_movie(reader, movie, tops.others, size_of(brands), draft)
    fragments = Fragments(reader, movie.fragmented, tops.others, draft)
    if movie.fragmented:
        moofs = (box for box in _boxes(reader, start) if box.type == b"moof")
        fragments.find_clock(itertools.islice(moofs, MOST_TRACKS))
        for box in _boxes(reader, start):
            if box.type == b"moof":
                fragments.add(box)
        if not fragments.size:
            raise Malformed("the fragments hold no samples", offset=start)
    if not kept + fragments.size:
        raise Malformed("there is no sound", offset=start)
    _report_samples(reader, movie.tracks, movie.edits, draft)
    if kept + fragments.size < tops.media_bytes:
        draft.found(Kind.SLACK)


def _boxes(reader: Reader, start: int) -> Iterator[Box]:
    """Yield the boxes of the file; behind the last whole one there is nothing to keep."""
    at = start
    for _ in range(MOST_TOPS):
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


def _tops(reader: Reader, start: int, draft: Draft) -> Tops:
    """Find the boxes that matter, and report those that go."""
    ftyp: Box | None = None
    moov: Box | None = None
    media_bytes = fragments = 0
    others = Others()
    for box in _boxes(reader, start):
        if box.type in NO_SAMPLES:
            others.add(box)
        if box.type == b"mdat":
            media_bytes += box.end - box.payload
        elif box.type == b"moof":
            fragments += 1
        elif box.type == b"ftyp" and ftyp is None:
            ftyp = box
        elif box.type == b"moov" and moov is None:
            moov = box
        elif box.type == b"":
            draft.found(Kind.TRAILING)
        else:
            report(reader, box, draft)
    if moov is None:
        raise Malformed("there is no moov box", offset=start)
    return Tops(ftyp, moov, media_bytes, fragments > 0, others)


def _brand(reader: Reader, start: int) -> bytes:
    box = box_at(reader, start, reader.size)
    for _ in range(MOST_IN_FRONT):  # of ftyp
        if box is None or box.type not in TOP_LEVEL or box.type == b"ftyp":
            break
        box = box_at(reader, box.end, reader.size)
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


def _movie(reader: Reader, tops: Tops, draft: Draft, *, quicktime: bool) -> Built:
    """Return mvhd rebuilt, the kept tracks, and what fragments need of them."""
    inside = list(children(reader, tops.moov))
    if first(inside, b"cmov"):
        raise Unsupported("MOV", "a compressed header")
    mvhd = only(inside, b"mvhd", tops.moov)
    timed = clock(reader, mvhd, draft)
    traks = [box for box in inside if box.type == b"trak"]
    if len(traks) > MOST_TRACKS:
        raise TooComplex("too many tracks")
    turn, chapters = movie_turn(reader, mvhd, timed), chapter_tracks(reader, traks)
    movie = Movie(turn, quicktime, chapters, alternates(reader, traks))
    edits = Edits()
    found = [kept_track(reader, trak, movie, draft, edits) for trak in traks]
    tracks = [track for track in found if track is not None]
    for box in inside:
        if box.type not in (b"mvhd", b"trak", b"mvex"):
            report(reader, box, draft)
    if not tracks:
        raise Malformed("there is no sound", offset=tops.moov.start)
    mvex = first(inside, b"mvex")
    if not tops.has_fragments or mvex is None:
        if mvex is not None or tops.has_fragments:
            draft.found(Kind.UNKNOWN_CHUNK)
        return Built(movie_header(timed, len(tracks)), tracks, [], {}, edits)
    told = defaults(reader, mvex)
    fragmented: dict[int, Fragmented] = {}
    for number, track in enumerate(tracks, 1):
        if track.head.id not in told:
            raise Malformed("there is no trex box for a track", offset=mvex.start)
        entries, timescale = track.samples.entries, track.timescale
        each = Fragmented(number, entries, told[track.head.id], timescale)
        fragmented.setdefault(track.head.id, each)
    trex = [told[track.head.id] for track in tracks]
    parts = built_mvex(reader, mvex, trex)
    return Built(movie_header(timed, len(tracks)), tracks, parts, fragmented, edits)


def _write_movie(reader: Reader, movie: Built, others: Others, front: int, draft: Draft) -> int:
    """Write moov and mdat; return how many bytes mdat holds."""
    tables = [track.samples.tables for track in movie.tracks]
    kept = layout(reader, tables, movie.edits)
    for stretch in zip(kept.starts, kept.ends, strict=True):
        others.refuse(*stretch)
    length = kept.size
    wide = (length + LARGEST_MOOV) >> 32 > 0
    width = 8 if wide else 4
    if wide:
        mdat = struct.pack(">I4sQ", 1, b"mdat", length + 16)
    else:
        mdat = HEADER.pack(length + HEADER.size, b"mdat") if kept.starts else b""
    nowhere = [bytes(each.offsets.length * width) for each in tables]
    base = front + size_of(_moov(movie, nowhere, wide)) + len(mdat)
    if base > LARGEST_MOOV:
        raise TooComplex("the tables are too long")
    moved = [moved_offsets(reader, each, kept, base, wide) for each in tables]
    write(_moov(movie, moved, wide), draft)
    draft.write(mdat)
    kept.write(draft)
    draft.sound(length, sum(each.sizes.length for each in tables))
    return length


def _moov(movie: Built, offsets: list[bytes], wide: bool) -> Parts:
    """Return moov with these chunk offsets, `wide` in 64 bits."""
    traks: Parts = []
    for number, (track, moved) in enumerate(zip(movie.tracks, offsets, strict=True), 1):
        traks += built_track(track, number, moved, wide=wide)
    return boxed(b"moov", movie.mvhd, traks, movie.mvex)


def _report_samples(reader: Reader, tracks: list[Track], edits: Edits, draft: Draft) -> None:
    """Count what went from inside samples, and look for an encoder's name in those that stay.

    Encoders write it into the first packets of a track.
    """
    for track in tracks:
        for entry in track.samples.entries:
            for kind, times in (entry.found or {}).items():
                draft.found(kind, times)
            if entry.remains is not None:
                draft.tally.remains(entry.remains)
        chunk = next(chunks(reader, track.samples.tables), None)
        if chunk is None:
            continue
        end = min(chunk.end, chunk.start + LOOKED_AT)
        if any(trace in edits.edited(reader, chunk.start, end) for trace in ENCODER_TRACES):
            draft.tally.remains(Kind.ENCODER)
