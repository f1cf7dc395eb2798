"""A track of sound or pictures in ISO media, rebuilt from what playing needs.

    trak      tkhd, edts, mdia (headers.py)
    mdia      mdhd, hdlr, minf
    minf      smhd or vmhd; dinf: this file; stbl (samples.py)

Tracks of text, time codes, chapters, metadata and hints go, tracks of pictures that are the cover
or chapters of another, and sound that another track has, too (alternates.py).
ISO/IEC 14496-12, 8.3 to 8.7; QuickTime File Format, "Track Atoms".
"""

import struct
from typing import NamedTuple

from scrub.containers.bmff.alternates import Alternates
from scrub.containers.bmff.boxes import Box, Parts, boxed, children, first, full, only
from scrub.containers.bmff.edits import Edits
from scrub.containers.bmff.headers import (
    ENABLED,
    Head,
    Turn,
    clock,
    edit_list,
    handler,
    media_header,
    read_head,
    track_header,
)
from scrub.containers.bmff.report import report
from scrub.containers.bmff.samples import Samples, sample_tables
from scrub.errors import Malformed, Unsupported
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

SOUND, PICTURES = b"soun", b"vide"
STILL_PICTURES = (b"jpeg", b"mjpa", b"mjpb", b"png ", b"gif ", b"tiff", b"bmp ")
KEPT = frozenset({
    b"tkhd", b"mdia", b"edts", b"mdhd", b"hdlr", b"minf", b"smhd", b"vmhd", b"dinf", b"stbl",
})  # fmt: skip
ENCRYPTED = (b"enca", b"encv", b"drms", b"drmi")
MOST_REFERENCES = 64


class Movie(NamedTuple):
    """What a track has to know of the movie it is in."""

    turn: Turn
    quicktime: bool
    chapters: frozenset[int]  # ids of tracks that are another's chapters
    alternates: Alternates


class Track(NamedTuple):
    """A track: its boxes rebuilt, but for its number and where its chunks will lie."""

    picture: bool
    head: Head
    edits: Parts
    media: Parts  # mdhd, hdlr
    timescale: int  # units a second
    samples: Samples


def kept_track(reader: Reader, trak: Box, movie: Movie, draft: Draft, edits: Edits) -> Track | None:
    """Return a track rebuilt; None for one that goes."""
    inside = list(children(reader, trak))
    mdia = only(inside, b"mdia", trak)
    media = list(children(reader, mdia))
    hdlr = only(media, b"hdlr", mdia)
    shown = reader.exactly(hdlr.payload, 12)[8:]
    minf = only(media, b"minf", mdia)
    minfs = list(children(reader, minf))
    stbl = only(minfs, b"stbl", minf)
    tkhd = only(inside, b"tkhd", trak)
    goes = shown not in (SOUND, PICTURES) or trak.start in movie.alternates.gone
    if goes or _only_accompanies(reader, stbl, tkhd, movie, shown):
        draft.found(Kind.PICTURE if shown == PICTURES else Kind.OTHER_STREAM)
        return None
    for box in (*inside, *media, *minfs):
        if box.type not in KEPT:
            report(reader, box, draft)
    _refuse_elsewhere(reader, minf, minfs)
    picture = shown == PICTURES
    timed = clock(reader, only(media, b"mdhd", mdia), draft)
    kept = media_header(timed) + handler(reader, hdlr, draft)
    samples = sample_tables(reader, stbl, draft, edits, picture=picture, quicktime=movie.quicktime)
    head = read_head(reader, tkhd, movie.turn, draft)
    if trak.start in movie.alternates.enabled:
        head = head._replace(flags=head.flags | ENABLED)
    edit = edit_list(reader, inside, int.from_bytes(timed.duration, "big"), draft)
    timescale = int.from_bytes(timed.timescale, "big")
    return Track(picture, head, edit, kept, timescale, samples)


def chapter_tracks(reader: Reader, traks: list[Box]) -> frozenset[int]:
    """Return the ids of tracks that a track names as its chapters."""
    named: set[int] = set()
    for trak in traks:
        tref = first(list(children(reader, trak)), b"tref")
        chap = first(list(children(reader, tref)), b"chap") if tref else None
        if chap is not None:
            length = min(4 * MOST_REFERENCES, chap.end - chap.payload) // 4 * 4
            ids = struct.iter_unpack(">I", reader.exactly(chap.payload, length))
            named.update(number for (number,) in ids)
    return frozenset(named)


def built_track(track: Track, number: int, moved: bytes, *, wide: bool) -> Parts:
    """Return trak with this number and these chunk offsets, `wide` in 64 bits."""
    count = struct.pack(">I", len(moved) // (8 if wide else 4))
    offsets = full(b"co64" if wide else b"stco", 0, 0, count, moved)
    stbl = boxed(b"stbl", track.samples.before, offsets)
    dref = full(b"dref", 0, 0, struct.pack(">I", 1), full(b"url ", 0, 1))
    kind = full(b"vmhd", 0, 1, bytes(8)) if track.picture else full(b"smhd", 0, 0, bytes(4))
    minf = boxed(b"minf", kind, boxed(b"dinf", dref), stbl)
    mdia = boxed(b"mdia", track.media, minf)
    return boxed(
        b"trak", track_header(track.head, number, picture=track.picture), track.edits, mdia
    )


def _only_accompanies(reader: Reader, stbl: Box, tkhd: Box, movie: Movie, shown: bytes) -> bool:
    """Say whether a track is chapters, or one still picture; refuse what is encrypted."""
    inside = list(children(reader, stbl))
    entry = next(children(reader, only(inside, b"stsd", stbl), 8), None)
    kind = entry.type if entry else b""
    if kind in ENCRYPTED:
        raise Unsupported("MP4", "an encrypted recording")
    if shown != PICTURES:
        return False
    version = reader.number(tkhd.payload, 1, "big")
    if reader.number(tkhd.payload + (20 if version else 12), 4, "big") in movie.chapters:
        return True
    sizes = first(inside, b"stsz")
    return kind in STILL_PICTURES and (
        sizes is None or reader.number(sizes.payload + 8, 4, "big") <= 1
    )


def _refuse_elsewhere(reader: Reader, minf: Box, minfs: list[Box]) -> None:
    """Refuse a track whose samples are in another file, which the drop hasn't got."""
    dinf = first(minfs, b"dinf")
    dref = first(list(children(reader, dinf)), b"dref") if dinf else None
    for entry in children(reader, dref, 8) if dref else ():
        if entry.end - entry.payload >= 4 and not reader.number(entry.payload + 3, 1, "big") & 1:
            raise Malformed("the sound is in another file", offset=minf.start)
