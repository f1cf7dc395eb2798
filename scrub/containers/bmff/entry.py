"""What sample descriptions of sound and pictures have in common, esds above all.

    esds      full box; descriptors: u8 tag, length in 7-bit groups, payload
    3 ES      u16 id, u8 flags;  4 decoder: u8 kind, u8 stream, u24 buffer, u32 most, u32 mean
              bits a second;  5 settings of the decoder;  6 sync layer, one byte 2

ISO/IEC 14496-1, 7.2.6; 14496-14, 5.6.
"""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from scrub.containers.bmff.boxes import Box, Parts, boxed
from scrub.errors import Malformed
from scrub.findings import Kind
from scrub.plan import Cut, Draft
from scrub.reading import Reader

ES, DECODER, SETTINGS, SYNC = 3, 4, 5, 6
LONGEST_ESDS = 1 << 13
JPEG_OBJECT = 0x6C

# What is kept of the sample between two offsets; None when all of it is.
Clean = Callable[[Reader, int, int], list[Cut] | None]


class Entry(NamedTuple):
    """A sample description, rebuilt, and how its samples are counted and cleaned."""

    parts: Parts
    frame_size: int = 0  # bytes of one uncompressed frame of all channels; 0: it is compressed
    packet: tuple[int, int] = (0, 0)  # samples and bytes, where QuickTime packs a fixed number
    clean: Clean | None = None
    found: Counter[Kind] | None = None  # in the samples, as they are cleaned
    remains: Kind | None = None  # in every sample


class DecoderSettings(NamedTuple):
    """What esds says of a decoder."""

    kind: int
    numbers: bytes  # buffer and bit rates
    settings: bytes


def decoder_settings(reader: Reader, box: Box) -> DecoderSettings:
    """Return what esds says; ids and URLs are left out. Raises Malformed."""
    payload = reader.exactly(box.payload, min(LONGEST_ESDS, box.end - box.payload))
    body = _descriptor(payload, 4, ES, box)
    flags = body[2] if len(body) > 2 else 0
    at = 3 + (2 if flags & 0x80 else 0) + (2 if flags & 0x20 else 0)
    if flags & 0x40:
        at += 1 + (body[at] if len(body) > at else 0)
    decoder = _descriptor(body, at, DECODER, box)
    if len(decoder) < 13:
        raise Malformed("a descriptor of esds is damaged", offset=box.start)
    settings = _descriptor(decoder, 13, SETTINGS, box) if len(decoder) > 13 else b""
    return DecoderSettings(decoder[0], decoder[2:13], settings)


def rebuilt_esds(decoder: DecoderSettings, stream: int) -> Parts:
    """Return esds anew, for a stream of this type."""
    settings = _tagged(SETTINGS, decoder.settings) if decoder.settings else b""
    kept = bytes([decoder.kind, stream]) + decoder.numbers + settings
    rebuilt = _tagged(ES, bytes(3) + _tagged(DECODER, kept) + _tagged(SYNC, b"\x02"))
    return boxed(b"esds", bytes(4) + rebuilt)


def first_bytes(length: int) -> Callable[[Reader, Box, Draft], Parts]:
    """Return what keeps the first bytes of a box's payload."""

    def keep(reader: Reader, box: Box, draft: Draft) -> Parts:  # noqa: ARG001  # like the others
        return boxed(box.type, reader.upto(box.payload, min(length, box.end - box.payload)))

    return keep


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
