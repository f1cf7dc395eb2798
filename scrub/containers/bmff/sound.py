"""Sample descriptions of sound in ISO media: what a decoder needs, box by box.

    entry     6 reserved, u16 dref index, u16 version, u16 revision, vendor 4, u16 channels, u16
              bits, u16 compression, u16 packet, u32 rate (16.16); QuickTime version 1 adds four
              u32 (samples a packet, bytes a packet, a frame, a sample), version 2 adds 36 bytes

ISO/IEC 14496-12, 12.2; 14496-14; QuickTime, "Sound Sample Descriptions"; Opus, FLAC and
AC-3 in ISO media: their encapsulation documents; damr: 3GPP TS 26.244.
"""

import struct
from collections.abc import Callable

from scrub.codecs.es_descriptor import rebuilt_sound
from scrub.containers.bmff.boxes import Box, Parts, boxed, children
from scrub.containers.bmff.entry import (
    Entry,
    descriptor,
    esds,
    first_bytes,
)
from scrub.errors import Malformed, Unsupported
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

ENTRY = struct.Struct(">6xHHH4sHHHHI")
MORE = {0: 0, 1: 16, 2: 36}  # bytes that QuickTime's versions add
NUMBERS = struct.Struct(">IdIIIIII")  # of version 2: size, rate, channels, bits, flags, packet
COMPRESSIONS = (0, 0xFFFF, 0xFFFE)
LARGEST, FASTEST = 1 << 24, 10_000_000  # a number in a description, a rate: what is more is text
UNKNOWN_CHANNEL = 0xFFFFFFFF
LAYOUT_BY_LABELS, LAYOUT_BY_BITMAP = 0, 1 << 16
DEPENDENT = 0x1E  # in the third byte of a stream of E-AC-3: how many depend on it
UNCOMPRESSED = {
    b"raw ": 1, b"twos": 2, b"sowt": 2, b"NONE": 1, b"in24": 3, b"in32": 4, b"fl32": 4,
    b"fl64": 8, b"ulaw": 1, b"alaw": 1, b"lpcm": 2,
}  # fmt: skip
CODECS = frozenset(UNCOMPRESSED) | {
    b"mp4a", b"alac", b"Opus", b"fLaC", b"ac-3", b"ec-3", b"samr", b"sawb", b".mp3", b"ima4",
    b"ipcm", b"fpcm", b"ms\x00\x02", b"ms\x00\x11", b"ms\x00\x55", b"MAC3",
    b"MAC6", b"agsm", b"dtsc", b"dtsh", b"dtsl", b"dtse",
}  # fmt: skip
# MPEG-4 sound, MPEG-2 AAC of three profiles, MPEG layers, AC-3, E-AC-3, DTS.
OBJECT_TYPES = frozenset({0x40, 0x66, 0x67, 0x68, 0x69, 0x6B, 0xA5, 0xA6, 0xA9})


def sound_entry(reader: Reader, box: Box, draft: Draft, *, quicktime: bool) -> Entry:
    """Rebuild one entry of stsd; Unsupported when its codec is none that we know."""
    if box.type not in CODECS:
        raise Unsupported("MP4", "sound of an unknown codec")
    fixed = reader.exactly(box.payload, ENTRY.size)
    _, version, revision, vendor, channels, bits, compression, _, rate = ENTRY.unpack(fixed)
    if not quicktime or version not in MORE:
        version = 0
    more = reader.exactly(box.payload + ENTRY.size, MORE[version])
    if revision or any(vendor):
        draft.found(Kind.ENCODER)
    compression = compression if compression in COMPRESSIONS else 0
    more = _numbers(version, more, box)
    kept = ENTRY.pack(1, version, 0, bytes(4), channels, bits, compression, 0, rate) + more
    inside: Parts = []
    for child in children(reader, box, ENTRY.size + len(more)):
        if child.type == b"chan" and channels <= 2:  # the number says it all
            draft.found(Kind.UNKNOWN_CHUNK)
        else:
            inside += _kept(reader, child, box.type, draft)
    frame_size, packed = _counting(box.type, version, channels, bits, more)
    return Entry(boxed(box.type, kept, inside), frame_size, packed)


