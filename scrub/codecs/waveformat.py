"""WAVEFORMATEX, which says what the sound is in WAV, Wave64, AVI, ASF and Matroska.

    fixed      u16 tag, u16 channels, u32 rate, u32 bytes a second, u16 block size, u16 bits
    extension  u16 length and as many bytes as the tag's codec defines: none for PCM
    FFFE       bits that count 2, speakers 4, and the tag once more as a GUID

What stands behind the bytes that a codec defines goes; what of these is reserved becomes zeros.
Numbers are little-endian. Microsoft mmreg.h; Multiple Channel Audio Data and WAVE Files, 2007.
"""

import struct
from collections.abc import Mapping
from typing import NamedTuple

from scrub.codecs.aac_settings import without_comment
from scrub.errors import Malformed, Unsupported

FMT = struct.Struct("<HHIIHH")
PCM, MPEG, MP3, AAC, AC3, DTS = 0x0001, 0x0050, 0x0055, 0x00FF, 0x2000, 0x2001
EXTENSIBLE = 0xFFFE
LONGEST_AAC_SETTINGS = 64

# Codecs that are nothing but sound, and how many bytes follow the u16 length. These need no frames
# of their own, so their sound may lie anywhere.
PLAIN = {
    0x0002: 32,  # Microsoft ADPCM: samples a block, seven coefficient pairs
    0x0003: 0,  # IEEE float
    0x0006: 0,  # A-law
    0x0007: 0,  # µ-law
    0x0010: 2,  # OKI ADPCM
    0x0011: 2,  # IMA ADPCM: samples a block
    0x0014: 2,  # G.726 and others of its kind
    0x0017: 2,  # Dialogic's OKI ADPCM
    0x0020: 2,  # Yamaha ADPCM
    0x0031: 2,  # GSM 6.10
    0x0040: 2,  # G.721
    0x0042: 10,  # Microsoft G.723.1
    0x0045: 2,
    0x0064: 2,
    0x0065: 2,  # G.722
    0x0069: 2,  # IMA ADPCM of the Xbox
    0x0160: 4,  # WMA 1: samples a block, options
    0x0161: 10,  # WMA 2: the same, and alignment
    0x0162: 18,  # WMA Pro: bits, speakers, options
    0x0163: 18,  # WMA lossless
    0x0200: 2,  # Creative ADPCM
    0x028F: 2,
    EXTENSIBLE: 22,
}
# And those whose packets a container of packets may hold.
PACKETS = PLAIN | {
    MPEG: 22,  # MPEG layers I and II: layer, bitrate, mode, emphasis, flags, time stamp
    MP3: 12,  # id, flags, block size, frames a block, delay
    AAC: LONGEST_AAC_SETTINGS,
    AC3: 0,
    DTS: 0,
}
# And those whose frames follow one another, so that they can be told from what stands between.
FRAMES = PLAIN | {MPEG: 22, MP3: 12, AC3: 0, DTS: 0}
# Of these, what is a time stamp or reserved.
BLANK = {MPEG: (14, 22), 0x0162: (6, 14), 0x0163: (6, 14)}
# Codecs that count samples by bytes: how many there are needs no saying.
COUNTED = frozenset({PCM, 0x0003, 0x0006, 0x0007})
GUID_AT = 6
GUID_REST = (
    bytes.fromhex("000000001000800000aa00389b71"),
    bytes.fromhex("00002107d3118644c8c1ca000000"),  # the same in B-format
)


class WaveFormat(NamedTuple):
    """A format rebuilt; `slack` says whether bytes stood behind what its codec defines."""

    payload: bytes
    slack: bool

    @property
    def tag(self) -> int:
        """The codec; that of the GUID where there is one."""
        tag, guid = _tag(self.payload), self.payload[FMT.size + 2 + GUID_AT :][:2]
        return int.from_bytes(guid, "little") if tag == EXTENSIBLE else tag

    @property
    def block_size(self) -> int:
        """Bytes of the smallest part that decodes; at least 1."""
        return max(1, int.from_bytes(self.payload[12:14], "little"))

    @property
    def bytes_a_second(self) -> int:
        """As the recorder counted them."""
        return int.from_bytes(self.payload[8:12], "little")


def rebuilt(payload: bytes, known: Mapping[int, int], format_name: str, offset: int) -> WaveFormat:
    """Return the format as its tag defines it.

    Raises Malformed when it is too short, Unsupported when the codec is not among the `known`.
    """
    if len(payload) < FMT.size:
        raise Malformed("the format of the sound is too short", offset=offset)
    tag = _tag(payload)
    if tag != PCM and tag not in known:
        raise Unsupported(format_name, "sound of an unknown codec")
    whole = payload[FMT.size + 2 :]
    if tag == PCM or len(payload) < FMT.size + 2:
        if tag == EXTENSIBLE:
            raise Malformed("the format of the sound is too short", offset=offset)
        return WaveFormat(payload[: FMT.size], slack=bool(whole))
    said = int.from_bytes(payload[FMT.size : FMT.size + 2], "little")
    extension = whole[: min(said, known[tag])]
    if tag == EXTENSIBLE:
        _check_guid(extension[GUID_AT:], known, format_name, offset)
    if tag == AAC:
        extension = without_comment(extension)
    begin, end = BLANK.get(tag, (0, 0))
    blank = extension[begin:end]
    extension = extension[:begin] + bytes(len(blank)) + extension[begin + len(blank) :]
    kept = payload[: FMT.size] + struct.pack("<H", len(extension)) + extension
    return WaveFormat(kept, slack=whole != extension)


def _tag(payload: bytes) -> int:
    return int.from_bytes(payload[:2], "little")


def _check_guid(guid: bytes, known: Mapping[int, int], format_name: str, offset: int) -> None:
    """Refuse a codec that we don't know, and a GUID that is anything but a codec."""
    if len(guid) < 16:
        raise Malformed("the format of the sound is too short", offset=offset)
    tag = _tag(guid)
    if guid[2:] not in GUID_REST or (tag != PCM and tag not in known) or tag == EXTENSIBLE:
        raise Unsupported(format_name, "sound of an unknown codec")
