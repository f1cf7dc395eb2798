"""The parameter sets of H.265: where their syntax ends, so that nothing hides behind.

    VPS       ids, layers, profile and level, buffering, layer sets, timing with HRDs
    SPS       id, profile and level, size, depths, buffering, block sizes, scaling lists, PCM,
              reference sets, long-term references, VUI with HRD, range and SCC extensions
    PPS       ids, flags, references, QP, tiles, deblocking, scaling lists, the same extensions
    behind    a stop bit, zeros up to a byte

A set that we don't follow to its end has no end for us: those of further layers and of 3D,
extensions to come, numbers that H.265 rules out. ITU-T H.265, 7.3.2 to 7.3.4, 7.3.7, E.2.
"""

from collections.abc import Callable
from typing import NamedTuple

from scrub.codecs.bits import Bits, RunsOut, stopped
from scrub.codecs.sps import skip_display

VPS, SPS, PPS = 32, 33, 34
LONGEST = 4096  # bytes of syntax that we follow: all scaling lists are the most of it
YUV_444 = 3
MOST_SUB_LAYERS, MOST_SETS, MOST_REFERENCES = 7, 64, 16


class _Colour(NamedTuple):
    chroma: int
    luma_depth: int
    chroma_depth: int


def end_of(rbsp: bytes, type_: int) -> int | None:
    """Return how many bytes a set of the base layer takes; None where we can't say surely.

    `rbsp` is without the NAL header and emulation prevention.
    """
    bits = Bits(rbsp[:LONGEST])
    try:
        _WALKS[type_](bits)
    except RunsOut:
        return None
    end = bits.at // 8 + 1
    return end if rbsp[:end] == stopped(rbsp, bits.at) else None


def _vps(bits: Bits) -> None:
    bits.take(12)
    sub_layers = _sub_layers(bits)
    bits.take(1)
    bits.take(16)
    _profile(bits, sub_layers)
    _buffering(bits, sub_layers)
    bits.take(6)
    _bounded(bits.golomb(), 0)  # layer sets beyond the base
    if bits.flag():
        bits.take(64)
        if bits.flag():
            bits.golomb()
        if _bounded(bits.golomb(), 1):
            bits.golomb()
            _hrd(bits, sub_layers)
    _bounded(bits.take(1), 0)  # an extension


def _sps(bits: Bits) -> None:
    bits.take(4)
    sub_layers = _sub_layers(bits)
    bits.take(1)
    _profile(bits, sub_layers)
    bits.golomb()
    chroma = _bounded(bits.golomb(), YUV_444)
    if chroma == YUV_444:
        bits.take(1)
    bits.golombs(2)
    if bits.flag():
        bits.golombs(4)
    colour = _Colour(chroma, *(8 + _bounded(bits.golomb(), 8) for _ in range(2)))
    order_bits = 4 + _bounded(bits.golomb(), 12)
    _buffering(bits, sub_layers)
    bits.golombs(6)
    if bits.flag() and bits.flag():
        _scaling_lists(bits)
    bits.take(2)
    if bits.flag():  # PCM
        bits.take(8)
        bits.golombs(2)
        bits.take(1)
    _reference_sets(bits)
    if bits.flag():
        bits.take(_bounded(bits.golomb(), 32) * (order_bits + 1))
    bits.take(2)
    if bits.flag():
        _vui(bits, sub_layers)
    has_range, has_scc = _extensions(bits)
    if has_range:
        bits.take(9)
    if has_scc:
        _sps_scc(bits, colour)


def _pps(bits: Bits) -> None:
    bits.golombs(2)
    bits.take(7)
    bits.golombs(3)
    bits.take(1)
    skips_transform = bits.flag()
    if bits.flag():
        bits.golomb()
    bits.golombs(2)
    bits.take(4)
    has_tiles = bits.flag()
    bits.take(1)
    if has_tiles:
        inner = _bounded(bits.golomb(), 1023) + _bounded(bits.golomb(), 1023)
        if not bits.flag():
            bits.golombs(inner)
        bits.take(1)
    bits.take(1)
    if bits.flag():  # deblocking
        bits.take(1)
        if not bits.flag():
            bits.golombs(2)
    if bits.flag():
        _scaling_lists(bits)
    bits.take(1)
    bits.golomb()
    bits.take(1)
    has_range, has_scc = _extensions(bits)
    if has_range:
        _pps_range(bits, skips_transform=skips_transform)
    if has_scc:
        _pps_scc(bits)


_WALKS: dict[int, Callable[[Bits], None]] = {VPS: _vps, SPS: _sps, PPS: _pps}


def _bounded(count: int, most: int) -> int:
    if count > most:
        raise RunsOut
    return count


