"""Sample descriptions of pictures in ISO media: what a decoder needs, box by box.

    entry     6 reserved, u16 dref index, u16 version, u16 revision, vendor 4, u32 + u32 quality,
              u16 width, u16 height, u32 + u32 dots an inch, u32 0, u16 frames a sample, 32 bytes
              of compressor's name, u16 depth, i16 colour table: 86 bytes with the box's head

The size, the depth and QuickTime's table of colours stay, the rest is constant.
ISO/IEC 14496-12, 12.1; 14496-15; QuickTime, "Video Sample Descriptions";
VP8, VP9 and AV1 in ISO media: their encapsulation documents; Dolby Vision streams in ISO BMFF.
"""

import struct
from collections.abc import Callable

from scrub.codecs.es_descriptor import VISUAL_STREAM, Decoder, decoder_of, es_descriptor
from scrub.codecs.mpeg4_visual import mpeg2_settings, mpeg4_settings
from scrub.containers.bmff.boxes import Box, Parts, boxed, children
from scrub.containers.bmff.entry import (
    JPEG_OBJECT,
    Entry,
    descriptor,
    esds,
    first_bytes,
)
from scrub.containers.bmff.pictures import DOLBY, SETTINGS, pictures
from scrub.errors import Malformed, Unsupported
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

ENTRY = struct.Struct(">6xHHH4sIIHHIIIH32sHH")
DOTS = 72 << 16
COLOUR_TABLE, NO_COLOUR_TABLE = 0, 0xFFFF
DEEPEST, GREY = 40, 32  # bits; of grey ones 32 more
PALETTES = (1, 2, 4, 8)
COLOUR = struct.Struct(">2x6s")
MOST_PIXELS = 1 << 20
MPEG4, MPEG2_AND_1 = 0x20, (0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x6A)
# What tells how pictures are shown: shape, edges, fields, colours, light.
SHOWN = frozenset({b"colr", b"pasp", b"clap", b"fiel", b"mdcv", b"clli", b"amve"})


def visual_entry(reader: Reader, box: Box, draft: Draft) -> Entry:
    """Rebuild one entry of stsd; Unsupported when its codec is none that we know."""
    fixed = reader.exactly(box.payload, ENTRY.size)
    if box.end - box.payload < ENTRY.size:
        raise Malformed("a sample description is too short", offset=box.start)
    _, version, revision, vendor, *_, name, depth, table_id = ENTRY.unpack(fixed)
    width, height = struct.unpack_from(">HH", fixed, 24)
    if version or revision or any(vendor) or any(name):
        draft.found(Kind.ENCODER)
    table = b""
    if table_id == COLOUR_TABLE and depth in PALETTES:
        table = _colour_table(reader, box)
    inside = list(children(reader, box, ENTRY.size + len(table)))
    shows = pictures(reader, box, inside)
    parts: Parts = []
    for child in inside:
        parts += _kept(reader, child, box.type, shows.settings, draft)
    depth = min(depth, DEEPEST)
    colours = COLOUR_TABLE if table else NO_COLOUR_TABLE
    shown = (width, height, DOTS, DOTS, 0, 1, bytes(32), depth, colours)
    kept = ENTRY.pack(1, 0, 0, bytes(4), 0, 0, *shown) + table
    built = boxed(box.type, kept, parts)
    return Entry(built, clean=shows.clean, found=shows.found, remains=shows.remains)


def _colour_table(reader: Reader, box: Box) -> bytes:
    """Return QuickTime's table of colours: u32 first, u16 flags, u16 last; 8 bytes each."""
    at = box.payload + ENTRY.size
    begin, _, last = struct.unpack(">IHH", reader.exactly(at, 8))
    size = 8 * (last - begin + 1)
    if not begin <= last <= 255 or at + 8 + size > box.end:
        raise Malformed("a table of colours is damaged", offset=at)
    colours = COLOUR.iter_unpack(reader.exactly(at + 8, size))
    head = struct.pack(">IHH", begin, 0, last)
    return head + b"".join(COLOUR.pack(colour) for (colour,) in colours)


def _kept(reader: Reader, box: Box, codec: bytes, settings: Parts, draft: Draft) -> Parts:
    """Return a box inside a sample description rebuilt, or nothing."""
    is_settings = box.type == SETTINGS.get(codec)
    if is_settings and settings:
        return settings
    if not is_settings and box.type not in SHOWN | DOLBY:
        draft.found(Kind.TEXT if box.type == b"udta" else Kind.UNKNOWN_CHUNK)
        return []
    parts = _REBUILD[box.type](reader, box, draft)
    if sum(len(part) for part in parts if isinstance(part, bytes)) != box.end - box.start:
        draft.found(Kind.SLACK)
    return parts


def _esds(reader: Reader, box: Box, draft: Draft) -> Parts:
    """Rebuild the settings of MPEG-4, MPEG-2 or MPEG-1 pictures."""
    kind, numbers, settings = decoder_of(descriptor(reader, box), box.start)
    if kind == MPEG4:
        kept = mpeg4_settings(settings)
    elif kind in MPEG2_AND_1:
        kept = mpeg2_settings(settings)
    elif kind == JPEG_OBJECT:
        kept = b""
    else:
        raise Unsupported("MP4", "video of an unknown codec")
    if kept != settings:
        draft.found(Kind.ENCODER)
    return esds(es_descriptor(Decoder(kind, numbers, kept), VISUAL_STREAM))


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
} | dict.fromkeys(DOLBY, _dolby)
