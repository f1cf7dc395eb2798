"""A page's CRC: taken anew, or carried over when only its head changes.

    polynomial 0x04C11DB7, from zero, not reflected, the field itself counted as zeros: RFC 3533, 6

zlib's CRC has the same polynomial, but reads each byte from its other end: so bytes go in and come
out with their bits reversed ("mirrored"), which bytes.translate does for a megabyte at a time.

A CRC is linear: that of a page with another head differs from the old one by the CRC of what was
changed, followed by as many zeros as bytes follow. So a right CRC stays right, and a wrong one
wrong, without a look at the body. Over zeros a register is carried 256 at a step, by tables.
"""

import zlib
from array import array
from functools import cache

REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
FIELD, FIELD_END = 22, 26  # where the CRC stands
_ALL_ONES = 0xFFFFFFFF
_STEP = 256
_ZEROS = bytes(_STEP)


def is_right(mirrored: memoryview) -> bool:
    """Say whether a mirrored page's CRC is that of its bytes."""
    return _register(mirrored) == int.from_bytes(mirrored[FIELD:FIELD_END], "big")


def summed(page: bytes) -> bytes:
    """Return a page with its CRC put in."""
    mirrored = memoryview(page.translate(REVERSED))
    field = _register(mirrored).to_bytes(4, "big").translate(REVERSED)
    return page[:FIELD] + field + page[FIELD_END:]


def carried(crc: int, changed: bytes, length: int) -> int:
    """Return the CRC of a page of `length` bytes, once `changed` is added in front of the field."""
    steps, rest = divmod(length - FIELD, _STEP)
    register = zlib.crc32(changed.translate(REVERSED) + _ZEROS[:rest], _ALL_ONES) ^ _ALL_ONES
    a, b, c, d = _tables(steps)
    return (
        crc
        ^ a[register & 255]
        ^ b[register >> 8 & 255]
        ^ c[register >> 16 & 255]
        ^ d[register >> 24]
    )


def _register(mirrored: memoryview) -> int:
    before = zlib.crc32(_ZEROS[:4], zlib.crc32(mirrored[:FIELD], _ALL_ONES))
    return zlib.crc32(mirrored[FIELD_END:], before) ^ _ALL_ONES


@cache  # a page has 255 steps at most
def _tables(steps: int) -> "tuple[array[int], ...]":
    """Return, for each byte of a register, what it adds to the field after so many steps."""
    zeros = bytes(_STEP * steps)
    tables = []
    for byte in range(0, 32, 8):
        table = array("I", [0])
        for bit in range(byte, byte + 8):
            register = zlib.crc32(zeros, 1 << bit ^ _ALL_ONES) ^ _ALL_ONES
            field = int.from_bytes(register.to_bytes(4, "big").translate(REVERSED), "little")
            table.extend([value ^ field for value in table])
        tables.append(table)
    return tuple(tables)
