"""What a stream of an ASF file is: rebuilt from what a decoder of its codec reads.

    stream     kind and error correction (GUIDs), u64 time offset, u32 size of the format, u32 size
               of the correction's settings, u16 number and flags, u32 reserved, then those two
    sound      WAVEFORMATEX
    picture    u32 width, u32 height, u8 2, u16 size; BITMAPINFOHEADER of 40 bytes; codec settings
    spread     u8 span, u16 packet, u16 chunk, u16 size of the silence, silence
    extended   u64 start, u64 end, 8 × u32 rates and buffers, u16 number, u16 language, u64 time of
               a picture, u16 names, u16 extensions of payloads, then those; perhaps a stream

Advanced Systems Format specification 1.20.03, 3.3, 4.1 and 9.1 to 9.3.
"""

import re
import struct
from typing import NamedTuple

from scrub.codecs import waveformat
from scrub.containers.asf import guids
from scrub.containers.asf.objects import written
from scrub.errors import Malformed, Unsupported

STREAM = struct.Struct("<16s16sQIIHI")
PICTURE = struct.Struct("<IIBH")
BITMAP = struct.Struct("<IiiHH4sIIIII")
SPREAD = struct.Struct("<BHHH")
EXTENDED = struct.Struct("<QQ8I2HQ2H")
NAME, EXTENSION = struct.Struct("<HH"), struct.Struct("<16sHI")
NUMBER, ENCRYPTED = 0x7F, 0x8000
LARGEST_SIDE = 1 << 16
EXTENDED_FLAGS = 0xF  # reliable, seekable, no cleanpoints, resend live

CODECS_OF_SOUND = waveformat.PACKETS | {0x000A: 46}  # and WMA Voice: its tables
LONGEST_SCREEN_SETTINGS = 4096
# Codecs of pictures, and the longest settings that they have behind the BITMAPINFOHEADER.
CODECS_OF_PICTURES = {
    b"MPG4": 0,
    b"MP42": 0,
    b"MP43": 0,
    b"DIV3": 0,
    b"WMV1": 4,
    b"WMV2": 4,
    b"WMV3": 5,
    b"WMVP": 5,
    b"MSS1": LONGEST_SCREEN_SETTINGS,
    b"MSS2": LONGEST_SCREEN_SETTINGS,
}
SCREENS = (b"MSS1", b"MSS2")
# These write their settings as units behind start codes. VC-1: often one byte, then sequence header
# and entry point. MPEG-4: object, its layer, sequence; user data is a unit too, and goes.
VC1_UNITS = re.compile(b"\0\0\1[\x0e\x0f](?:(?!\0\0\1).)*+", re.DOTALL)
MPEG4_UNITS = re.compile(b"\0\0\1[\x00-\x2f\xb0\xb5](?:(?!\0\0\1).)*+", re.DOTALL)
IN_UNITS = {
    b"WVC1": VC1_UNITS,
    b"WMVA": VC1_UNITS,
    b"WVP2": VC1_UNITS,
    b"MP4S": MPEG4_UNITS,
    b"M4S2": MPEG4_UNITS,
}
LONGEST_FORMAT = 1 << 16

# What of a payload's extensions says only how long or how wide a picture is, and in how many bytes.
EXTENSIONS = {
    guids.SAMPLE_DURATION: 2,
    guids.PIXEL_ASPECT_RATIO: 2,
    guids.CONTENT_TYPE: 1,
}


class Stream(NamedTuple):
    """A stream as we write it; `opaque` says that its settings stay unread."""

    number: int
    is_video: bool
    payload: bytes
    opaque: bool


class Extended(NamedTuple):
    """What an Extended Stream Properties object says: as we write it, and what hung on it.

    `extension` is how many bytes behind a payload's size and time mean what we keep, or 0;
    `embedded` is the payload of a Stream Properties object inside.
    """

    number: int
    payload: bytes
    extension: int
    embedded: bytes


