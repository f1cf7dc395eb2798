"""Sound in Matroska: the settings of each codec's decoder.

    Opus      OpusHead: 19 bytes, or 21 and a channel table
    FLAC      "fLaC", block head 4 bytes, STREAMINFO 34, maybe further blocks
    Vorbis    identification, comments, setup, laced
    MS/ACM    WAVEFORMATEX

RFC 7845, RFC 9639, Vorbis I; Matroska codec specifications.
"""

import re
from collections.abc import Callable

from scrub.codecs import waveformat
from scrub.codecs.aac_settings import without_comment
from scrub.codecs.vorbis import SIGNATURE, whole_setup
from scrub.containers.matroska.codec import (
    Codec,
    Settings,
    damaged,
    nothing,
    xiph_headers,
    xiph_laced,
)
from scrub.findings import Kind

LONGEST_AAC = 64
AAC_PROFILE = re.compile(rb"A_AAC/MPEG[24]/(?:MAIN|LC|SSR|LTP)(?:/SBR)?")


def _first(length: int) -> Callable[[bytes], Settings]:
    def read(private: bytes) -> Settings:
        if private and len(private) < length:
            raise damaged()
        return Settings(private[:length])

    return read


def _opus(private: bytes) -> Settings:
    if len(private) < 19 or not private.startswith(b"OpusHead"):
        raise damaged()
    length = 21 + private[9] if private[18] else 19
    if len(private) < length:
        raise damaged()
    return Settings(private[:length])


def _flac(private: bytes) -> Settings:
    """Keep STREAMINFO as the last block, and without its MD5."""
    if (
        len(private) < 42
        or private[:4] != b"fLaC"
        or private[4] & 0x7F
        or private[5:8] != b"\0\0\x22"
    ):
        raise damaged()
    return Settings(b"fLaC\x80\0\0\x22" + private[8:26] + bytes(16))


def _aac(private: bytes) -> Settings:
    settings = without_comment(private) if private else b""
    if len(settings) > LONGEST_AAC:
        raise damaged()
    return Settings(settings)


def _waveformat(private: bytes) -> Settings:
    return Settings(waveformat.rebuilt(private, waveformat.PACKETS, "Matroska", 0).payload)


def _vorbis(private: bytes) -> Settings:
    identification, _, setup = xiph_headers(private)
    if len(identification) < 30 or not identification.startswith(b"\x01vorbis"):
        raise damaged()
    if not setup.startswith(SIGNATURE):
        raise damaged()
    whole = whole_setup(setup, channels=max(1, identification[11]))
    return Settings(xiph_laced(identification[:30], b"\x03vorbis" + bytes(8) + b"\x01", whole))


SOUND_CODECS: dict[bytes, Codec] = {
    b"A_OPUS": Codec(_opus),
    b"A_VORBIS": Codec(_vorbis, Kind.TAG_BLOCK),
    b"A_FLAC": Codec(_flac, Kind.CHECKSUM),
    b"A_AAC": Codec(_aac),
    b"A_MPEG/L3": Codec(nothing),
    b"A_MPEG/L2": Codec(nothing),
    b"A_MPEG/L1": Codec(nothing),
    b"A_AC3": Codec(nothing),
    b"A_AC3/BSID9": Codec(nothing),
    b"A_AC3/BSID10": Codec(nothing),
    b"A_EAC3": Codec(nothing),
    b"A_DTS": Codec(nothing),
    b"A_DTS/EXPRESS": Codec(nothing),
    b"A_DTS/LOSSLESS": Codec(nothing),
    b"A_TRUEHD": Codec(nothing),
    b"A_MLP": Codec(nothing),
    b"A_PCM/INT/LIT": Codec(nothing),
    b"A_PCM/INT/BIG": Codec(nothing),
    b"A_PCM/FLOAT/IEEE": Codec(nothing),
    b"A_ALAC": Codec(_first(24)),
    b"A_TTA1": Codec(nothing),
    b"A_WAVPACK4": Codec(_first(2), addition=True),  # what was lost in coding may stand beside
    b"A_MS/ACM": Codec(_waveformat),
}
