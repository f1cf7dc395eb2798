"""One FLAC frame: read its header, and find where it ends without making a sound.

    header      14 bits sync, reserved, 1 bit variable; 4 bits block size, 4 rate; 4 channels,
                3 bits a sample, reserved; number as in UTF-8; sizes again where 4 bits won't do;
                CRC-8 (polynomial 0x07)
    subframe    a channel: 8 bits type, maybe wasted bits in unary; then constant, verbatim, or
                warm-up samples, coefficients and a Rice-coded residual
    footer      bits up to a byte, CRC-16 (polynomial 0x8005) of all that is before

Nothing in a frame says how long it is: only following every residual does. RFC 9639, 9.
"""

from collections.abc import Iterable
from typing import NamedTuple

LONGEST_HEADER = 16
SAMPLE_RATES = (0, 88200, 176400, 192000, 8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000)
SAMPLE_BITS = (0, 8, 12, 0, 16, 20, 24, 32)


class NotAFrame(Exception):  # an answer inside two modules, never a caller's error
    """These bytes are no frame of this stream."""


class FrameHeader(NamedTuple):
    """What a frame says of itself."""

    length: int  # bytes of the header with its CRC
    samples: int  # a channel
    bits: tuple[int, ...]  # a sample, for each channel
    first_sample: int