def _sub_layers(bits: Bits) -> int:
    return _bounded(bits.take(3) + 1, MOST_SUB_LAYERS)


def _profile(bits: Bits, sub_layers: int) -> None:
    bits.take(96)
    if sub_layers > 1:
        told = [(bits.flag(), bits.flag()) for _ in range(8)][: sub_layers - 1]
        bits.take(sum(88 * profile + 8 * level for profile, level in told))


def _buffering(bits: Bits, sub_layers: int) -> None:
    bits.golombs(3 * (sub_layers if bits.flag() else 1))


def _scaling_lists(bits: Bits) -> None:
    for size in range(4):
        for _ in range(2 if size == 3 else 6):
            if not bits.flag():
                bits.golomb()
            else:
                bits.golombs((size > 1) + min(64, 16 << 2 * size))


def _reference_sets(bits: Bits) -> None:
    """Skip the sets of pictures referred to: each told by distances, or by the one before it."""
    distances: list[int] = []  # of the set before: past ones from near to far, then future ones
    for index in range(_bounded(bits.golomb(), MOST_SETS)):
        if index and bits.flag():
            sign = -1 if bits.flag() else 1
            shift = sign * (bits.golomb() + 1)
            # A flag says that it is used by this picture; if not, another that it stays at all.
            staying = [far + shift for far in (*distances, 0) if bits.flag() or bits.flag()]
            past = sorted((far for far in staying if far < 0), reverse=True)
            distances = past + sorted(far for far in staying if far > 0)
        else:
            counts = [_bounded(bits.golomb(), MOST_REFERENCES) for _ in range(2)]
            distances = _distances(bits, counts[0], -1) + _distances(bits, counts[1], 1)
        _bounded(len(distances), MOST_REFERENCES)


def _distances(bits: Bits, count: int, sign: int) -> list[int]:
    far, found = 0, []
    for _ in range(count):
        far += sign * (bits.golomb() + 1)
        bits.take(1)
        found.append(far)
    return found


def _vui(bits: Bits, sub_layers: int) -> None:
    skip_display(bits)
    bits.take(3)
    # Early encoders wrote other things where a display window is told, and decoders guess.
    _bounded(bits.take(1), 0)
    if bits.flag():
        bits.take(64)
        if bits.flag():
            bits.golomb()
        if bits.flag():
            _hrd(bits, sub_layers)
    if bits.flag():
        bits.take(3)
        bits.golombs(5)


def _hrd(bits: Bits, sub_layers: int) -> None:
    kinds = bits.take(1) + bits.take(1)  # for NAL, for VCL
    in_parts = False
    if kinds:
        in_parts = bits.flag()
        bits.take(19 + 8 + 4 + 15 if in_parts else 8 + 15)
    for _ in range(sub_layers):
        is_low_delay = False
        if bits.flag() or bits.flag():  # of a fixed rate
            bits.golomb()
        else:
            is_low_delay = bits.flag()
        buffers = 1 if is_low_delay else _bounded(bits.golomb(), 31) + 1
        for _ in range(kinds * buffers):
            bits.golombs(4 if in_parts else 2)
            bits.take(1)


def _extensions(bits: Bits) -> tuple[bool, bool]:
    """Say whether there is a range extension, and one for screen content."""
    if not bits.flag():
        return False, False
    told = bits.take(8)
    _bounded(told & 0b01101111, 0)  # others
    return bool(told & 0x80), bool(told & 0x10)


def _sps_scc(bits: Bits, colour: _Colour) -> None:
    bits.take(1)
    if bits.flag():
        bits.golombs(2)
        if bits.flag():
            _palette(bits, bits.golomb() + 1, colour)
    bits.take(3)


def _pps_range(bits: Bits, *, skips_transform: bool) -> None:
    if skips_transform:
        bits.golomb()
    bits.take(1)
    if bits.flag():
        bits.golomb()
        bits.golombs(2 * (_bounded(bits.golomb(), 5) + 1))
    bits.golombs(2)


def _pps_scc(bits: Bits) -> None:
    bits.take(1)
    if bits.flag():
        bits.take(1)
        bits.golombs(3)
    if bits.flag() and (entries := bits.golomb()):
        chroma = 0 if bits.flag() else 1
        depths = [8 + _bounded(bits.golomb(), 8) for _ in range(1 + chroma)]
        _palette(bits, entries, _Colour(chroma, depths[0], depths[-1]))


def _palette(bits: Bits, entries: int, colour: _Colour) -> None:
    _bounded(entries, 8 * LONGEST)
    bits.take(entries * (colour.luma_depth + (2 * colour.chroma_depth if colour.chroma else 0)))
