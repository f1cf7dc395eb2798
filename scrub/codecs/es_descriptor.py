"""The ES descriptor of MPEG-4: what MP4's esds box and CAF's magic cookie say of a decoder.

    descriptor u8 tag, length in groups of 7 bits, payload
    3 ES      u16 id, u8 flags, maybe u16 depends on, a URL, u16 clock;  then
    4 decoder u8 object type, u8 stream, u24 buffer, u32 most, u32 mean bits a second;  then
    5 settings of the decoder;  and behind the decoder  6 sync layer, one byte: 2

ISO/IEC 14496-1, 7.2.6.
"""

import struct
from collections.abc import Collection
from typing import NamedTuple

from scrub.codecs.aac_settings import without_comment
from scrub.errors import Malformed, Unsupported

ES, DECODER, SETTINGS, SYNC = 3, 4, 5, 6
DEPENDS, URL, CLOCK = 0x80, 0x40, 0x20
SOUND_STREAM, VISUAL_STREAM = 5 << 2 | 1, 4 << 2 | 1
AAC = frozenset({0x40, 0x66, 0x67, 0x68})
FIXED = 13  # bytes of a decoder's descriptor in front of its settings
FASTEST = 1 << 29  # bits a second: what is more is text
LONGEST_SETTINGS = 64  # AAC's are 2 to 40 bytes


class Decoder(NamedTuple):
    """What is kept of the descriptor: ids and URLs are not."""

    object_type: int
    numbers: bytes  # buffer and bit rates
    settings: bytes


def decoder_of(payload: bytes, offset: int) -> Decoder:
    """Read an ES descriptor that stands at `offset`; raises Malformed."""
    body = _payload(payload, 0, ES, offset)
    flags = body[2] if len(body) > 2 else 0
    at = 3 + (2 if flags & DEPENDS else 0) + (2 if flags & CLOCK else 0)
    if flags & URL:
        at += 1 + (body[at] if len(body) > at else 0)
    decoder = _payload(body, at, DECODER, offset)
    if len(decoder) < FIXED:
        raise Malformed("a descriptor is damaged", offset=offset)
    settings = _payload(decoder, FIXED, SETTINGS, offset) if len(decoder) > FIXED else b""
    return Decoder(decoder[0], _rates(decoder[2:FIXED]), settings)


def _rates(numbers: bytes) -> bytes:
    """Return the buffer's size and the bit rates; zeros where they can't be any."""
    most, mean = struct.unpack_from(">II", numbers, 3)
    return numbers if max(most, mean) < FASTEST else bytes(len(numbers))


def es_descriptor(decoder: Decoder, stream: int) -> bytes:
    """Return the descriptor anew, for a stream of this type.

    Lengths take four bytes, as Apple writes and ffmpeg expects them in CAF.
    """
    settings = _tagged(SETTINGS, decoder.settings) if decoder.settings else b""
    kept = bytes([decoder.object_type, stream]) + decoder.numbers + settings
    return _tagged(ES, bytes(3) + _tagged(DECODER, kept) + _tagged(SYNC, b"\x02"))


def rebuilt_sound(payload: bytes, objects: Collection[int], name: str, offset: int) -> bytes:
    """Return the descriptor of sound anew, AAC's settings without their comment.

    Raises Malformed, and Unsupported when the object type is not among `objects`.
    """
    kind, numbers, settings = decoder_of(payload, offset)
    if kind not in objects:
        raise Unsupported(name, "sound of an unknown codec")
    # Layers of MPEG and AC-3 have none.
    settings = without_comment(settings) if kind in AAC else b""
    if len(settings) > LONGEST_SETTINGS:
        raise Malformed("a decoder's settings are too long", offset=offset)
    return es_descriptor(Decoder(kind, numbers, settings), SOUND_STREAM)


def _payload(descriptors: bytes, at: int, tag: int, offset: int) -> bytes:
    """Return the payload of the descriptor at `at`, which must have this tag."""
    length = 0
    for i in range(at + 1, min(at + 5, len(descriptors))):
        length = length << 7 | descriptors[i] & 0x7F
        if not descriptors[i] & 0x80:
            if descriptors[at] == tag and i + 1 + length <= len(descriptors):
                return descriptors[i + 1 : i + 1 + length]
            break
    raise Malformed("a descriptor is damaged", offset=offset)


def _tagged(tag: int, payload: bytes) -> bytes:
    return bytes([tag, 0x80, 0x80, 0x80 | len(payload) >> 7, len(payload) & 0x7F]) + payload
