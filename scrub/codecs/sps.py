"""The parameter sets of H.264: where they end, and how SEI messages of a sequence count time.

    profile   u8, constraints u8, level u8, id ue
    high      chroma ue (3: one flag), depths 2 ue, a flag, scaling lists
    frames    log2 ue; order ue, its numbers; references ue, flag; size 2 ue; flags; crop
    VUI       aspect, overscan, signal, chroma place, tick: each a flag and its numbers
    HRD       for NAL and VCL, a flag each: buffers ue, 8 bits, 2 ue + flag a buffer, 4 × 5 bits
    behind    low delay where an HRD was; picture structure; restrictions; a stop bit

A picture parameter set: ids 2 ue, 2 flags, slice groups ue, references 2 ue, 3 bits, offsets 3 se,
3 flags; of high profiles also a flag, scaling lists, an offset se; a stop bit.
ITU-T H.264, 7.3.2.1.1, 7.3.2.2, E.1.1 and E.1.2.
"""

from typing import NamedTuple

from scrub.codecs.bits import Bits, RunsOut, stopped

HIGH_PROFILES = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 144, 244})
YUV_444 = 3
MOST_BUFFERS = 32
EXTENDED_ASPECT = 255


class Timing(NamedTuple):
    """How the messages of a sequence are laid out, in bits."""

    id: int = 0
    full_chroma: bool = False
    initial_delays: int = 0  # of one buffering period, all buffers together
    delays: int = 0  # in front of a picture's structure
    has_structure: bool = False


def read_sps(rbsp: bytes) -> tuple[Timing, int]:
    """Return the timing of a parameter set, and at which bit it stops.

    `rbsp` is without the NAL header and emulation prevention. Raises RunsOut.
    """
    bits = Bits(rbsp)
    profile = bits.take(8)
    bits.take(16)
    name = bits.golomb()
    chroma = _skip_high(bits) if profile in HIGH_PROFILES else 1
    _skip_frames(bits)
    timing = Timing(name, chroma == YUV_444)
    if bits.flag():
        timing = _vui(bits, timing)
    return timing, bits.at


def ended(rbsp: bytes) -> bytes:
    """Return a parameter set up to its stop bit; one that doesn't stop there as it is."""
    try:
        _, stop = read_sps(rbsp)
        bits = Bits(rbsp)
        bits.at = stop
        return stopped(rbsp, stop) if bits.flag() else rbsp
    except RunsOut:
        return rbsp


def ended_pps(rbsp: bytes, timing: Timing | None) -> bytes:
    """Return a picture parameter set up to its stop bit; one that we can't follow as it is."""
    try:
        bits = Bits(rbsp)
        bits.golombs(2)
        bits.take(2)
        if bits.golomb():  # slice groups, which nobody has written for long
            return rbsp
        bits.golombs(2)
        bits.take(3)
        bits.golombs(3)
        bits.take(3)
        if timing is None or _stops(rbsp, bits.at):
            return rbsp
        large = bits.flag()
        if bits.flag():
            lists = 6 + (0 if not large else 6 if timing.full_chroma else 2)
            _skip_lists(bits, lists)
        bits.golomb()
        stop = bits.at
        return stopped(rbsp, stop) if bits.flag() else rbsp
    except RunsOut:
        return rbsp


def _stops(rbsp: bytes, at: int) -> bool:
    """Say whether a set has nothing behind these bits but its stop bit."""
    return stopped(rbsp, at) == rbsp.rstrip(b"\0")


def _skip_high(bits: Bits) -> int:
    chroma = bits.golomb()
    if chroma == YUV_444:
        bits.take(1)
    bits.golombs(2)
    bits.take(1)
    if bits.flag():
        _skip_lists(bits, 12 if chroma == YUV_444 else 8)
    return chroma


def _skip_lists(bits: Bits, count: int) -> None:
    for scale in range(count):
        if bits.flag():
            _skip_scaling(bits, 16 if scale < 6 else 64)


def _skip_scaling(bits: Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            code = bits.golomb()
            delta = (code + 1) // 2 if code % 2 else -(code // 2)
            following = (last + delta) % 256
        last = following or last


def _skip_frames(bits: Bits) -> None:
    bits.golomb()
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.take(1)
        bits.golombs(2)
        bits.golombs(_bounded(bits.golomb(), 255))
    bits.golomb()
    bits.take(1)
    bits.golombs(2)
    if not bits.flag():  # fields
        bits.take(1)
    bits.take(1)
    if bits.flag():
        bits.golombs(4)


def skip_display(bits: Bits) -> None:
    """Skip what a VUI of H.264 or H.265 begins with: aspect, overscan, colours, chroma."""
    if bits.flag() and bits.take(8) == EXTENDED_ASPECT:
        bits.take(32)
    if bits.flag():
        bits.take(1)
    if bits.flag():
        bits.take(4)
        if bits.flag():
            bits.take(24)
    if bits.flag():
        bits.golombs(2)


def _vui(bits: Bits, timing: Timing) -> Timing:
    skip_display(bits)
    if bits.flag():
        bits.take(65)
    buffered = [_hrd(bits) for _ in range(2) if bits.flag()]
    if buffered:
        bits.take(1)
    has_structure = bits.flag()
    if bits.flag():
        bits.take(1)
        bits.golombs(6)
    initial = sum(initial for initial, _ in buffered)
    delays = buffered[0][1] if buffered else 0
    return timing._replace(initial_delays=initial, delays=delays, has_structure=has_structure)


def _hrd(bits: Bits) -> tuple[int, int]:
    """Return the bits of a buffering period, and those in front of a picture's structure."""
    buffers = _bounded(bits.golomb() + 1, MOST_BUFFERS)
    bits.take(8)
    for _ in range(buffers):
        bits.golombs(2)
        bits.take(1)
    initial, removal, output = (bits.take(5) + 1 for _ in range(3))
    bits.take(5)
    return 2 * initial * buffers, removal + output


def _bounded(count: int, most: int) -> int:
    if count > most:
        raise RunsOut
    return count
