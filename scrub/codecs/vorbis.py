"""The setup header of Vorbis: where it ends, so that nothing rides behind it.

    codebooks   u8 count - 1; "BCV", dimensions 16, entries 24, a length for each, maybe a lookup
    time        6 bits count - 1, 16 bits each, all zero
    floors      6 bits count - 1, type 16, settings
    residues    6 bits count - 1, type 16, settings
    mappings    6 bits count - 1, type 16, settings
    modes       6 bits count - 1, 41 bits each
    framing     1 bit, set; then zeros up to a byte

Bits are read from the lowest of each byte on. Vorbis I, 4.2.4 and 3.2.1.
"""

from scrub.errors import Malformed

SIGNATURE = b"\x05vorbis"
CODEBOOK = 0x564342


class _Bits:
    """Bits, least significant first."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self.at = at

    def take(self, count: int) -> int:
        end = self.at + count
        self._stay_inside(end)
        covering = int.from_bytes(self._data[self.at >> 3 : (end + 7) >> 3], "little")
        covering >>= self.at & 7
        self.at = end
        return covering & (1 << count) - 1

    def skip(self, count: int) -> None:
        self._stay_inside(self.at + count)
        self.at += count

    def _stay_inside(self, end: int) -> None:
        if end > len(self._data) * 8:
            raise Malformed("the setup header is damaged", offset=0)


def whole_setup(packet: bytes, channels: int) -> bytes:
    """Return a setup header up to its framing bit; Malformed when it breaks the rules."""
    bits = _Bits(packet, 8 * len(SIGNATURE))
    for _ in range(bits.take(8) + 1):
        _skip_codebook(bits)
    bits.skip(16 * (bits.take(6) + 1))
    for _ in range(bits.take(6) + 1):
        _skip_floor(bits)
    for _ in range(bits.take(6) + 1):
        _skip_residue(bits)
    for _ in range(bits.take(6) + 1):
        _skip_mapping(bits, channels)
    bits.skip(41 * (bits.take(6) + 1))
    _require(bits.take(1) == 1)
    end = (bits.at + 7) // 8
    last = packet[end - 1] & (1 << (bits.at - 1 & 7) + 1) - 1
    return packet[: end - 1] + bytes([last])


def _require(kept: bool) -> None:
    if not kept:
        raise Malformed("the setup header is damaged", offset=0)


def _skip_codebook(bits: _Bits) -> None:
    _require(bits.take(24) == CODEBOOK)
    dimensions, entries = bits.take(16), bits.take(24)
    if bits.take(1):  # ordered: how many entries have each length
        bits.skip(5)
        current = 0
        while current < entries:
            current += bits.take((entries - current).bit_length())
    elif bits.take(1):  # sparse
        for _ in range(entries):
            if bits.take(1):
                bits.skip(5)
    else:
        bits.skip(5 * entries)
    lookup = bits.take(4)
    _require(lookup <= 2)
    if lookup:
        _require(dimensions > 0)
        bits.skip(64)
        width = bits.take(4) + 1
        bits.skip(1)
        values = _root(entries, dimensions) if lookup == 1 else entries * dimensions
        bits.skip(width * values)


def _root(entries: int, dimensions: int) -> int:
    """Return the greatest number whose power is not more than the entries."""
    root = int(entries ** (1 / dimensions)) + 1
    while root**dimensions > entries:
        root -= 1
    return root


def _skip_floor(bits: _Bits) -> None:
    kind = bits.take(16)
    _require(kind <= 1)
    if kind == 0:
        bits.skip(8 + 16 + 16 + 6 + 8)
        bits.skip(8 * (bits.take(4) + 1))
        return
    classes = [bits.take(4) for _ in range(bits.take(5))]
    dimensions = []
    for _ in range(max(classes, default=-1) + 1):
        dimensions.append(bits.take(3) + 1)
        subclasses = bits.take(2)
        bits.skip((8 if subclasses else 0) + (8 << subclasses))
    bits.skip(2)
    width = bits.take(4)
    bits.skip(width * sum(dimensions[each] for each in classes))


def _skip_residue(bits: _Bits) -> None:
    _require(bits.take(16) <= 2)
    bits.skip(3 * 24)
    classifications = bits.take(6) + 1
    bits.skip(8)
    books = 0
    for _ in range(classifications):
        cascade = bits.take(3)
        if bits.take(1):
            cascade |= bits.take(5) << 3
        books += cascade.bit_count()
    bits.skip(8 * books)


def _skip_mapping(bits: _Bits, channels: int) -> None:
    _require(bits.take(16) == 0)
    submaps = bits.take(4) + 1 if bits.take(1) else 1
    if bits.take(1):
        bits.skip((bits.take(8) + 1) * 2 * (channels - 1).bit_length())
    bits.skip(2)
    if submaps > 1:
        bits.skip(4 * channels)
    bits.skip(submaps * 24)
