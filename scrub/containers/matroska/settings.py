"""CodecPrivate: for each codec that we can clean, what its decoder reads of it and no more.

    xiph      u8 headers - 1, the lengths of all but the last (255 goes on), the headers
    VP9       u8 id, u8 length, value: profile, level, depth, chroma
    AV1       4 bytes, then units of settings (OBUs); of these the sequence header
    FLAC      "fLaC", block head 4 bytes, STREAMINFO 34, maybe further blocks
    MS/ACM    WAVEFORMATEX
    MPEG      sequence headers behind start codes 00 00 01; user data begins 00 00 01 B2

Matroska codec specifications (draft-ietf-cellar-codec); the codecs' own.
"""

import io
import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from scrub.codecs import nal, obu, theora, waveformat
from scrub.codecs.aac_settings import without_comment
from scrub.codecs.vorbis import SIGNATURE, whole_setup
from scrub.errors import Malformed, Unsupported
from scrub.findings import Kind
from scrub.plan import Cut, Literal, Span
from scrub.reading import Reader

Frames = Callable[[Reader, int, int], list[Cut] | None]
QuickLook = Callable[[bytes, int, int], bool]
LONGEST_AAC = 64


class Settings(NamedTuple):
    """What a decoder is told, and what has to be done to each frame, if anything."""

    payload: bytes
    clean_frame: Frames | None = None
    is_bare: QuickLook | None = None  # says of a frame in a block of bytes that nothing goes
    found: Mapping[Kind, int] = MappingProxyType({})  # grows while frames are cleaned


class Codec(NamedTuple):
    """A codec whose frames are nothing but sound or picture."""

    read: Callable[[bytes], Settings]
    about: Kind | None = Kind.SLACK  # what it is that goes with the rest of its settings
    alpha: bool = False  # a second frame may stand beside each


def codec_named(name: bytes, *, picture: bool) -> Codec:
    """Return the codec of this id; Unsupported when it is none we can clean."""
    codec = (PICTURE_CODECS if picture else SOUND_CODECS).get(name)
    if codec is None and not picture and _AAC_PROFILE.fullmatch(name):
        return SOUND_CODECS[b"A_AAC"]
    if codec is None:
        what = "pictures of an unknown codec" if picture else "sound of an unknown codec"
        raise Unsupported("Matroska", what)
    return codec


_AAC_PROFILE = re.compile(rb"A_AAC/MPEG[24]/(?:MAIN|LC|SSR|LTP)(?:/SBR)?")
_USER_DATA = re.compile(rb"\x00\x00\x01\xb2.*?(?=\x00\x00\x01|\Z)", re.DOTALL)
VP9_FEATURES = frozenset({1, 2, 3, 4})
PRORES = frozenset({b"apch", b"apcn", b"apcs", b"apco", b"ap4h", b"ap4x"})


def _damaged() -> Malformed:
    return Malformed("a decoder's settings are damaged", offset=0)


def _nothing(private: bytes) -> Settings:  # noqa: ARG001  # like the others
    return Settings(b"")


def _first(length: int) -> Callable[[bytes], Settings]:
    def read(private: bytes) -> Settings:
        if private and len(private) < length:
            raise _damaged()
        return Settings(private[:length])

    return read


def _opus(private: bytes) -> Settings:
    if len(private) < 19 or not private.startswith(b"OpusHead"):
        raise _damaged()
    length = 21 + private[9] if private[18] else 19
    if len(private) < length:
        raise _damaged()
    return Settings(private[:length])


def _flac(private: bytes) -> Settings:
    """Keep STREAMINFO as the last block, and without its MD5."""
    if (
        len(private) < 42
        or private[:4] != b"fLaC"
        or private[4] & 0x7F
        or private[5:8] != b"\0\0\x22"
    ):
        raise _damaged()
    return Settings(b"fLaC\x80\0\0\x22" + private[8:26] + bytes(16))


def _aac(private: bytes) -> Settings:
    settings = without_comment(private) if private else b""
    if len(settings) > LONGEST_AAC:
        raise _damaged()
    return Settings(settings)


def _waveformat(private: bytes) -> Settings:
    return Settings(waveformat.rebuilt(private, waveformat.PACKETS, "Matroska", 0).payload)


def _vorbis(private: bytes) -> Settings:
    identification, _, setup = _xiph_headers(private)
    if len(identification) < 30 or not identification.startswith(b"\x01vorbis"):
        raise _damaged()
    if not setup.startswith(SIGNATURE):
        raise _damaged()
    whole = whole_setup(setup, channels=max(1, identification[11]))
    return Settings(_xiph_laced(identification[:30], b"\x03vorbis" + bytes(8) + b"\x01", whole))


def _theora(private: bytes) -> Settings:
    identification, _, setup = _xiph_headers(private)
    if len(identification) < 42 or not identification.startswith(b"\x80theora"):
        raise _damaged()
    if not setup.startswith(theora.SIGNATURE):
        raise _damaged()
    whole = theora.whole_setup(setup)
    return Settings(_xiph_laced(identification[:42], b"\x81theora" + bytes(8), whole))


