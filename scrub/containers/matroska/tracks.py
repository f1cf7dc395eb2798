"""Tracks: what a player needs of each, written anew; who made it, and what it is called, goes.

    TrackEntry     AE: number D7, UID 73C5, type 83, flags, times in ns, language 22B59C, codec id
                   86, its settings 63A2, Video E0 or Audio E1, ContentEncodings 6D80
    Video          E0: width B0, height BA, cropping, display size, interlacing, Colour 55B0, …
    Audio          E1: rate B5, output rate 78B5, channels 9F, bits 6264
    encoding       6D80 { 6240 { scope 5032, type 5033, 5034 { algorithm 4254, settings 4255 } } }
    Projection     7670: type 7671, pose in degrees 7673 to 7675

Each number has a bound here, so that none has room for a name. A track's UID is its number: the
original one is random, and the same in every file cut from one recording. RFC 9559, 5.1.4.
"""

from collections.abc import Set
from dataclasses import dataclass

from scrub.containers.matroska.codec import Settings
from scrub.containers.matroska.ebml import (
    CRC,
    VOID,
    Element,
    children,
    element,
    real,
    real_element,
    text,
    unsigned,
    unsigned_element,
)
from scrub.containers.matroska.settings import behind, codec_named
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

TRACK_ENTRY, NUMBER, UID, TYPE, LANGUAGE, CODEC_ID, SETTINGS = (
    0xAE, 0xD7, 0x73C5, 0x83, 0x22B59C, 0x86, 0x63A2,
)  # fmt: skip
VIDEO, AUDIO, ENCODINGS, COLOUR, PROJECTION, TIME_STRETCH = (
    0xE0, 0xE1, 0x6D80, 0x55B0, 0x7670, 0x23314F,
)  # fmt: skip
ENCODING, ENCODING_ORDER, SCOPE, ENCODING_TYPE, COMPRESSION, ALGORITHM, STRIPPED = (
    0x6240, 0x5031, 0x5032, 0x5033, 0x5034, 0x4254, 0x4255,
)  # fmt: skip
FOURCC, ALPHA_MODE, MOST_ADDITION_ID = 0x2EB524, 0x53C0, 0x55EE
PROJECTION_TYPE, POSES = 0x7671, (0x7673, 0x7674, 0x7675)
QUARTERS = (-180.0, -90.0, 90.0, 180.0)
PICTURE, SOUND = 1, 2
HEADER_STRIPPING, SCOPE_FRAMES = 3, 1

SECONDS = 10**9
# An element that is a number, and the largest one kept, in the order in which they are written.
Bounds = dict[int, int]
ENTRY_NUMBERS: Bounds = {
    0xB9: 1,  # enabled
    0x88: 1,  # default
    0x55AA: 1,  # forced
    0x9C: 1,  # frames may be laced
    0x23E383: 1000 * SECONDS,  # default duration of a frame
    0x56AA: 10 * SECONDS,  # the codec's delay
    0x56BB: 10 * SECONDS,  # preroll after seeking
}
VIDEO_NUMBERS: Bounds = {
    0x9A: 2,  # interlaced
    0x9D: 14,  # field order
    0x53B8: 14,  # stereo mode
    0xB0: 65535,  # width
    0xBA: 65535,  # height
    0x54AA: 65535,  # cropped: bottom, top, left, right
    0x54BB: 65535,
    0x54CC: 65535,
    0x54DD: 65535,
    0x54B0: 65535,  # displayed width, height, their unit
    0x54BA: 65535,
    0x54B2: 4,
}
COLOUR_NUMBERS: Bounds = {
    0x55B1: 255,  # matrix
    0x55B2: 16,  # bits a channel
    0x55B7: 2,  # where chroma samples lie
    0x55B8: 2,
    0x55B9: 3,  # range
    0x55BA: 255,  # transfer
    0x55BB: 255,  # primaries
}
AUDIO_RATES = (0xB5, 0x78B5)
MOST_RATE = 10_000_000
AUDIO_NUMBERS: Bounds = {0x9F: 255, 0x6264: 64}
LONGEST_STRIPPED = 8  # bytes that every frame begins with: a sync word, a start code
LONGEST_SETTINGS = 1 << 20
LARGEST_NUMBER = 126  # of a track, in one byte
MOST_TRACKS = 100

ABOUT = {
    VOID: Kind.PADDING,
    0x536E: Kind.TITLE,  # name
    0x258688: Kind.ENCODER,  # codec name, its settings in words, where it may be had
    0x3A9697: Kind.ENCODER,
    0x3B4040: Kind.ENCODER,
    0x26B240: Kind.ENCODER,
    0x22B59D: Kind.TEXT,  # language, as in BCP 47
}
UNDETERMINED = b"und"
Fields = dict[int, Element]
ENTRY_FIELDS = frozenset(ENTRY_NUMBERS) | {
    NUMBER, UID, TYPE, LANGUAGE, CODEC_ID, SETTINGS, VIDEO, AUDIO, ENCODINGS, TIME_STRETCH,
    MOST_ADDITION_ID,
}  # fmt: skip


