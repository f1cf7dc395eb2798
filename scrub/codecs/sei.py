"""SEI messages of H.264 and H.265: keep those that decoding, order and display need, bit for bit.

    message   type and size, each bytes of FF and a last one; payload
    message*  one after the other, then a stop bit and zeros up to a byte

What is kept of a message is what its syntax defines; clock times in a picture's timing go. All
other messages go: user data (captions, x264's and x265's settings, cameras' places and times),
time codes, picture hashes, nested messages, types that are unknown or reserved.
ITU-T H.264, D.1; H.265, D.2.
"""

import re
from collections.abc import Callable, Iterator
from enum import Enum
from typing import NamedTuple

from scrub.codecs.bits import Bits, RunsOut, filled
from scrub.codecs.sps import Timing
from scrub.findings import Kind


class Codec(Enum):
    """Whose messages they are."""

    AVC = "H.264"
    HEVC = "H.265"


BUFFERING_PERIOD, PICTURE_TIMING, FILLER, REGISTERED, UNREGISTERED = 0, 1, 3, 4, 5
PICTURE_HASH, TIME_CODE = 132, 136
MDPM = bytes.fromhex("17ee8c60f84d11d98cd60800200c9a66")  # of camcorders: date, place, settings
X264 = bytes.fromhex("dc45e9bde6d948b7962cd820d923eeef")
X265 = bytes.fromhex("2ca2de09b51747dbbb55a4fe7fc2fc4e")
# Decoders undo what old x264 did wrong, which they know by its number: the greatest of each kind.
X264_MISTAKES = (33, 150)
_X264_BUILD = re.compile(re.escape(X264) + rb"x264 - core (\d{1,4})")
TEMPORAL_INTERLEAVING = 5
CLOCKS = (1, 1, 1, 2, 2, 3, 3, 2, 3)  # times that a picture's structure has room for


class Message(NamedTuple):
    """A message, as it was or as it is kept."""

    type: int
    payload: bytes


def messages(rbsp: bytes) -> Iterator[Message]:
    """Yield the messages of a unit without its header; what is cut short ends the list."""
    at, end = 0, len(rbsp.rstrip(b"\0")) - 1
    while at < end:
        numbers = []
        for _ in range(2):
            number = 0
            while at < end and rbsp[at] == 0xFF:
                number += 255
                at += 1
            if at >= end:
                return
            numbers.append(number + rbsp[at])
            at += 1
        kind, size = numbers
        if at + size > end:
            return
        yield Message(kind, rbsp[at : at + size])
        at += size


