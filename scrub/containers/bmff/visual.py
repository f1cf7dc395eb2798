"""Sample descriptions of pictures in ISO media: what a decoder needs, box by box.

    entry     6 reserved, u16 dref index, u16 version, u16 revision, vendor 4, u32 + u32 quality,
              u16 width, u16 height, u32 + u32 dots an inch, u32 0, u16 frames a sample, 32 bytes
              of compressor's name, u16 depth, i16 colour table: 86 bytes with the box's head

The size and the depth stay, the rest is constant. Every sample of H.264 and H.265 is
looked at, unit by unit. ISO/IEC 14496-12, 12.1; 14496-15; QuickTime, "Video Sample Descriptions";
VP8, VP9 and AV1 in ISO media: their encapsulation documents; Dolby Vision streams in ISO BMFF.
"""

import struct
from collections.abc import Callable

from scrub.codecs.mpeg_visual import mpeg2_settings, mpeg4_settings
from scrub.codecs.nal import Codec, Stream, cleaned_sample, configured
from scrub.containers.bmff.boxes import Box, Parts, boxed, children, first
from scrub.containers.bmff.entry import (
    Clean,
    DecoderSettings,
    Entry,
    decoder_settings,
    first_bytes,
    rebuilt_esds,
)
from scrub.errors import Malformed, Unsupported
from scrub.findings import Kind
from scrub.plan import Cut, Draft
from scrub.reading import Reader

ENTRY = struct.Struct(">6xHHH4sIIHHIIIH32sHH")
DOTS = 72 << 16
NO_COLOUR_TABLE = 0xFFFF
DEEPEST = 32
MOST_PIXELS = 1 << 20
LONGEST_SETTINGS = 1 << 16
VISUAL_STREAM = 4 << 2 | 1
MPEG4, MPEG2_AND_1 = 0x20, (0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x6A)

AVC = (b"avc1", b"avc2", b"avc3", b"avc4", b"dva1", b"dvav")
HEVC = (b"hvc1", b"hev1", b"dvh1", b"dvhe")
PRORES = (b"apch", b"apcn", b"apcs", b"apco", b"ap4h", b"ap4x")
H263 = (b"s263", b"h263", b"H263")
VP = (b"vp08", b"vp09")
# What tells how pictures are shown: shape, edges, fields, colours, light.
_SHOWN = frozenset({b"colr", b"pasp", b"clap", b"fiel", b"mdcv", b"clli", b"amve"})
_DOLBY = frozenset({b"dvcC", b"dvvC", b"dvwC"})
_INSIDE: dict[bytes, frozenset[bytes]] = {
    **dict.fromkeys(AVC, _SHOWN | _DOLBY | {b"avcC"}),
    **dict.fromkeys(HEVC, _SHOWN | _DOLBY | {b"hvcC"}),
    **dict.fromkeys(PRORES, _SHOWN),
    **dict.fromkeys(H263, _SHOWN | {b"d263"}),
    **dict.fromkeys(VP, _SHOWN | {b"vpcC"}),
    b"mp4v": _SHOWN | {b"esds"},
}


def visual_entry(reader: Reader, box: Box, draft: Draft) -> Entry:
    """Rebuild one entry of stsd; Unsupported when its codec is none that we know."""
    if box.type not in _INSIDE:
        raise Unsupported("MP4", "video of an unknown codec")
    fixed = reader.exactly(box.payload, ENTRY.size)
    if box.end - box.payload < ENTRY.size:
        raise Malformed("a sample description is too short", offset=box.start)
    _, version, revision, vendor, _, _, width, height, *_, name, depth, _ = ENTRY.unpack(fixed)
    if version or revision or any(vendor) or any(name):
        draft.found(Kind.ENCODER)
    shown = (width, height, DOTS, DOTS, 0, 1, bytes(32), min(depth, DEEPEST), NO_COLOUR_TABLE)
    kept = ENTRY.pack(1, 0, 0, bytes(4), 0, 0, *shown)
    inside = list(children(reader, box, ENTRY.size))
    stream = _stream(reader, box, inside)
    parts: Parts = []
    for child in inside:
        parts += _kept(reader, child, box.type, stream, draft)
    clean = None if stream is None else _cleaner(stream[0])
    found = None if stream is None else stream[0].found
    return Entry(boxed(box.type, kept, parts), clean=clean, found=found)