@dataclass(slots=True)
class Track:
    """A track that is kept."""

    number: int  # as the blocks have it
    uid: int
    picture: bool
    settings: Settings  # of its codec, and what is done to its frames
    front: bytes  # of the entry: type, flags, times, codec
    media: bytes  # inside Video or Audio; empty where there is none
    prefix: bytes  # what a player puts in front of every frame
    may_have_additions: bool  # frames beside its frames: some programs say so of all they write
    has_additions: bool = False
    new_number: int = 0

    def entry(self) -> bytes:
        """Return the track as it is written, after its clusters were walked."""
        numbers = unsigned_element(NUMBER, self.new_number), unsigned_element(UID, self.new_number)
        media = self.media
        if self.has_additions and self.picture:
            media += unsigned_element(ALPHA_MODE, 1)
        return element(
            TRACK_ENTRY,
            *numbers,
            self.front,
            unsigned_element(MOST_ADDITION_ID, 1) if self.has_additions else b"",
            element(VIDEO if self.picture else AUDIO, media) if media else b"",
            _encodings(self.prefix),
        )


def kept_tracks(reader: Reader, tracks: Element, draft: Draft) -> list[Track]:
    """Rebuild the tracks of sound and picture.

    Raises Unsupported for codecs we can't clean, Malformed when there is nothing to keep.
    """
    kept: dict[int, Track] = {}
    for entry in children(reader, tracks.payload, tracks.end):
        if entry.id != TRACK_ENTRY:
            _leave_out(entry, draft)
            continue
        if _type(reader, entry) not in (PICTURE, SOUND):
            draft.found(Kind.OTHER_STREAM)
            continue
        track = _track(reader, entry, draft)
        if not track.number or track.number in kept:
            raise Malformed("two tracks have one number", offset=entry.start)
        kept[track.number] = track
        if len(kept) > MOST_TRACKS:
            raise TooComplex("too many tracks")
    if not kept:
        raise Malformed("there is no sound", offset=tracks.start)
    free = (number for number in range(1, LARGEST_NUMBER) if number not in kept)
    for track in kept.values():
        track.new_number = track.number if track.number <= LARGEST_NUMBER else next(free)
        if track.uid != track.new_number:
            draft.found(Kind.IDENTIFIER)
    return list(kept.values())


def has_picture(reader: Reader, tracks: Element) -> bool:
    """Say whether one of the tracks is moving pictures."""
    entries = children(reader, tracks.payload, tracks.end)
    return any(entry.id == TRACK_ENTRY and _type(reader, entry) == PICTURE for entry in entries)


def _type(reader: Reader, entry: Element) -> int:
    for child in children(reader, entry.payload, entry.end):
        if child.id == TYPE:
            return unsigned(reader, child)
    return 0


def _track(reader: Reader, entry: Element, draft: Draft) -> Track:
    """Read a TrackEntry of sound or picture, and write most of it anew."""
    fields = _fields(reader, entry, ENTRY_FIELDS, draft)
    picture = _number(reader, fields, TYPE) == PICTURE
    name = text(reader, fields[CODEC_ID], 64) if CODEC_ID in fields else b""
    codec = codec_named(name, picture=picture)
    if LANGUAGE in fields and text(reader, fields[LANGUAGE], 64) not in (b"", UNDETERMINED):
        draft.found(Kind.TEXT)
    if TIME_STRETCH in fields and real(reader, fields[TIME_STRETCH]) != 1.0:
        raise Unsupported("Matroska", "a track whose time runs otherwise")
    private = _private(reader, fields)
    settings = codec.read(private)
    if settings.payload != private and codec.about:
        draft.found(codec.about)
    prefix = _prefix(reader, fields.get(ENCODINGS), draft)
    if prefix and settings.clean_frame:
        settings.clean_frame = behind(prefix, settings.clean_frame)
        settings.is_bare = None
    front = (
        unsigned_element(TYPE, PICTURE if picture else SOUND),
        _numbers(reader, fields, ENTRY_NUMBERS, draft),
        element(LANGUAGE, UNDETERMINED),
        element(CODEC_ID, name),
        element(SETTINGS, settings.payload) if settings.payload else b"",
    )
    return Track(
        number=_number(reader, fields, NUMBER),
        uid=_number(reader, fields, UID),
        picture=picture,
        settings=settings,
        front=b"".join(front),
        media=_picture(reader, fields, draft) if picture else _sound(reader, fields, draft),
        prefix=prefix,
        may_have_additions=codec.addition and _number(reader, fields, MOST_ADDITION_ID, 1) == 1,
    )


def _private(reader: Reader, fields: Fields) -> bytes:
    if SETTINGS not in fields:
        return b""
    field = fields[SETTINGS]
    if field.end - field.payload > LONGEST_SETTINGS:
        raise TooComplex("a decoder's settings are too long")
    return reader.exactly(field.payload, field.end - field.payload)


