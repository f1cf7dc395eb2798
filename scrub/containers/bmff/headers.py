"""The headers of ISO media, rebuilt: clocks, what a track is, how it is shown, where it begins.

    mvhd      times, timescale, duration; rate, volume, matrix; next track
    tkhd      times, id, duration; layer, alternate group, volume, matrix, width and height
    mdhd      times, timescale, duration, language
    elst      u32 count; duration, where it begins or -1, speed: 12 bytes or 20

Of a matrix only turns by quarters and mirrors are kept: what phones write. Version 1 has 64 bits
for times and durations. ISO/IEC 14496-12, 8.2 to 8.6; QuickTime File Format, "Track Atoms".
"""

import struct
from typing import NamedTuple

from scrub.containers.bmff.boxes import Box, Parts, boxed, children, first, full
from scrub.containers.bmff.tables import table
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.findings import Kind
from scrub.moments import moment
from scrub.plan import Draft
from scrub.reading import Reader

UNDETERMINED = 0x55C4  # "und" in five bits a letter
MOST_EDITS = 256
LONGEST = 1 << 48  # units: nine years at a million a second
EDITS = (struct.Struct(">IiI"), struct.Struct(">QqI"))  # duration, begin, speed, by version
ENABLED = 1  # of the flags of tkhd
USUAL_SPEED = ONE = 1 << 16

# The four numbers of a matrix that turn and mirror, as signs.
Turn = tuple[int, int, int, int]
UPRIGHT: Turn = (1, 0, 0, 1)


class Clock(NamedTuple):
    """Timescale and duration of mvhd or mdhd."""

    version: int
    timescale: bytes
    duration: bytes


class Head(NamedTuple):
    """What is kept of tkhd."""

    flags: int
    version: int
    id: int  # as it was
    duration: bytes
    group: int
    turn: Turn
    width: int  # 16.16, as it is shown
    height: int


def clock(reader: Reader, box: Box, draft: Draft) -> Clock:
    """Return the clock of mvhd or mdhd, whose times go."""
    version = reader.number(box.payload, 1, "big")
    if version > 1:
        raise Malformed("a header has an unknown version", offset=box.start)
    wide = 8 if version else 4
    stored = reader.exactly(box.payload + 4, 3 * wide + 4)
    _times(stored[: 2 * wide], box, draft)
    return Clock(version, stored[2 * wide : 2 * wide + 4], possible(stored[2 * wide + 4 :]))


def possible(duration: bytes) -> bytes:
    """Return a duration as it is; zero where eight bytes hold one that none can have."""
    unknown = not duration.strip(b"\xff")
    return duration if unknown or int.from_bytes(duration, "big") < LONGEST else bytes(8)


def _times(stored: bytes, box: Box, draft: Draft) -> None:
    """Count the times of creation and of the last change, which go; seconds since 1904."""
    if not any(stored):
        return
    middle = len(stored) // 2
    made, changed = (int.from_bytes(time, "big") for time in (stored[:middle], stored[middle:]))
    value = moment(1904, made or changed)
    draft.found(Kind.TIME, name=box.type.decode("latin-1"), value=value)


def movie_turn(reader: Reader, mvhd: Box, clock: Clock) -> Turn:
    """Return how the whole movie is turned."""
    at = mvhd.payload + (36 if clock.version == 0 else 48)
    return _turn(reader.upto(at, 36) if at + 36 <= mvhd.end else b"")


def movie_header(clock: Clock, tracks: int) -> Parts:
    """Return mvhd for so many tracks."""
    version, timescale, duration = clock
    rest = struct.pack(">IH10x", ONE, 0x100) + _matrix(UPRIGHT, 0, 0) + bytes(24)
    times = bytes(16 if version else 8)
    rest += struct.pack(">I", tracks + 1)
    return full(b"mvhd", version, 0, times + timescale + duration + rest)


def media_header(clock: Clock) -> Parts:
    """Return mdhd, of no language."""
    version, timescale, duration = clock
    language = struct.pack(">HH", UNDETERMINED, 0)
    return full(b"mdhd", version, 0, bytes(16 if version else 8) + timescale + duration + language)


