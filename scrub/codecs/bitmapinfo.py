"""BITMAPINFOHEADER, which says what the pictures are in AVI, ASF and Matroska.

    header    u32 size with what follows, i32 width, i32 height, u16 planes, u16 bits, 4-byte codec,
              u32 bytes a picture, i32 and i32 dots a metre, u32 colours, u32 colours that matter
    behind    what the codec's decoder needs; with at most 8 bits a palette: blue, green, red, 0

Numbers are little-endian. Microsoft wingdi.h.
"""

import struct
from typing import NamedTuple

from scrub.errors import Malformed

HEADER = struct.Struct("<IiiHH4sIiiII")
MOST_PALETTE_BITS = 8


class Bitmap(NamedTuple):
    """The header's numbers that a decoder reads, and what stands behind them."""

    width: int
    height: int
    bits: int
    codec: bytes
    image_size: int
    behind: bytes

    def payload(self) -> bytes:
        """Return the header anew: one plane, no dots a metre, all colours matter."""
        size = HEADER.size if 0 < self.bits <= MOST_PALETTE_BITS else HEADER.size + len(self.behind)
        colours = len(self.behind) // 4 if size == HEADER.size else 0
        fixed = (size, self.width, self.height, 1, self.bits, self.codec, self.image_size)
        return HEADER.pack(*fixed, 0, 0, colours, 0) + self.behind


def read_bitmap(payload: bytes, offset: int) -> Bitmap:
    """Return what a header says; a palette comes without what stands in its fourth bytes.

    Raises Malformed when it is too short.
    """
    if len(payload) < HEADER.size:
        raise Malformed("the format of the pictures is too short", offset=offset)
    size, width, height, _, bits, codec, image_size, _, _, colours, _ = HEADER.unpack_from(payload)
    behind = payload[HEADER.size :]
    if 0 < bits <= MOST_PALETTE_BITS:
        colours = min(colours or 1 << bits, 1 << bits, len(behind) // 4)
        begin = max(0, min(size, len(payload)) - HEADER.size) if size > HEADER.size else 0
        palette = bytearray(behind[begin : begin + 4 * colours])
        palette[3::4] = bytes(len(palette[3::4]))
        behind = bytes(palette[: len(palette) // 4 * 4])
    return Bitmap(width, height, bits, codec, image_size, behind)