def _picture(reader: Reader, fields: Fields, draft: Draft) -> bytes:
    if VIDEO not in fields:
        return b""
    inside = _fields(
        reader, fields[VIDEO], {*VIDEO_NUMBERS, ALPHA_MODE, FOURCC, COLOUR, PROJECTION}, draft
    )
    parts = [_numbers(reader, inside, VIDEO_NUMBERS, draft)]
    if FOURCC in inside:
        parts.append(element(FOURCC, reader.exactly(inside[FOURCC].payload, 4)))
    if COLOUR in inside:
        colour = _fields(reader, inside[COLOUR], {*COLOUR_NUMBERS}, draft)
        parts.append(element(COLOUR, _numbers(reader, colour, COLOUR_NUMBERS, draft)))
    if PROJECTION in inside:
        parts.append(_projection(reader, inside[PROJECTION], draft))
    return b"".join(parts)


def _projection(reader: Reader, projection: Element, draft: Draft) -> bytes:
    """Keep how a flat picture is turned, in quarters; a sphere's picture becomes a flat one."""
    inside = _fields(reader, projection, {PROJECTION_TYPE, *POSES}, draft)
    poses = {name: real(reader, inside[name]) for name in POSES if name in inside}
    turned = [degrees for degrees in poses.values() if degrees]
    if _number(reader, inside, PROJECTION_TYPE) or not all(each in QUARTERS for each in turned):
        draft.found(Kind.UNKNOWN_CHUNK)
        return b""
    kept = (real_element(name, degrees) for name, degrees in poses.items())
    return element(PROJECTION, unsigned_element(PROJECTION_TYPE, 0), *kept)


def _sound(reader: Reader, fields: Fields, draft: Draft) -> bytes:
    if AUDIO not in fields:
        return b""
    inside = _fields(reader, fields[AUDIO], {*AUDIO_RATES, *AUDIO_NUMBERS}, draft)
    parts = []
    for name in AUDIO_RATES:
        if name in inside:
            rate = real(reader, inside[name])
            if not 1 <= rate <= MOST_RATE:
                raise Malformed("a sampling rate makes no sense", offset=inside[name].start)
            parts.append(real_element(name, round(rate)))
    return b"".join(parts) + _numbers(reader, inside, AUDIO_NUMBERS, draft)


def _prefix(reader: Reader, encodings: Element | None, draft: Draft) -> bytes:
    """Return the bytes that were taken off the front of every frame.

    Any other encoding is refused: compressed frames can't be looked into, nor encrypted ones.
    """
    if encodings is None:
        return b""
    each = list(children(reader, encodings.payload, encodings.end))
    inside = [child for child in each if child.id == ENCODING]
    if not inside:
        return b""
    encoding = _fields(
        reader, inside[0], {ENCODING_ORDER, SCOPE, ENCODING_TYPE, COMPRESSION}, draft
    )
    scope = _number(reader, encoding, SCOPE, SCOPE_FRAMES)
    if len(inside) > 1 or scope != SCOPE_FRAMES or _number(reader, encoding, ENCODING_TYPE):
        raise Unsupported("Matroska", "an encoded track")
    if COMPRESSION not in encoding:
        raise Unsupported("Matroska", "a compressed track")
    compression = _fields(reader, encoding[COMPRESSION], {ALGORITHM, STRIPPED}, draft)
    if _number(reader, compression, ALGORITHM) != HEADER_STRIPPING:
        raise Unsupported("Matroska", "a compressed track")
    stripped = compression.get(STRIPPED)
    if stripped is None or stripped.end - stripped.payload > LONGEST_STRIPPED:
        raise Unsupported("Matroska", "a compressed track")
    return reader.exactly(stripped.payload, stripped.end - stripped.payload)


def _encodings(prefix: bytes) -> bytes:
    if not prefix:
        return b""
    compression = element(
        COMPRESSION, unsigned_element(ALGORITHM, HEADER_STRIPPING), element(STRIPPED, prefix)
    )
    return element(ENCODINGS, element(ENCODING, compression))


def _numbers(reader: Reader, fields: Fields, bounds: Bounds, draft: Draft) -> bytes:
    """Return the numbers that are there and within their bounds."""
    parts = []
    for name, most in bounds.items():
        if name in fields:
            number = unsigned(reader, fields[name])
            if number <= most:
                parts.append(unsigned_element(name, number))
            else:
                draft.found(Kind.SLACK)
    return b"".join(parts)


def _number(reader: Reader, fields: Fields, name: int, default: int = 0) -> int:
    return unsigned(reader, fields[name]) if name in fields else default


def _fields(reader: Reader, parent: Element, known: Set[int], draft: Draft) -> Fields:
    """Return the first element of each known id; the others go."""
    fields: Fields = {}
    for child in children(reader, parent.payload, parent.end):
        if child.id in known and child.id not in fields:
            fields[child.id] = child
        else:
            _leave_out(child, draft)
    return fields


def _leave_out(element: Element, draft: Draft) -> None:
    if element.id != CRC:
        draft.found(ABOUT.get(element.id, Kind.UNKNOWN_CHUNK))
