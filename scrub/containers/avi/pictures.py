"""Which codecs of pictures an AVI may hold, and what of their pictures is no picture.

A codec is known by its four letters. Most have no place for anything but pictures; of Motion
JPEG's frames the notes go, of H.264's and H.265's the user data, in as many bytes. What stays
inside the coded pictures of others is named: DV carries the date and time of each picture,
MPEG-4 its encoder's name.
"""

from enum import Enum, auto
from typing import NamedTuple

from scrub.codecs import ffv1, huffyuv, jpeg, mpeg4_visual, nal
from scrub.codecs.bitmapinfo import MOST_PALETTE_BITS, Bitmap
from scrub.errors import TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import Cut, Draft, Literal, Span
from scrub.reading import LONGEST_READ, Reader

LOOKED_AT = 1 << 12  # bytes of a picture: an encoder's name stands in front of it


class Coding(Enum):
    """What a codec's pictures are made of."""

    PLAIN = auto()
    ROWS = auto()
    JPEG = auto()
    MPEG = auto()  # parts 1, 2 and 4
    H264 = auto()
    H265 = auto()
    DV = auto()
    HUFFYUV = auto()
    FFV1 = auto()


def _named(coding: Coding, names: str) -> dict[bytes, Coding]:
    return dict.fromkeys((name.encode().ljust(4) for name in names.split()), coding)


# Pictures without a codec go by numbers: rows of pixels, run lengths of 8 and 4 bits, bit fields.
ROWS, FIELDS = bytes(4), b"\3\0\0\0"
RAW = {
    ROWS: Coding.ROWS,
    b"\1\0\0\0": Coding.PLAIN,
    b"\2\0\0\0": Coding.PLAIN,
    FIELDS: Coding.ROWS,
}
UT_VIDEO = "ULRG ULRA ULY0 ULY2 ULY4 ULH0 ULH2 ULH4"
# By capital letters; recorders write them either way.
FOURCCS: dict[bytes, Coding] = (
    RAW
    | _named(
        Coding.PLAIN,
        "YUY2 YUYV UYVY YV12 I420 IYUV Y800 GREY NV12 YVU9 CVID MSVC CRAM WHAM RLE MRLE IV31 IV32 "
        "IV41 IV50 DIV1 DIV2 DIV3 DIV4 DIV5 DIV6 MP41 MP42 MP43 MPG3 MPG4 COL0 COL1 AP41 WMV1 "
        "WMV2 WMV3 H261 H263 I263 S263 U263 VX1K FLV1 VP30 VP31 VP50 VP60 VP61 VP62 VP80 VP90 "
        "SVQ1 SVQ3 TSCC ZMBV LAGS V210 AASC DUCK TM20 ASV1 ASV2 " + UT_VIDEO,
    )
    | _named(Coding.JPEG, "MJPG JPEG AVRN DMB1 LJPG IJPG JPGL ACDV SLMJ CJPG QIVG MJLS")
    | _named(
        Coding.MPEG,
        "MP4V FMP4 XVID XVIX DIVX DX50 MP4S M4S2 M4CC 3IV2 3IVX RMP4 SEDG UMP4 WV1F XVIR DXGM "
        "BLZ0 SMP4 VIDM GEOX SM4V G264 MPG1 MPG2 MPEG PIM1 MMES VCR2 DVR SLIF MP2V M701 M702 M703",
    )
    | _named(Coding.H264, "H264 X264 AVC1 DAVC VSSH Q264 V264 GAVC SMV2")
    | _named(Coding.H265, "HEVC H265 X265 HVC1")
    | _named(Coding.HUFFYUV, "HFYU FFVH")
    | _named(Coding.FFV1, "FFV1")
    | _named(Coding.DV, "DVSD DVSL DVHD DV25 DV50 DVH1 CDVC CDV5 DVCP DVC DVIS PDVC SL25 SLDV")
)
SETTINGS_SIZES = {FIELDS: 12, b"WMV2": 4, b"WMV3": 5, b"ASV1": 4, b"ASV2": 4} | dict.fromkeys(
    UT_VIDEO.encode().split(), 16
)
SETTINGS = {
    Coding.MPEG: mpeg4_visual.without_user_data,
    Coding.HUFFYUV: huffyuv.whole_settings,
    Coding.FFV1: ffv1.whole_settings,
}
NAL_CODECS = {Coding.H264: nal.Codec.AVC, Coding.H265: nal.Codec.HEVC}


