"""The configuration record of FFV1: range coded, and it ends in a CRC-32.

The CRC's polynomial is 04C11DB7, from 0, so that of the whole record is 0: RFC 9043, 4.3.
"""

from scrub.errors import Malformed

POLYNOMIAL, LONGEST = 0x04C11DB7, 512


def whole_settings(record: bytes) -> bytes:
    """Return a record whose checksum is right: nothing stands behind it then. Else Malformed."""
    crc = 0
    for byte in record if len(record) <= LONGEST else b"\1":
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (POLYNOMIAL if crc >> 31 else 0)) & 0xFFFFFFFF
    if crc:
        raise Malformed("a decoder's settings are damaged", offset=0)
    return record