def read_stream(payload: bytes, offset: int) -> Stream | None:
    """Return a stream of sound or pictures rebuilt; None when it is any other.

    Raises Unsupported when it is encrypted or of a codec we don't know.
    """
    if len(payload) < STREAM.size:
        raise Malformed("a stream's properties are too short", offset=offset)
    kind, correction, _, format_size, spread_size, flags, _ = STREAM.unpack_from(payload)
    if kind not in (guids.AUDIO, guids.VIDEO):
        return None
    if flags & ENCRYPTED:
        raise Unsupported("ASF", "an encrypted stream")
    if STREAM.size + format_size + spread_size > len(payload):
        raise Malformed("a stream's properties are too short", offset=offset)
    settings = payload[STREAM.size : STREAM.size + format_size]
    opaque = False
    if kind == guids.AUDIO:
        sound = waveformat.rebuilt(settings, CODECS_OF_SOUND, "ASF", offset)
        settings = sound.payload
    else:
        settings, opaque = _picture(settings, offset)
    spread = b""
    if correction == guids.AUDIO_SPREAD:
        spread = _spread(payload[STREAM.size + format_size :][:spread_size])
    correction = guids.AUDIO_SPREAD if spread else guids.NO_CORRECTION
    number = flags & NUMBER
    head = STREAM.pack(kind, correction, 0, len(settings), len(spread), number, 0)
    return Stream(number, kind == guids.VIDEO, head + settings + spread, opaque)


def _spread(settings: bytes) -> bytes:
    """Return how sound was spread over packets; the silence is one zero."""
    if len(settings) < SPREAD.size:
        return b""
    span, packet, chunk, _ = SPREAD.unpack_from(settings)
    return SPREAD.pack(span, packet, chunk, 1) + b"\0"


def _picture(settings: bytes, offset: int) -> tuple[bytes, bool]:
    """Return the format of pictures: sizes, codec, and of its settings what the codec defines."""
    if not PICTURE.size + BITMAP.size <= len(settings) <= LONGEST_FORMAT:
        raise Malformed("the format of the pictures has a wrong size", offset=offset)
    width, height, _, _ = PICTURE.unpack_from(settings)
    _, wide, high, planes, bits, codec, *_ = BITMAP.unpack_from(settings, PICTURE.size)
    if max(width, height, abs(wide), abs(high)) > LARGEST_SIDE:
        raise Malformed("the pictures are too large", offset=offset)
    settings = settings[PICTURE.size + BITMAP.size :]
    name = codec.upper()
    if name in IN_UNITS:
        units = IN_UNITS[name]
        front = units is VC1_UNITS and not settings.startswith(b"\0\0\1")
        settings = settings[:front] + b"".join(units.findall(settings, front))
    elif name in CODECS_OF_PICTURES:
        settings = settings[: CODECS_OF_PICTURES[name]]
    else:
        raise Unsupported("ASF", "pictures of an unknown codec")
    size = BITMAP.size + len(settings)
    bitmap = BITMAP.pack(size, wide, high, planes, bits, codec, 0, 0, 0, 0, 0)
    return PICTURE.pack(width, height, 2, size) + bitmap + settings, name in SCREENS


def read_extended(payload: bytes, offset: int) -> Extended:
    """Return a stream's rates, rebuilt without name and language.

    The extensions of its payloads stay when each is among those we know; else all of them go.
    """
    if len(payload) < EXTENDED.size:
        raise Malformed("a stream's properties are too short", offset=offset)
    fields = EXTENDED.unpack_from(payload)
    rates, (flags, number, _, picture_time, names, systems) = fields[2:9], fields[9:]
    at = EXTENDED.size
    for _ in range(names):
        _, length = NAME.unpack(_part(payload, at, NAME.size, offset))
        at += NAME.size + length
    kept = b""
    extension = 0
    all_known = True
    for _ in range(systems):
        guid, size, length = EXTENSION.unpack(_part(payload, at, EXTENSION.size, offset))
        at += EXTENSION.size + length
        all_known &= EXTENSIONS.get(guid) == size and guid not in kept
        kept += EXTENSION.pack(guid, size, 0) if all_known else b""
        extension += size
    if not all_known:
        kept, systems, extension = b"", 0, 0
    number &= NUMBER
    flags &= EXTENDED_FLAGS
    head = EXTENDED.pack(0, 0, *rates, flags, number, 0, picture_time, 0, systems)
    return Extended(number, head + kept, extension, payload[at:])


def _part(payload: bytes, at: int, size: int, offset: int) -> bytes:
    part = payload[at : at + size]
    if len(part) < size:
        raise Malformed("a stream's properties are too short", offset=offset)
    return part


def embedded_stream(extended: Extended) -> bytes:
    """Return the payload of the Stream Properties object inside, or nothing."""
    inside = extended.embedded
    return inside[24:] if inside[:16] == guids.STREAM_PROPERTIES else b""


def stream_object(stream: Stream) -> bytes:
    """Return a Stream Properties object."""
    return written(guids.STREAM_PROPERTIES, stream.payload)