class Pictures(NamedTuple):
    """A stream's pictures: their coding, and what its units are known by."""

    coding: Coding
    size: int  # of a picture without a codec
    units: nal.Stream | None

    def settings(self, bitmap: Bitmap, draft: Draft) -> bytes:
        """Return what a decoder needs of the bytes behind the header, or its palette."""
        behind = bitmap.behind
        if 0 < bitmap.bits <= MOST_PALETTE_BITS:
            return behind
        if read := SETTINGS.get(self.coding):
            kept = read(behind)
        elif self.units:
            kept = _blanked(behind, self.units) or behind
        else:
            kept = behind[: SETTINGS_SIZES.get(bitmap.codec.upper(), 0)]
        if kept != behind:
            draft.found(Kind.SLACK)
        return kept

    def report(self, draft: Draft) -> None:
        """Count what went out of H.264's and H.265's units."""
        for kind, times in (self.units.found if self.units else {}).items():
            draft.found(kind, times)

    def cuts(self, reader: Reader, start: int, end: int, draft: Draft) -> list[Cut] | None:
        """Return what is kept of a picture; None when all of it is."""
        match self.coding:
            case Coding.JPEG:
                return _jpeg(reader, start, end, draft)
            case Coding.H264 | Coding.H265:
                return self._units(reader, start, end)
            case Coding.MPEG:
                if mpeg4_visual.has_user_data(reader.upto(start, min(end - start, LOOKED_AT))):
                    draft.tally.remains(Kind.ENCODER)
            case Coding.DV:
                draft.tally.remains(Kind.TIME)
            case Coding.ROWS if start < end < start + self.size:
                raise Unsupported("AVI", "pictures of an unknown codec")
        return None

    def _units(self, reader: Reader, start: int, end: int) -> list[Cut] | None:
        picture = _whole(reader, start, end)
        blanked = _blanked(picture, self.units) if self.units else None
        if blanked is None:
            return None
        same = [a == b for a, b in zip(picture, blanked, strict=True)]
        first = same.index(False)
        last = len(same) - same[::-1].index(False)
        return [
            Span(start, start + first),
            Literal(blanked[first:last]),
            Span(start + last, end),
        ]


def pictures(bitmap: Bitmap) -> Pictures:
    """Return how to read pictures of this codec; Unsupported when it is none that we know."""
    coding = FOURCCS.get(bitmap.codec.upper())
    if coding is None:
        raise Unsupported("AVI", "pictures of an unknown codec")
    codec = NAL_CODECS.get(coding)
    row = (abs(bitmap.width) * bitmap.bits + 31) // 32 * 4
    return Pictures(coding, row * abs(bitmap.height), nal.Stream(codec) if codec else None)


def _blanked(units: bytes, stream: nal.Stream) -> bytes | None:
    """Return units with what goes overwritten; Unsupported when they are not set apart by 1."""
    if not units:
        return None
    if not nal.START_CODE.search(units):
        raise Unsupported("AVI", "H.264 behind lengths")
    return nal.blanked_units(units, stream)


def _jpeg(reader: Reader, start: int, end: int, draft: Draft) -> list[Cut] | None:
    if start == end:
        return None
    frame = jpeg.cleaned_frame(_whole(reader, start, end), start)
    if frame.names_encoder:
        draft.tally.remains(Kind.ENCODER)
    for kind, times in frame.found.items():
        draft.found(kind, times)
    if not frame.found:
        return None
    return [Span(start + begin, start + stop) for begin, stop in frame.kept]


def _whole(reader: Reader, start: int, end: int) -> bytes:
    if end - start > LONGEST_READ:
        raise TooComplex("a picture is too long")
    return reader.exactly(start, end - start)
