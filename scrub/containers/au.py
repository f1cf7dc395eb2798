"""AU: keep six numbers and the sound; the annotation between them goes.

    header    ".snd", u32 offset of the sound, u32 its size or FFFFFFFF, u32 codec, u32 rate, u32
              channels: 24 bytes
    behind    an annotation, up to the offset; then the sound

Numbers are big-endian. Sun Microsystems and NeXT, audio/filehdr.h.
"""

import struct

from scrub.containers.tagblocks import start_of_back_tags
from scrub.errors import Malformed, Unsupported
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

HEADER = struct.Struct(">4sIIIII")
UNKNOWN = frozenset({0, 0xFFFFFFFF, 0x7FFFFFFF})  # a size that was never filled in
# Bits of a sample: µ-law, PCM of four widths, float, double, G.721, G.722, G.723 of two, A-law.
CODECS = {1: 8, 2: 8, 3: 16, 4: 24, 5: 32, 6: 32, 7: 64, 23: 4, 24: 8, 25: 3, 26: 5, 27: 8}


def is_au(reader: Reader, start: int) -> bool:
    """Say whether an AU begins here."""
    return reader.upto(start, 4) == b".snd"


def plan_au(reader: Reader, start: int, draft: Draft) -> None:
    """Write the header anew, as short as it can be, and copy the sound.

    Raises Malformed when there is no sound.
    """
    _, offset, size, codec, rate, channels = HEADER.unpack(reader.exactly(start, HEADER.size))
    if codec not in CODECS:
        raise Unsupported("AU", "sound of an unknown codec")
    begin = start + offset
    if offset < HEADER.size or begin >= reader.size or not channels:
        raise Malformed("there is no sound", offset=start)
    if size in UNKNOWN or begin + size > reader.size:  # or it was cut off
        end = start_of_back_tags(reader, begin, reader.size)
        size = end - begin
    end = begin + size
    if end == begin or size >= 0xFFFFFFFF:
        raise Malformed("there is no sound", offset=start)
    if any(reader.upto(start + HEADER.size, min(offset - HEADER.size, 1 << 16))):
        draft.found(Kind.COMMENT)
    if end < reader.size:
        draft.found(Kind.TRAILING)
    draft.write(HEADER.pack(b".snd", HEADER.size, size, codec, rate, channels))
    draft.copy(begin, end)
    draft.sound(size, 8 * size // (channels * CODECS[codec]))