def _xiph_headers(private: bytes) -> list[bytes]:
    """Return the three headers."""
    if private[:1] != b"\x02":
        raise _damaged()
    lengths, at = [0, 0], 1
    for which in range(2):
        while private[at : at + 1] == b"\xff":
            lengths[which] += 255
            at += 1
        if at >= len(private):
            raise _damaged()
        lengths[which] += private[at]
        at += 1
    second, third = at + lengths[0], at + sum(lengths)
    return [private[at:second], private[second:third], private[third:]]


def _xiph_laced(*headers: bytes) -> bytes:
    lengths = (b"\xff" * (len(each) // 255) + bytes([len(each) % 255]) for each in headers[:-1])
    return bytes([len(headers) - 1]) + b"".join(lengths) + b"".join(headers)


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


def _mpeg(private: bytes) -> Settings:
    """Keep what is no user data: encoders write their names there."""
    return Settings(_USER_DATA.sub(b"", private))


def _prores(private: bytes) -> Settings:
    if private[:4] not in PRORES:
        raise _damaged()
    return Settings(private[:4])


def _units(codec: nal.Codec) -> Callable[[bytes], Settings]:
    def read(private: bytes) -> Settings:
        stream, config = nal.configured(private, codec)
        clean_frame = partial(nal.cleaned_sample, stream=stream)
        return Settings(config, clean_frame, partial(nal.is_bare, stream=stream), stream.found)

    return read


def _av1(private: bytes) -> Settings:
    found: Counter[Kind] = Counter()
    clean_frame = partial(obu.cleaned_unit, found=found)
    return Settings(obu.configured(private), clean_frame, obu.is_bare, found)


def behind(prefix: bytes, clean_frame: Frames) -> Frames:
    """Return what cleans frames that lack their first bytes, as header stripping leaves them."""

    def clean(reader: Reader, start: int, end: int) -> list[Cut] | None:
        frame = prefix + reader.exactly(start, end - start)
        cuts = clean_frame(Reader(io.BytesIO(frame)), 0, len(frame))
        if cuts is None:
            return None
        kept: list[Cut] = []
        missing = prefix  # what the player will put in front
        for cut in cuts:
            data = frame[cut.start : cut.end] if isinstance(cut, Span) else cut.data
            known = min(len(missing), len(data))
            if data[:known] != missing[:known]:
                raise Unsupported("Matroska", "frames that lack a part of what goes")
            missing = missing[known:]
            if isinstance(cut, Literal):
                kept.append(Literal(data[known:]))
            else:
                shift = start - len(prefix)
                kept.append(Span(cut.start + known + shift, cut.end + shift))
        return kept

    return clean


SOUND_CODECS: dict[bytes, Codec] = {
    b"A_OPUS": Codec(_opus),
    b"A_VORBIS": Codec(_vorbis, Kind.TAG_BLOCK),
    b"A_FLAC": Codec(_flac, Kind.CHECKSUM),
    b"A_AAC": Codec(_aac),
    b"A_MPEG/L3": Codec(_nothing),
    b"A_MPEG/L2": Codec(_nothing),
    b"A_MPEG/L1": Codec(_nothing),
    b"A_AC3": Codec(_nothing),
    b"A_AC3/BSID9": Codec(_nothing),
    b"A_AC3/BSID10": Codec(_nothing),
    b"A_EAC3": Codec(_nothing),
    b"A_DTS": Codec(_nothing),
    b"A_DTS/EXPRESS": Codec(_nothing),
    b"A_DTS/LOSSLESS": Codec(_nothing),
    b"A_TRUEHD": Codec(_nothing),
    b"A_MLP": Codec(_nothing),
    b"A_PCM/INT/LIT": Codec(_nothing),
    b"A_PCM/INT/BIG": Codec(_nothing),
    b"A_PCM/FLOAT/IEEE": Codec(_nothing),
    b"A_ALAC": Codec(_first(24)),
    b"A_TTA1": Codec(_nothing),
    b"A_WAVPACK4": Codec(_first(2), alpha=True),  # what was lost in coding may stand beside
    b"A_MS/ACM": Codec(_waveformat),
}
PICTURE_CODECS: dict[bytes, Codec] = {
    b"V_VP8": Codec(_nothing, alpha=True),
    b"V_VP9": Codec(_vp9, alpha=True),
    b"V_AV1": Codec(_av1),
    b"V_MPEG4/ISO/AVC": Codec(_units(nal.Codec.AVC), None),
    b"V_MPEGH/ISO/HEVC": Codec(_units(nal.Codec.HEVC), None),
    b"V_THEORA": Codec(_theora, Kind.TAG_BLOCK),
    b"V_MPEG1": Codec(_mpeg, Kind.ENCODER),
    b"V_MPEG2": Codec(_mpeg, Kind.ENCODER),
    b"V_MPEG4/ISO/SP": Codec(_mpeg, Kind.ENCODER),
    b"V_MPEG4/ISO/ASP": Codec(_mpeg, Kind.ENCODER),
    b"V_MPEG4/ISO/AP": Codec(_mpeg, Kind.ENCODER),
    b"V_PRORES": Codec(_prores),
    b"V_UNCOMPRESSED": Codec(_nothing),
}