def _numbers(version: int, more: bytes, box: Box) -> bytes:
    """Return what QuickTime's versions add, as far as it can be numbers."""
    if version == 1:
        return struct.pack(">4I", *(_sane(number) for number in struct.unpack(">4I", more)))
    if version == 2:
        size, rate, channels, _, *others = NUMBERS.unpack(more)
        if not 1 <= rate <= FASTEST:
            raise Malformed("a sample description has no rate", offset=box.start)
        sane = (_sane(number) for number in others)
        return NUMBERS.pack(min(size, 72), round(rate, 3), _sane(channels), 0x7F000000, *sane)
    return more


def _sane(number: int) -> int:
    return number if number < LARGEST else 0


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


def _esds(reader: Reader, box: Box, draft: Draft) -> Parts:  # noqa: ARG001
    """Rebuild the settings of MPEG-4 and MPEG sound, without AAC's comment."""
    return esds(rebuilt_sound(descriptor(reader, box), OBJECT_TYPES, "MP4", box.start))


def _alac(reader: Reader, box: Box, draft: Draft) -> Parts:  # noqa: ARG001
    """Keep the 24 bytes of settings, and 24 of channel layout where they are."""
    payload = reader.upto(box.payload, min(52, box.end - box.payload))
    if len(payload) < 28:
        raise Malformed("the alac settings are too short", offset=box.start)
    layout = payload[28:44] + bytes(8) if payload[32:36] == b"chan" and len(payload) == 52 else b""
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
    """Keep which channel is which; where loudspeakers stand goes."""
    payload = reader.upto(box.payload, min(4096, box.end - box.payload))
    if len(payload) < 16:
        raise Malformed("the channel layout is too short", offset=box.start)
    layout, bitmap, count = struct.unpack_from(">4xIII", payload)
    bitmap = bitmap if layout == LAYOUT_BY_BITMAP else 0
    count = min(count, (len(payload) - 16) // 20) if layout == LAYOUT_BY_LABELS else 0
    labels = [int.from_bytes(payload[16 + 20 * i : 20 + 20 * i], "big") for i in range(count)]
    named = [label if label == UNKNOWN_CHANNEL else _sane(label) for label in labels]
    described = b"".join(struct.pack(">I16x", label) for label in named)
    return boxed(b"chan", struct.pack(">4xIII", layout, bitmap, count) + described)


def _dec3(reader: Reader, box: Box, draft: Draft) -> Parts:
    """Keep the rate, three or four bytes for each stream, and that there are objects, if any."""
    payload = reader.upto(box.payload, min(64, box.end - box.payload))
    at = 2
    streams = b""
    for _ in range((payload[1] & 7) + 1 if len(payload) >= at else 0):
        stream = payload[at : at + 3]
        if len(stream) < 3:
            break
        kept = bytes([stream[0] & 0xFE, stream[1], stream[2] & 0x1F])
        at += 3
        if stream[2] & DEPENDENT:
            kept += payload[at : at + 1]
            at += 1
        streams += kept
    if not streams:
        draft.found(Kind.UNKNOWN_CHUNK)
        return []
    objects = payload[at : at + 2]
    return boxed(b"dec3", payload[:2] + streams + (objects if objects[:1] == b"\1" else b""))


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
    b"dac3": first_bytes(3),
    b"dec3": _dec3,
    b"damr": _damr,
    b"chan": _chan,
    b"pcmC": first_bytes(6),
    b"enda": first_bytes(2),
}
# What a decoder of each codec reads; uncompressed sound needs `enda` to tell its byte order.
_QUICKTIME = frozenset({b"chan", b"wave"})
_INSIDE: dict[bytes, frozenset[bytes]] = {
    b"mp4a": _QUICKTIME | {b"esds"},
    b".mp3": _QUICKTIME | {b"esds"},
    b"ms\x00\x02": _QUICKTIME,
    b"ms\x00\x11": _QUICKTIME,
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
    b"agsm": _QUICKTIME,
    **dict.fromkeys((b"dtsc", b"dtsh", b"dtsl", b"dtse"), _QUICKTIME),
    b"ipcm": frozenset({b"pcmC", b"chan"}),
    b"fpcm": frozenset({b"pcmC", b"chan"}),
} | dict.fromkeys(UNCOMPRESSED, _QUICKTIME | {b"enda"})