def _stream(reader: Reader, entry: Box, inside: list[Box]) -> tuple[Stream, Parts] | None:
    """Return a stream of units as its box describes it, and that box rebuilt."""
    if entry.type not in AVC + HEVC:
        return None
    codec, kind = (Codec.AVC, b"avcC") if entry.type in AVC else (Codec.HEVC, b"hvcC")
    box = first(inside, kind)
    if box is None or box.end - box.payload > LONGEST_SETTINGS:
        raise Malformed("the decoder's settings are damaged", offset=entry.start)
    config = reader.exactly(box.payload, box.end - box.payload)
    dolby = any(child.type in _DOLBY for child in inside)
    stream, cleaned = configured(config, codec, dolby=dolby)
    return stream, boxed(kind, cleaned)


def _cleaner(stream: Stream) -> Clean:
    def clean(reader: Reader, start: int, end: int) -> list[Cut] | None:
        return cleaned_sample(reader, start, end, stream)

    return clean


def _kept(
    reader: Reader, box: Box, codec: bytes, stream: tuple[Stream, Parts] | None, draft: Draft
) -> Parts:
    """Return a box inside a sample description rebuilt, or nothing."""
    if box.type not in _INSIDE[codec]:
        draft.found(Kind.TEXT if box.type == b"udta" else Kind.UNKNOWN_CHUNK)
        return []
    if stream is not None and box.type in (b"avcC", b"hvcC"):
        return stream[1]
    parts = _REBUILD[box.type](reader, box, draft)
    if sum(len(part) for part in parts if isinstance(part, bytes)) != box.end - box.start:
        draft.found(Kind.SLACK)
    return parts


def _esds(reader: Reader, box: Box, draft: Draft) -> Parts:
    """Rebuild the settings of MPEG-4, MPEG-2 or MPEG-1 pictures."""
    kind, numbers, settings = decoder_settings(reader, box)
    if kind == MPEG4:
        kept = mpeg4_settings(settings)
    elif kind in MPEG2_AND_1:
        kept = mpeg2_settings(settings)
    else:
        raise Unsupported("MP4", "video of an unknown codec")
    if kept != settings:
        draft.found(Kind.ENCODER)
    return rebuilt_esds(DecoderSettings(kind, numbers, kept), VISUAL_STREAM)


def _colr(reader: Reader, box: Box, draft: Draft) -> Parts:
    """Keep colours that are told by number; a profile may be anyone's own."""
    kind = reader.upto(box.payload, 4)
    size = {b"nclx": 11, b"nclc": 10}.get(kind, 0)
    if not size or box.end - box.payload < size:
        draft.found(Kind.UNKNOWN_CHUNK)
        return []
    kept = reader.exactly(box.payload, size)
    return boxed(b"colr", kept[:10] + bytes([kept[10] & 0x80]) if kind == b"nclx" else kept)


def _d263(reader: Reader, box: Box, draft: Draft) -> Parts:
    """Keep level and profile; the vendor becomes the usual one."""
    payload = reader.exactly(box.payload, 7)
    if payload[:5] != b"FFMP\0":
        draft.found(Kind.ENCODER)
    return boxed(b"d263", b"FFMP\0" + payload[5:])


def _small_numbers(count: int) -> Callable[[Reader, Box, Draft], Parts]:
    """Return what keeps a shape that is told in numbers of pixels, which are no text."""

    def keep(reader: Reader, box: Box, draft: Draft) -> Parts:
        size = 4 * count
        stored = reader.upto(box.payload, min(size, box.end - box.payload))
        if len(stored) < size or any(
            not -MOST_PIXELS < number < MOST_PIXELS
            for (number,) in struct.iter_unpack(">i", stored)
        ):
            draft.found(Kind.UNKNOWN_CHUNK)
            return []
        return boxed(box.type, stored)

    return keep


def _vpcc(reader: Reader, box: Box, draft: Draft) -> Parts:  # noqa: ARG001  # like the others
    """Keep profile, level and colours; no codec of this kind has more to say."""
    return boxed(b"vpcC", reader.exactly(box.payload, 10) + bytes(2))


def _dolby(reader: Reader, box: Box, draft: Draft) -> Parts:  # noqa: ARG001
    """Keep version, profile, level and which layers there are."""
    return boxed(box.type, reader.exactly(box.payload, 5) + bytes(19))


_REBUILD: dict[bytes, Callable[[Reader, Box, Draft], Parts]] = {
    b"esds": _esds,
    b"colr": _colr,
    b"d263": _d263,
    b"vpcC": _vpcc,
    b"pasp": _small_numbers(2),
    b"clap": _small_numbers(8),
    b"fiel": first_bytes(2),
    b"mdcv": first_bytes(24),
    b"clli": first_bytes(4),
    b"amve": first_bytes(8),
} | dict.fromkeys(_DOLBY, _dolby)
