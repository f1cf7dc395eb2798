"""Sample descriptions of sound in ISO media: what a decoder needs, box by box.

    entry     6 reserved, u16 dref index, u16 version, u16 revision, vendor 4, u16 channels, u16
              bits, u16 compression, u16 packet, u32 rate (16.16); QuickTime version 1 adds four
              u32 (samples a packet, bytes a packet, a frame, a sample), version 2 adds 36 bytes
    esds      full box; descriptors: u8 tag, length in 7-bit groups, payload
    3 ES      u16 id, u8 flags;  4 decoder: u8 kind, u8 stream, u24 buffer, u32 most, u32 mean
              bits a second;  5 settings of the decoder;  6 sync layer, one byte 2

ISO/IEC 14496-12, 12.2; 14496-1, 7.2.6; QuickTime, "Sound Sample Descriptions"; Opus, FLAC and
AC-3 in ISO media: their encapsulation documents; damr: 3GPP TS 26.244.
"""

import struct
from collections.abc import Callable
from typing import NamedTuple

from scrub.codecs.aac_settings import without_comment
from scrub.containers.bmff.boxes import Box, Parts, boxed, children
from scrub.errors import Malformed, Unsupported
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

ENTRY = struct.Struct(">6xHHH4sHHHHI")
MORE = {0: 0, 1: 16, 2: 36}  # bytes that QuickTime's versions add
LONGEST_SETTINGS = 64  # of a decoder: AAC's are 2 to 40 bytes
UNCOMPRESSED = {
    b"raw ": 1, b"twos": 2, b"sowt": 2, b"NONE": 1, b"in24": 3, b"in32": 4, b"fl32": 4,
    b"fl64": 8, b"ulaw": 1, b"alaw": 1, b"lpcm": 2,
}  # fmt: skip
CODECS = frozenset(UNCOMPRESSED) | {
    b"mp4a", b"alac", b"Opus", b"fLaC", b"ac-3", b"ec-3", b"samr", b"sawb", b".mp3", b"ima4",
    b"ipcm", b"fpcm", b"ms\x00\x55", b"MAC3", b"MAC6",
}  # fmt: skip
# MPEG-4 sound, MPEG-2 AAC of three profiles, MPEG layers, AC-3.
OBJECT_TYPES = frozenset({0x40, 0x66, 0x67, 0x68, 0x69, 0x6B, 0xA5, 0xA6})
AAC_TYPES = frozenset({0x40, 0x66, 0x67, 0x68})
ES, DECODER, SETTINGS, SYNC = 3, 4, 5, 6
SOUND_STREAM = 5 << 2 | 1


class Entry(NamedTuple):
    """A sample description, rebuilt, and how its samples are counted."""

    parts: Parts
    frame_size: int  # bytes of one uncompressed frame of all channels; 0 where it is compressed
    packet: tuple[int, int]  # samples and bytes, where QuickTime packs a fixed number


def sample_entry(reader: Reader, box: Box, draft: Draft, *, quicktime: bool) -> Entry:
    """Rebuild one entry of stsd; Unsupported when its codec is none that we know."""
    if box.type not in CODECS:
        raise Unsupported("MP4", "sound of an unknown codec")
    fixed = reader.exactly(box.payload, ENTRY.size)
    _, version, revision, vendor, channels, bits, compression, packet, rate = ENTRY.unpack(fixed)
    if not quicktime or version not in MORE:
        version = 0
    more = reader.exactly(box.payload + ENTRY.size, MORE[version])
    if revision or any(vendor):
        draft.found(Kind.ENCODER)
    kept = ENTRY.pack(1, version, 0, bytes(4), channels, bits, compression, packet, rate) + more
    inside: Parts = []
    for child in children(reader, box, ENTRY.size + len(more)):
        if child.type == b"chan" and channels <= 2:  # the number says it all
            draft.found(Kind.UNKNOWN_CHUNK)
        else:
            inside += _kept(reader, child, box.type, draft)
    frame_size, packed = _counting(box.type, version, channels, bits, more)
    return Entry(boxed(box.type, kept, inside), frame_size, packed)


