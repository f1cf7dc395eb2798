"""Musepack, stream versions 7 and 8: keep what decoding needs of the header, and the frames.

    SV8       "MPCK", then packets: key of two letters, length of all of it in groups of 7 bits,
              payload. SH: CRC-32, version 8, samples, samples to skip (both in groups of 7 bits),
              2 bytes of settings. RG: version 1, four u16 of gain and peak. AP: sound. SE: the end
    SV7       u32 words, little-endian, their bits from the highest on: "MP+" and version; frames;
              settings, of which profile (4 bits) and level (16) are no use; two words of gain and
              peak; gapless 1 bit, samples in the last frame 11, seeking 1; encoder 8 bits, and from
              there each frame behind 20 bits of length

The gain becomes zero, which is none; seek tables go, players do without.
trac.musepack.net: SV7Specification, SV8Specification.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from scrub.containers.tagblocks import refuse_tags, start_of_back_tags
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

SV7_HEADER = struct.Struct("<7I")
SV7_LENGTH = 20  # bits in front of each frame
SV7_LAST = 11  # bits behind the last one
SETTINGS, GAPLESS, ENCODER = 0xFF0F0000, 0xFFF80000, 0xFF000000
NO_GAIN = b"RG\x0c\x01" + bytes(8)
LONGEST_NUMBER = 9
MOST_PACKETS = 1 << 22
KINDS = {
    b"EI": Kind.ENCODER,
    b"CT": Kind.CHAPTERS,
    b"ST": Kind.PADDING,
    b"SO": Kind.PADDING,
}


class Packet(NamedTuple):
    """Where a packet of SV8 lies, and where its payload begins."""

    key: bytes
    start: int
    payload: int
    end: int


def is_musepack(reader: Reader, start: int) -> bool:
    """Say whether a Musepack stream begins here."""
    head = reader.upto(start, 4)
    return head == b"MPCK" or head[:3] == b"MP+"


def plan_musepack(reader: Reader, start: int, draft: Draft) -> None:
    """Write the header anew and copy the frames.

    Raises Unsupported for other stream versions.
    """
    stop = start_of_back_tags(reader, start, reader.size)
    if stop < reader.size:
        draft.found(Kind.TAG_BLOCK)
    if reader.upto(start, 4) == b"MPCK":
        end = _plan_sv8(reader, start, stop, draft)
    elif reader.number(start + 3, 1, "little") & 15 == 7:
        end = _plan_sv7(reader, start, stop, draft)
    else:
        raise Unsupported("Musepack", "a stream version before 7")
    if draft.thorough:
        refuse_tags(reader, start, end)
    if end < stop:
        draft.found(Kind.TRAILING)


def _plan_sv7(reader: Reader, start: int, stop: int, draft: Draft) -> int:
    """Write the seven words, copy the frames; return where they end."""
    stored = reader.exactly(start, SV7_HEADER.size)
    words = list(SV7_HEADER.unpack(stored))
    _, frames, settings, _, _, gapless, first = words
    words[2:] = [settings & SETTINGS, 0, 0, gapless & GAPLESS, first]
    if first & ENCODER:  # in one word with the first frame, so in its packet
        draft.tally.remains(Kind.ENCODER)
    bits, have = 8 * SV7_HEADER.size - 24, 8 * (stop - start)
    begin = bits
    whole = 0
    while whole < frames and bits + SV7_LENGTH <= have:
        pair = reader.upto(start + bits // 32 * 4, 8).ljust(8, b"\0")
        upper, lower = struct.unpack("<II", pair)
        bits += SV7_LENGTH + ((upper << 32 | lower) >> 44 - bits % 32 & 0xFFFFF)
        whole += 1
    if bits == begin:
        raise Malformed("there is no sound", offset=start)
    end = min(start + -(-(bits + SV7_LAST) // 32) * 4, stop)
    header = SV7_HEADER.pack(*words)
    if header != stored:
        draft.found(Kind.ENCODER)
    draft.write(header)
    draft.copy(start + SV7_HEADER.size, end)
    draft.sound(end - start - SV7_HEADER.size, whole)
    return end


def _plan_sv8(reader: Reader, start: int, stop: int, draft: Draft) -> int:
    """Copy the header and the sound, write the rest; return where the stream ends."""
    draft.copy(start, start + 4)
    gone: set[bytes] = set()
    size = packets = 0
    end = start + 4
    settled = False
    for packet in _packets(reader, end, stop):
        end = packet.end
        if packet.key == b"SH" and not settled:
            _check_header(reader, packet)
            draft.copy(packet.start, packet.end)
            draft.write(NO_GAIN)
            settled = True
        elif packet.key == b"AP" and settled:
            draft.copy(packet.start, packet.end)
            size += packet.end - packet.start
            packets += 1
        elif packet.key == b"SE":
            draft.write(b"SE\x03")
            break
        elif packet.key != b"RG" or reader.upto(packet.start, len(NO_GAIN)) != NO_GAIN:
            gone.add(packet.key)
    if not packets:
        raise Malformed("there is no sound", offset=start)
    for key in gone:
        draft.found(KINDS.get(key, Kind.UNKNOWN_CHUNK))
    draft.sound(size, packets)
    return end


def _packets(reader: Reader, at: int, stop: int) -> Iterator[Packet]:
    """Yield where the packets lie; the last one may be cut short."""
    for _ in range(MOST_PACKETS):
        if at >= stop:
            return
        head = reader.exactly(at, 3)
        if not head[:2].isalpha() or not head[:2].isupper():
            raise Malformed("a packet's key is no key", offset=at)
        length, payload = _number(reader, at + 2)
        if length < payload - at:
            raise Malformed("a packet is shorter than its head", offset=at)
        yield Packet(head[:2], at, payload, min(at + length, stop))
        at += length
    raise TooComplex("too many packets")


def _number(reader: Reader, at: int) -> tuple[int, int]:
    """Return a number in groups of 7 bits, and where it ends."""
    number = 0
    for size, byte in enumerate(reader.upto(at, LONGEST_NUMBER), 1):
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            return number, at + size
    raise Malformed("a number does not end", offset=at)


def _check_header(reader: Reader, packet: Packet) -> None:
    """Raise Malformed unless a stream header is as long as what it holds."""
    if reader.number(packet.payload + 4, 1, "big") != 8:
        raise Unsupported("Musepack", "a stream version after 8")
    at = packet.payload + 5
    for _ in range(2):
        at = _number(reader, at)[1]
    if at + 2 != packet.end:
        raise Malformed("the stream header has another length", offset=packet.start)