def coded(message: Message) -> bytes:
    """Return a message as its bytes."""
    kind, payload = message
    head = [b"\xff" * (n // 255) + bytes([n % 255]) for n in (kind, len(payload))]
    return b"".join(head) + payload


def kept(message: Message, codec: Codec, timing: Timing | None) -> Message | None:
    """Return what of a message is kept."""
    keep = (_AVC if codec is Codec.AVC else _HEVC).get(message.type)
    try:
        payload = keep(message.payload, timing) if keep else b""
    except RunsOut:
        return None
    return Message(message.type, payload) if payload else None


def about(message: Message, kept: Message | None) -> Kind:
    """Say what a message was about, of which only `kept` stays."""
    kind, payload = message
    if kind == UNREGISTERED:
        return _USER_DATA.get(payload[:16], Kind.TEXT)
    if kept is not None and kind != PICTURE_TIMING:
        return Kind.SLACK
    return _ABOUT.get(kind, Kind.UNKNOWN_CHUNK)


Keep = Callable[[bytes, Timing | None], bytes]


def _first(size: int) -> Keep:
    def keep(payload: bytes, timing: Timing | None) -> bytes:  # noqa: ARG001  # like the others
        return payload[:size] if len(payload) >= size else b""

    return keep


def _counted(skip: Callable[[Bits], None]) -> Keep:
    def keep(payload: bytes, timing: Timing | None) -> bytes:  # noqa: ARG001
        bits = Bits(payload)
        skip(bits)
        return filled(payload, bits.at)

    return keep


def _buffering_period(payload: bytes, timing: Timing | None) -> bytes:
    if timing is None or not timing.initial_delays:
        return b""
    bits = Bits(payload)
    if bits.golomb() != timing.id:
        return b""
    bits.take(timing.initial_delays)
    return filled(payload, bits.at)


def _picture_timing(payload: bytes, timing: Timing | None) -> bytes:
    """Keep delays and structure; each of its clock times is said not to be there."""
    if timing is None:
        return b""
    bits = Bits(payload)
    number = bits.take(timing.delays)
    width = timing.delays
    if timing.has_structure:
        structure = bits.take(4)
        if structure >= len(CLOCKS):
            return b""
        number = (number << 4 | structure) << CLOCKS[structure]
        width += 4 + CLOCKS[structure]
    over = -width % 8
    return filled((number << over).to_bytes((width + over) // 8, "big"), width)


def _picture_structure(payload: bytes, timing: Timing | None) -> bytes:  # noqa: ARG001
    """Keep H.265's structure, scan and repetition: seven bits; what follows only steers buffers."""
    return filled(payload, 7) if payload else b""


def _old_x264(payload: bytes, timing: Timing | None) -> bytes:
    """Keep the number of an x264 whose mistakes decoders undo, and of it only which mistakes."""
    numbered = _X264_BUILD.match(payload)
    build = int(numbered[1]) if numbered else 0
    least, most = X264_MISTAKES
    if 0 < build <= least:
        return X264 + b"x264 - core %d\0" % least
    if 0 < build <= most and timing is not None and timing.full_chroma:
        return X264 + b"x264 - core %d\0" % most
    return b""


def _recovery_point(bits: Bits) -> None:
    bits.golomb()
    bits.take(4)


def _recovery_point_hevc(bits: Bits) -> None:
    bits.golomb()
    bits.take(2)


def _frame_packing(bits: Bits, persistence: Callable[[Bits], object]) -> None:
    bits.golomb()
    if not bits.flag():
        kind = bits.take(7)
        quincunx = bits.flag()
        bits.take(12)
        if not quincunx and kind != TEMPORAL_INTERLEAVING:
            bits.take(16)
        bits.take(8)
        persistence(bits)
    bits.take(1)


def _orientation(bits: Bits) -> None:
    if not bits.flag():
        bits.take(18)
        bits.golomb()
    bits.take(1)


def _orientation_hevc(bits: Bits) -> None:
    if not bits.flag():
        bits.take(19)


def _film_grain(bits: Bits, persistence: Callable[[Bits], object]) -> None:
    if bits.flag():
        return
    bits.take(2)
    if bits.flag():
        bits.take(31)
    bits.take(6)
    for present in [bits.flag() for _ in range(3)]:
        if present:
            intervals, values = bits.take(8) + 1, bits.take(3) + 1
            for _ in range(intervals):
                bits.take(16)
                bits.golombs(values)
    persistence(bits)


def _parameter_sets(bits: Bits) -> None:
    bits.take(6)
    bits.golombs(bits.golomb() % 16 + 1)


def _alpha(bits: Bits) -> None:
    if not bits.flag():
        bits.take(3)
        depth = bits.take(3) + 9
        bits.take(2 * depth + 1)
        if bits.flag():
            bits.take(1)


_BOTH: dict[int, Keep] = {
    137: _first(24),  # the colours of the mastering display
    144: _first(4),  # how light it gets
    147: _first(1),  # an alternative transfer function
    148: _first(8),  # the light around
}
_AVC: dict[int, Keep] = _BOTH | {
    BUFFERING_PERIOD: _buffering_period,
    PICTURE_TIMING: _picture_timing,
    UNREGISTERED: _old_x264,
    6: _counted(_recovery_point),
    19: _counted(lambda bits: _film_grain(bits, Bits.golomb)),
    45: _counted(lambda bits: _frame_packing(bits, Bits.golomb)),
    47: _counted(_orientation),
}
_HEVC: dict[int, Keep] = _BOTH | {
    PICTURE_TIMING: _picture_structure,
    6: _counted(_recovery_point_hevc),
    19: _counted(lambda bits: _film_grain(bits, Bits.flag)),
    45: _counted(lambda bits: _frame_packing(bits, Bits.flag)),
    47: _counted(_orientation_hevc),
    129: _counted(_parameter_sets),
    165: _counted(_alpha),
}
_ABOUT = {
    PICTURE_TIMING: Kind.TIME,
    FILLER: Kind.PADDING,
    REGISTERED: Kind.TEXT,  # captions, mostly
    PICTURE_HASH: Kind.CHECKSUM,
    TIME_CODE: Kind.TIME,
}
_USER_DATA = {X264: Kind.ENCODER, X265: Kind.ENCODER, MDPM: Kind.TIME}