def _counting(
    codec: bytes, version: int, channels: int, bits: int, more: bytes
) -> tuple[int, tuple[int, int]]:
    if version == 2:
        return int.from_bytes(more[28:32], "big"), (0, 0)
    packed = (0, 0)
    if version == 1:
        samples, _, frame, _ = struct.unpack(">IIII", more)
        packed = (samples, frame)
    if codec not in UNCOMPRESSED:
        return 0, packed
    width = bits // 8 if codec in (b"raw ", b"twos", b"sowt", b"NONE", b"lpcm") else 0
    return channels * (width or UNCOMPRESSED[codec]), packed


def _kept(reader: Reader, box: Box, codec: bytes, draft: Draft) -> Parts:
    """Return a box inside a sample description rebuilt, or nothing."""
    if box.type not in _INSIDE[codec]:
        draft.found(Kind.TEXT if box.type == b"udta" else Kind.UNKNOWN_CHUNK)
        return []
    if box.type == b"wave":
        parts = _wave(reader, box, codec, draft)
    else:
        parts = _REBUILD[box.type](reader, box, draft)
    if sum(len(part) for part in parts if isinstance(part, bytes)) != box.end - box.start:
        draft.found(Kind.SLACK)
    return parts


def _first_bytes(length: int) -> Callable[[Reader, Box, Draft], Parts]:
    def keep(reader: Reader, box: Box, draft: Draft) -> Parts:  # noqa: ARG001  # like the others
        return boxed(box.type, reader.upto(box.payload, min(length, box.end - box.payload)))

    return keep


def _esds(reader: Reader, box: Box, draft: Draft) -> Parts:  # noqa: ARG001
    """Rebuild ES, decoder, settings and sync layer; ids and URLs go."""
    payload = reader.exactly(box.payload, min(1024, box.end - box.payload))
    body = _descriptor(payload, 4, ES, box)
    flags = body[2] if len(body) > 2 else 0
    at = 3 + (2 if flags & 0x80 else 0) + (2 if flags & 0x20 else 0)
    if flags & 0x40:
        at += 1 + (body[at] if len(body) > at else 0)
    decoder = _descriptor(body, at, DECODER, box)
    if len(decoder) < 13 or decoder[0] not in OBJECT_TYPES:
        raise Unsupported("MP4", "sound of an unknown codec")
    settings = b""
    if len(decoder) > 13:
        settings = _descriptor(decoder, 13, SETTINGS, box)
        # Layers of MPEG and AC-3 have none.
        settings = without_comment(settings) if decoder[0] in AAC_TYPES else b""
        if len(settings) > LONGEST_SETTINGS:
            raise Malformed("a decoder's settings are too long", offset=box.start)
        settings = _tagged(SETTINGS, settings) if settings else b""
    kept = decoder[:1] + bytes([SOUND_STREAM]) + decoder[2:13] + settings
    rebuilt = _tagged(ES, bytes(3) + _tagged(DECODER, kept) + _tagged(SYNC, b"\x02"))
    return boxed(b"esds", bytes(4) + rebuilt)


def _descriptor(payload: bytes, at: int, tag: int, box: Box) -> bytes:
    """Return the payload of the descriptor at `at`, which must have this tag."""
    length = 0
    for i in range(at + 1, min(at + 5, len(payload))):
        length = length << 7 | payload[i] & 0x7F
        if not payload[i] & 0x80:
            if payload[at] == tag and i + 1 + length <= len(payload):
                return payload[i + 1 : i + 1 + length]
            break
    raise Malformed("a descriptor of esds is damaged", offset=box.start)


def _tagged(tag: int, payload: bytes) -> bytes:
    return bytes([tag, 0x80 | len(payload) >> 7, len(payload) & 0x7F]) + payload


def _alac(reader: Reader, box: Box, draft: Draft) -> Parts:  # noqa: ARG001
    """Keep the 24 bytes of settings, and 24 of channel layout where they are."""
    payload = reader.upto(box.payload, min(52, box.end - box.payload))
    if len(payload) < 28:
        raise Malformed("the alac settings are too short", offset=box.start)
    layout = payload[28:52] if payload[32:36] == b"chan" and len(payload) == 52 else b""
    return boxed(b"alac", payload[:28] + layout)


