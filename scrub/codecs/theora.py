"""The setup header of Theora: where it ends, so that nothing rides behind it.

    filter      3 bits width, 64 limits
    scales      4 bits width - 1, 64 values: twice, for AC and for DC
    matrices    9 bits count - 1, 64 bytes each
    ranges      for intra and inter frames, for three planes: new ones, or those of an earlier set
    tokens      80 Huffman trees: a bit for each node, 5 more for a leaf

Bits are read from the highest of each byte on. Theora Specification, 6.4.
"""

from scrub.codecs.bits import Bits, RunsOut
from scrub.errors import Malformed

SIGNATURE = b"\x82theora"
LONGEST = 1 << 15  # more than the most matrices, ranges and leaves there can be
DEEPEST = MOST_LEAVES = 32


def whole_setup(packet: bytes) -> bytes:
    """Return a setup header up to its last tree; Malformed when it breaks the rules."""
    bits = Bits(packet[len(SIGNATURE) : LONGEST])
    try:
        _skip_setup(bits)
    except RunsOut:
        raise Malformed("the setup header is damaged", offset=0) from None
    end = len(SIGNATURE) + (bits.at + 7) // 8
    last = packet[end - 1] & 0xFF << (-bits.at & 7) & 0xFF
    return packet[: end - 1] + bytes([last])


def _skip_setup(bits: Bits) -> None:
    bits.skip(64 * bits.take(3))
    for _ in range(2):
        bits.skip(64 * (bits.take(4) + 1))
    matrices = bits.take(9) + 1
    _require(matrices <= 384)
    bits.skip(64 * 8 * matrices)
    for which in range(6):
        _skip_ranges(bits, which, matrices)
    for _ in range(80):
        _skip_tree(bits)


def _require(kept: bool) -> None:
    if not kept:
        raise Malformed("the setup header is damaged", offset=0)


def _skip_ranges(bits: Bits, which: int, matrices: int) -> None:
    if which and not bits.take(1):
        if which >= 3:  # inter: of the same plane's intra ones, or of those before
            bits.skip(1)
        return
    width = (matrices - 1).bit_length()
    bits.skip(width)
    index = 0
    while index < 63:
        index += bits.take((62 - index).bit_length()) + 1
        _require(index <= 63)
        bits.skip(width)


def _skip_tree(bits: Bits) -> None:
    open_nodes, leaves = [0], 0  # depths
    while open_nodes:
        depth = open_nodes.pop()
        _require(depth <= DEEPEST)
        if bits.take(1):
            bits.skip(5)
            leaves += 1
            _require(leaves <= MOST_LEAVES)
        else:
            open_nodes += [depth + 1] * 2