def handler(reader: Reader, hdlr: Box, draft: Draft) -> Parts:
    """Return a handler without a name; QuickTime's says "mhlr" in front."""
    if any(reader.upto(hdlr.payload + 12, min(1024, hdlr.end - hdlr.payload - 12))):
        draft.found(Kind.ENCODER)
    head = reader.exactly(hdlr.payload, 12)
    mhlr = b"mhlr" if head[4:8] == b"mhlr" else bytes(4)
    return full(b"hdlr", 0, 0, mhlr + head[8:] + bytes(12) + b"\0")


def read_head(reader: Reader, tkhd: Box, movie: Turn, draft: Draft) -> Head:
    """Return what is kept of tkhd, turned as the movie is."""
    stored = reader.upto(tkhd.payload, min(96, tkhd.end - tkhd.payload))
    version = stored[0] if stored else 2
    wide = 8 if version else 4
    at = 4 + 2 * wide
    if version > 1 or len(stored) < at + wide + 24:
        raise Malformed("a track header is damaged", offset=tkhd.start)
    _times(stored[4:at], tkhd, draft)
    duration = possible(stored[at + 8 : at + 8 + wide])
    at += 8 + wide + 8
    group = int.from_bytes(stored[at + 2 : at + 4], "big")
    size = stored[at + 44 : at + 52].ljust(8, b"\0")
    return Head(
        stored[3] & 0x0F,
        version,
        int.from_bytes(stored[4 + 2 * wide : 8 + 2 * wide], "big"),
        duration,
        group,
        _turned(_turn(stored[at + 8 : at + 44]), movie),
        int.from_bytes(size[:4], "big"),
        int.from_bytes(size[4:], "big"),
    )


def track_header(head: Head, number: int, *, picture: bool) -> Parts:
    """Return tkhd for a track of this number."""
    body = bytes(16 if head.version else 8) + struct.pack(">I4x", number) + head.duration + bytes(8)
    if picture:
        body += struct.pack(">HHH2x", 0, head.group, 0)
        body += _matrix(head.turn, head.width, head.height)
        body += struct.pack(">II", head.width, head.height)
    else:
        body += struct.pack(">HHH2x", 0, head.group, 0x100) + _matrix(UPRIGHT, 0, 0) + bytes(8)
    return full(b"tkhd", head.version, head.flags, body)


def edit_list(reader: Reader, inside: list[Box], media_duration: int, draft: Draft) -> Parts:
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
            kept.append(one.pack(duration if duration < LONGEST else 0, begin, speed))
    if len(kept) < edits.length:
        draft.found(Kind.SLACK)
    rebuilt = struct.pack(">I", len(kept)) + b"".join(kept)
    return boxed(b"edts", full(b"elst", version, 0, rebuilt)) if kept else []


def _turn(matrix: bytes) -> Turn:
    """Return how a matrix turns and mirrors; what is neither is upright."""
    if len(matrix) < 36:
        return UPRIGHT
    a, b, _, c, d, *_ = struct.unpack(">9i", matrix)
    if a and d and not b and not c:
        return (1 if a > 0 else -1, 0, 0, 1 if d > 0 else -1)
    if b and c and not a and not d:
        return (0, 1 if b > 0 else -1, 1 if c > 0 else -1, 0)
    return UPRIGHT


def _turned(turn: Turn, movie: Turn) -> Turn:
    a, b, c, d = turn
    e, f, g, h = movie
    return (a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h)


def _matrix(turn: Turn, width: int, height: int) -> bytes:
    """Return a matrix that turns, and moves what was turned back into its place."""
    a, b, c, d = turn
    right = -min(0, a * width, c * height, a * width + c * height)
    down = -min(0, b * width, d * height, b * width + d * height)
    bound = (1 << 31) - 1
    return struct.pack(
        ">9i",
        a * ONE,
        b * ONE,
        0,
        c * ONE,
        d * ONE,
        0,
        min(right, bound),
        min(down, bound),
        1 << 30,
    )