def frame_header(head: bytes, info: bytes) -> FrameHeader:
    """Read a header that fits the stream's STREAMINFO; NotAFrame otherwise."""
    if len(head) < 6 or head[0] != 0xFF or head[1] not in (0xF8, 0xF9) or head[3] & 1:
        raise NotAFrame
    number, at = _coded_number(head)
    size_code, rate_code = head[2] >> 4, head[2] & 15
    samples = 192 if size_code == 1 else 144 << size_code if size_code < 6 else 1 << size_code
    if size_code in (6, 7):
        extra = size_code - 5
        samples = int.from_bytes(head[at : at + extra], "big") + 1
        at += extra
    at += {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    if size_code == 0 or rate_code == 15 or len(head) <= at or crc8(head[:at]) != head[at]:
        raise NotAFrame
    rate = SAMPLE_RATES[rate_code] if rate_code < len(SAMPLE_RATES) else 0
    if rate and rate != int.from_bytes(info[10:13], "big") >> 4:
        raise NotAFrame
    variable, fixed_size = head[1] & 1, int.from_bytes(info[:2], "big")
    first = number if variable else number * fixed_size
    return FrameHeader(at + 1, samples, _channel_bits(head[3], info), first)


def _coded_number(head: bytes) -> tuple[int, int]:
    """Return the frame or sample number, and where it ends."""
    lead = head[4]
    if lead < 0x80:
        return lead, 5
    more = 0
    while lead & 0x40 >> more:
        more += 1
    rest = head[5 : 5 + more]
    if not 1 <= more <= 6 or len(rest) < more or any(byte & 0xC0 != 0x80 for byte in rest):
        raise NotAFrame
    number = lead & 0x3F >> more
    for byte in rest:
        number = number << 6 | byte & 0x3F
    return number, 5 + more


def _channel_bits(coded: int, info: bytes) -> tuple[int, ...]:
    """Return the bits a sample of each channel: a side channel has one more."""
    stream_bits = ((info[12] & 1) << 4 | info[13] >> 4) + 1
    bits = SAMPLE_BITS[coded >> 1 & 7] or stream_bits
    assignment = coded >> 4
    channels = assignment + 1 if assignment < 8 else 2
    if assignment > 10 or coded >> 1 & 7 == 3 or bits != stream_bits:
        raise NotAFrame
    if channels != (info[12] >> 1 & 7) + 1:
        raise NotAFrame
    side = {8: 1, 9: 0, 10: 1}.get(assignment)
    return tuple(bits + (channel == side) for channel in range(channels))


def frame_length(frame: bytes, header: FrameHeader) -> int:
    """Return how many bytes the frame at the front of `frame` has; NotAFrame when none fits."""
    bits = _Bits(frame, header.length * 8)
    try:
        for sample_bits in header.bits:
            _skip_subframe(bits, header.samples, sample_bits)
    except IndexError:
        raise NotAFrame from None
    end = (bits.at + 7) // 8 + 2
    if end > len(frame) or crc16(frame[:end]):
        raise NotAFrame
    return end


class _Bits:
    """Bits, most significant first."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at

    def take(self, count: int) -> int:
        end = self.at + count
        if end > len(self.data) * 8:
            raise IndexError
        covering = int.from_bytes(self.data[self.at >> 3 : (end + 7) >> 3], "big")
        self.at = end
        return covering >> (-end & 7) & (1 << count) - 1

    def zeros(self) -> int:
        """Skip zero bits and the one behind them; return how many zeros."""
        data, at = self.data, self.at
        byte = data[at >> 3] & 0xFF >> (at & 7)
        start = at
        at |= 7
        while not byte:
            byte = data[(at + 1) >> 3]
            at += 8
        self.at = at - byte.bit_length() + 2
        return self.at - start - 1

    def skip_rice(self, count: int, parameter: int) -> None:
        """Skip `count` Rice-coded numbers: zeros, a one, and `parameter` bits."""
        data, at = self.data, self.at
        for _ in range(count):
            byte = data[at >> 3] & 0xFF >> (at & 7)
            at |= 7
            while not byte:
                byte = data[(at + 1) >> 3]
                at += 8
            at += 2 - byte.bit_length() + parameter
        self.at = at


def _skip_subframe(bits: _Bits, samples: int, sample_bits: int) -> None:
    head = bits.take(8)
    kind = head >> 1 & 0x3F
    if head & 0x80:
        raise NotAFrame
    if head & 1:
        sample_bits -= bits.zeros() + 1
    if sample_bits < 1:
        raise NotAFrame
    if kind == 0:  # constant
        bits.at += sample_bits
    elif kind == 1:  # verbatim
        bits.at += sample_bits * samples
    elif 8 <= kind <= 12:  # a fixed predictor of order 0 to 4
        bits.at += (kind - 8) * sample_bits
        _skip_residual(bits, samples, kind - 8)
    elif kind >= 32:  # linear prediction of order 1 to 32
        order = kind - 31
        bits.at += order * sample_bits
        precision = bits.take(4) + 1
        bits.at += 5 + order * precision
        _skip_residual(bits, samples, order)
    else:
        raise NotAFrame


def _skip_residual(bits: _Bits, samples: int, order: int) -> None:
    method, partitions = bits.take(2), 1 << bits.take(4)
    if method > 1 or samples % partitions or samples // partitions < order:
        raise NotAFrame
    parameter_bits = 4 + method
    for partition in range(partitions):
        count = samples // partitions - (0 if partition else order)
        parameter = bits.take(parameter_bits)
        if parameter == (1 << parameter_bits) - 1:  # escaped: numbers of a fixed width
            width = bits.take(5)
            bits.at += count * width
        else:
            bits.skip_rice(count, parameter)


def _table(polynomial: int, width: int) -> tuple[int, ...]:
    top, mask = 1 << width - 1, (1 << width) - 1
    table = []
    for byte in range(256):
        crc = byte << width - 8
        for _ in range(8):
            crc = (crc << 1 ^ polynomial if crc & top else crc << 1) & mask
        table.append(crc)
    return tuple(table)


_CRC8, _CRC16 = _table(0x07, 8), _table(0x8005, 16)


def crc8(covered: bytes) -> int:
    """Return the CRC-8 of a frame header."""
    crc = 0
    for byte in covered:
        crc = _CRC8[crc ^ byte]
    return crc


def crc16(covered: bytes) -> int:
    """Return the CRC-16 of a frame; zero when it includes a CRC-16 that is right."""
    crc = 0
    for byte in covered:
        crc = (crc << 8 ^ _CRC16[crc >> 8 ^ byte]) & 0xFFFF
    return crc


# x to the power of 8 × 32767 is 1 modulo the polynomial, (x + 1)(x^15 + x + 1): bytes that lie so
# far apart count alike in a CRC, and may be added up before it is taken.
CRC16_PERIOD = (1 << 15) - 1
ROWS = 8  # a block and the number made of it stay in the processor's cache


def crc16_is_zero(blocks: Iterable[bytes]) -> bool:
    """Say whether the CRC-16 of all blocks together is zero, in two thirds of a second a gigabyte.

    It is when each frame ends in its own right CRC-16 and no byte lies between two frames. Every
    block but the last has CRC16_PERIOD × ROWS bytes. Nearly all the time goes into making numbers
    of bytes: they are only added up, so their order is the one that is quicker to read.
    """
    total = 0
    for block in blocks:
        total ^= int.from_bytes(block, "little")
    rows = total.to_bytes(CRC16_PERIOD * ROWS, "little")
    folded = 0
    for at in range(0, len(rows), CRC16_PERIOD):
        folded ^= int.from_bytes(rows[at : at + CRC16_PERIOD], "little")
    return crc16(folded.to_bytes(CRC16_PERIOD, "little")) == 0