def _dops(reader: Reader, box: Box, draft: Draft) -> Parts:  # noqa: ARG001
    payload = reader.upto(box.payload, min(268, box.end - box.payload))
    if len(payload) < 11:
        raise Malformed("the Opus settings are too short", offset=box.start)
    return boxed(b"dOps", payload[: 13 + payload[1] if payload[10] else 11])


def _dfla(reader: Reader, box: Box, draft: Draft) -> Parts:
    """Keep STREAMINFO, as the last block and without its MD5."""
    payload = reader.upto(box.payload, min(42, box.end - box.payload))
    if len(payload) < 42 or payload[4] & 0x7F or payload[5:8] != b"\0\0\x22":
        raise Malformed("the FLAC settings are damaged", offset=box.start)
    if any(payload[26:]):
        draft.found(Kind.CHECKSUM)
    return boxed(b"dfLa", bytes(4) + b"\x80\0\0\x22" + payload[8:26] + bytes(16))


def _damr(reader: Reader, box: Box, draft: Draft) -> Parts:
    """Keep mode set, change period and frames a sample; the vendor becomes the usual one."""
    payload = reader.exactly(box.payload, 9)
    vendor = b"FFMP\0"  # what most 3GP files carry; a blank one would stand out
    if payload[:5] != vendor:
        draft.found(Kind.ENCODER)
    return boxed(b"damr", vendor + payload[5:])


def _chan(reader: Reader, box: Box, draft: Draft) -> Parts:  # noqa: ARG001
    payload = reader.upto(box.payload, min(4096, box.end - box.payload))
    if len(payload) < 16:
        raise Malformed("the channel layout is too short", offset=box.start)
    return boxed(b"chan", payload[: 16 + 20 * int.from_bytes(payload[12:16], "big")])


def _wave(reader: Reader, box: Box, codec: bytes, draft: Draft) -> Parts:
    """QuickTime's box around the others; it ends with an empty box without a type."""
    inside: Parts = []
    for child in children(reader, box):
        if child.type == b"frma":
            inside += boxed(b"frma", codec)
        elif child.type == b"mp4a" and codec == b"mp4a":
            inside += boxed(b"mp4a", bytes(4))
        elif child.type in _INSIDE[codec] and child.type != b"wave":
            inside += _kept(reader, child, codec, draft)
        elif child.type != bytes(4):
            draft.found(Kind.UNKNOWN_CHUNK)
    return boxed(b"wave", inside, boxed(bytes(4)))


_REBUILD: dict[bytes, Callable[[Reader, Box, Draft], Parts]] = {
    b"esds": _esds,
    b"alac": _alac,
    b"dOps": _dops,
    b"dfLa": _dfla,
    b"dac3": _first_bytes(3),
    b"dec3": _first_bytes(16),
    b"damr": _damr,
    b"chan": _chan,
    b"pcmC": _first_bytes(6),
    b"enda": _first_bytes(2),
}
# What a decoder of each codec reads; uncompressed sound needs `enda` to tell its byte order.
_QUICKTIME = frozenset({b"chan", b"wave"})
_INSIDE: dict[bytes, frozenset[bytes]] = {
    b"mp4a": _QUICKTIME | {b"esds"},
    b".mp3": _QUICKTIME | {b"esds"},
    b"ms\x00\x55": _QUICKTIME,
    b"alac": _QUICKTIME | {b"alac"},
    b"Opus": frozenset({b"dOps"}),
    b"fLaC": frozenset({b"dfLa"}),
    b"ac-3": _QUICKTIME | {b"dac3"},
    b"ec-3": _QUICKTIME | {b"dec3"},
    b"samr": _QUICKTIME | {b"damr"},
    b"sawb": _QUICKTIME | {b"damr"},
    b"ima4": _QUICKTIME,
    b"MAC3": _QUICKTIME,
    b"MAC6": _QUICKTIME,
    b"ipcm": frozenset({b"pcmC", b"chan"}),
    b"fpcm": frozenset({b"pcmC", b"chan"}),
} | dict.fromkeys(UNCOMPRESSED, _QUICKTIME | {b"enda"})
