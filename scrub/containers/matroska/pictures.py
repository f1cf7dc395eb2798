"""Pictures in Matroska: the settings of each codec's decoder, and what its frames carry besides.

    VP9       u8 id, u8 length, value: profile, level, depth, chroma
    AV1       av1C: 4 bytes, then units of settings (OBUs); of these the sequence header
    H.264     avcC, and units behind lengths; browsers leave it out and write units behind 00 00 01
    FFV1      its configuration record
    VFW       BITMAPINFOHEADER, as in AVI; its four letters are the codec

Matroska codec specifications; RFC 9043 (FFV1); the codecs' own.
"""

from collections import Counter
from collections.abc import Callable
from functools import partial

from scrub.codecs import ffv1, mpeg4_visual, nal, obu, theora
from scrub.codecs.bitmapinfo import read_bitmap
from scrub.containers.avi import pictures as avi
from scrub.containers.matroska.codec import (
    Codec,
    Settings,
    damaged,
    nothing,
    xiph_headers,
    xiph_laced,
)
from scrub.errors import TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import Aside, Cut, Literal
from scrub.reading import LONGEST_READ, Reader

VP9_FEATURES = frozenset({1, 2, 3, 4})
PRORES = frozenset({b"apch", b"apcn", b"apcs", b"apco", b"ap4h", b"ap4x"})
START_CODE = b"\0\0\1"


def _theora(private: bytes) -> Settings:
    identification, _, setup = xiph_headers(private)
    if len(identification) < 42 or not identification.startswith(b"\x80theora"):
        raise damaged()
    if not setup.startswith(theora.SIGNATURE):
        raise damaged()
    whole = theora.whole_setup(setup)
    return Settings(xiph_laced(identification[:42], b"\x81theora" + bytes(8), whole))


def _vp9(private: bytes) -> Settings:
    """Keep each feature we know, which is one byte."""
    kept: dict[int, bytes] = {}
    at = 0
    while at + 3 <= len(private):
        feature, length = private[at], private[at + 1]
        if feature in VP9_FEATURES and length == 1:
            kept[feature] = private[at : at + 3]
        at += 2 + length
    return Settings(b"".join(kept[feature] for feature in sorted(kept)))


def _prores(private: bytes) -> Settings:
    if private[:4] not in PRORES:
        raise damaged()
    return Settings(private[:4])


def _mpeg(clean: Callable[[bytes], bytes]) -> Callable[[bytes], Settings]:
    def read(private: bytes) -> Settings:
        return Settings(clean(private))

    return read


def _units(codec: nal.Codec) -> Callable[[bytes], Settings]:
    def read(private: bytes) -> Settings:
        if not private or private.startswith((START_CODE, b"\0" + START_CODE)):
            return _annex_b(private, nal.Stream(codec))
        stream, config = nal.configured(private, codec)
        clean_frame = partial(nal.cleaned_sample, stream=stream)
        return Settings(config, clean_frame, partial(nal.is_bare, stream=stream), stream.found)

    return read


def _annex_b(private: bytes, stream: nal.Stream) -> Settings:
    """Read units set apart by start codes: what goes is overwritten."""

    def clean(reader: Reader, start: int, end: int) -> list[Cut] | None:
        if end - start > LONGEST_READ:
            raise TooComplex("a picture is too long")
        units = reader.exactly(start, end - start)
        if not nal.START_CODE.search(units):
            raise Unsupported("Matroska", "H.264 without its settings")
        blanked = nal.blanked_units(units, stream)
        return None if blanked is None else [Literal(blanked)]

    settings = nal.blanked_units(private, stream) if private else None
    return Settings(private if settings is None else settings, clean, None, stream.found)


def _av1(private: bytes) -> Settings:
    found: Counter[Kind] = Counter()
    clean_frame = partial(obu.cleaned_unit, found=found)
    return Settings(obu.configured(private), clean_frame, obu.is_bare, found)


def _ffv1(private: bytes) -> Settings:
    return Settings(ffv1.whole_settings(private))


def _vfw(private: bytes) -> Settings:
    """Read what an AVI would say; its codecs are the same."""
    bitmap = read_bitmap(private, 0)
    coding = avi.FOURCCS.get(bitmap.codec.upper())
    if coding is None:
        raise Unsupported("Matroska", "pictures of an unknown codec")
    pictures = avi.pictures(bitmap)
    kept = pictures.settings(bitmap, Aside())
    settings = Settings(bitmap._replace(behind=kept).payload())
    if coding is not avi.Coding.PLAIN:
        _clean_as_in_avi(pictures, settings)
    return settings


def _mjpeg(private: bytes) -> Settings:  # noqa: ARG001  # there is nothing in it
    settings = Settings(b"")
    _clean_as_in_avi(avi.Pictures(avi.Coding.JPEG, 0, None), settings)
    return settings


def _clean_as_in_avi(pictures: avi.Pictures, settings: Settings) -> None:
    def clean(reader: Reader, start: int, end: int) -> list[Cut] | None:
        seen = Aside()
        cuts = pictures.cuts(reader, start, end, seen)
        findings = seen.tally.findings()
        settings.found.update(findings.removed)
        settings.remains.update(findings.remains)
        return cuts

    settings.clean_frame = clean
    if pictures.units:
        settings.found = pictures.units.found


PICTURE_CODECS: dict[bytes, Codec] = {
    b"V_VP8": Codec(nothing, addition=True),
    b"V_VP9": Codec(_vp9, addition=True),
    b"V_AV1": Codec(_av1),
    b"V_MPEG4/ISO/AVC": Codec(_units(nal.Codec.AVC), None),
    b"V_MPEGH/ISO/HEVC": Codec(_units(nal.Codec.HEVC), None),
    b"V_THEORA": Codec(_theora, Kind.TAG_BLOCK),
    b"V_MPEG1": Codec(_mpeg(mpeg4_visual.mpeg2_settings), Kind.ENCODER),
    b"V_MPEG2": Codec(_mpeg(mpeg4_visual.mpeg2_settings), Kind.ENCODER),
    b"V_MPEG4/ISO/SP": Codec(_mpeg(mpeg4_visual.mpeg4_settings), Kind.ENCODER),
    b"V_MPEG4/ISO/ASP": Codec(_mpeg(mpeg4_visual.mpeg4_settings), Kind.ENCODER),
    b"V_MPEG4/ISO/AP": Codec(_mpeg(mpeg4_visual.mpeg4_settings), Kind.ENCODER),
    b"V_MPEG4/MS/V3": Codec(nothing),
    b"V_FFV1": Codec(_ffv1),
    b"V_MJPEG": Codec(_mjpeg),
    b"V_MS/VFW/FOURCC": Codec(_vfw),
    b"V_PRORES": Codec(_prores),
    b"V_UNCOMPRESSED": Codec(nothing),
}
