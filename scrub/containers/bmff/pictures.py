"""Which codecs of pictures ISO media may hold, and what of their samples is no picture.

A codec is known by its four letters. Of H.264's and H.265's samples the user data goes, of AV1's
too, of Motion JPEG's the notes. The others have no place for anything but pictures, or what they
have stays and is named: DV carries the date and time of each picture, MPEG its encoder's name.
"""

from collections import Counter
from functools import partial
from typing import NamedTuple

from scrub.codecs import jpeg, obu
from scrub.codecs.es_descriptor import decoder_of
from scrub.codecs.nal import Codec, cleaned_sample, configured
from scrub.containers.bmff.boxes import Box, Parts, boxed, first
from scrub.containers.bmff.entry import JPEG_OBJECT, Clean, descriptor
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import Cut, Span
from scrub.reading import LONGEST_READ, Reader

LONGEST_SETTINGS = 1 << 16


def _codes(names: str) -> frozenset[bytes]:
    return frozenset(name.encode().ljust(4) for name in names.split())


AVC = (b"avc1", b"avc2", b"avc3", b"avc4", b"dva1", b"dvav")
HEVC = (b"hvc1", b"hev1", b"dvh1", b"dvhe")
DOLBY = frozenset({b"dvcC", b"dvvC", b"dvwC"})
# What each needs in its sample description.
SETTINGS: dict[bytes, bytes] = {
    **dict.fromkeys(AVC, b"avcC"),
    **dict.fromkeys(HEVC, b"hvcC"),
    **dict.fromkeys((b"vp08", b"vp09"), b"vpcC"),
    **dict.fromkeys((b"s263", b"h263", b"H263"), b"d263"),
    b"av01": b"av1C",
    b"mp4v": b"esds",
}
JPEG = frozenset({b"jpeg", b"mjpa", b"MJPG", b"mjpg", b"AVDJ", b"dmb1"})
DV = _codes("dvc dvcp dvpp dv5n dv5p dvh1 dvh2 dvh3 dvh4 dvh5 dvh6 dvhp dvhq AVdv AVd1")
MPEG = _codes(
    "m1v mp1v mp2v mpeg mpg1 mpg2 m2v1 hdv1 hdv2 hdv3 hdv4 hdv5 hdv6 hdv7 hdv8 hdv9 hdva mx3n mx3p "
    "mx4n mx4p mx5n mx5p xdv1 xdv2 xdv3 xdv4 xdv5 xdv6 xdv7 xdv8 xdv9 xdva xdvb xdvc xdvd xdve "
    "xdvf xdhd xdh2 xd51 xd54 xd55 xd59 xd5a xd5b xd5c xd5d xd5e xd5f"
)
PLAIN = _codes(
    "apch apcn apcs apco ap4h ap4x cvid SVQ1 rpza smc rle 8BPS raw yuv2 yuvs 2vuy 2Vuy v210 v308 "
    "v408 v410 b16g b48r b64a r210 R10k AVdn AVdh icod WRLE Hap1 Hap5 HapY"
)
NAMES = frozenset(SETTINGS) | JPEG | DV | MPEG | PLAIN


class Pictures(NamedTuple):
    """What a codec's samples are cleaned by, and its settings, rebuilt."""

    settings: Parts
    clean: Clean | None = None
    found: Counter[Kind] | None = None
    remains: Kind | None = None  # in every sample


def pictures(reader: Reader, entry: Box, inside: list[Box]) -> Pictures:
    """Return how to read the samples of a description; Unsupported when none knows its codec."""
    if entry.type not in NAMES:
        raise Unsupported("MP4", "video of an unknown codec")
    if entry.type in AVC + HEVC:
        config = _settings(reader, entry, inside)
        codec = Codec.AVC if entry.type in AVC else Codec.HEVC
        dolby = any(child.type in DOLBY for child in inside)
        stream, cleaned = configured(config, codec, dolby=dolby)
        clean: Clean = partial(cleaned_sample, stream=stream)
        return Pictures(boxed(SETTINGS[entry.type], cleaned), clean, stream.found)
    found: Counter[Kind] = Counter()
    if entry.type == b"av01":
        config = _settings(reader, entry, inside)
        config = obu.configured(config) if config else b""  # as ffmpeg writes it into fragments
        return Pictures(boxed(b"av1C", config), partial(obu.cleaned_unit, found=found), found)
    if entry.type in JPEG or _is_jpeg(reader, entry, inside):
        return Pictures([], partial(_cleaned_jpeg, found=found), found)
    return Pictures([], remains=Kind.TIME if entry.type in DV else None)


def _is_jpeg(reader: Reader, entry: Box, inside: list[Box]) -> bool:
    esds = first(inside, b"esds") if entry.type == b"mp4v" else None
    if esds is None:
        return False
    return decoder_of(descriptor(reader, esds), esds.start).object_type == JPEG_OBJECT


def _settings(reader: Reader, entry: Box, inside: list[Box]) -> bytes:
    box = first(inside, SETTINGS[entry.type])
    if box is None or box.end - box.payload > LONGEST_SETTINGS:
        raise Malformed("the decoder's settings are damaged", offset=entry.start)
    return reader.exactly(box.payload, box.end - box.payload)


def _cleaned_jpeg(reader: Reader, start: int, end: int, found: Counter[Kind]) -> list[Cut] | None:
    """Return what is kept of a picture of Motion JPEG; None when all of it is."""
    if end - start > LONGEST_READ:
        raise TooComplex("a picture is too long")
    if start == end:
        return None
    frame = jpeg.cleaned_frame(reader.exactly(start, end - start), start)
    found += frame.found
    if frame.kept == [(0, end - start)]:
        return None
    return [Span(start + begin, start + stop) for begin, stop in frame.kept]
