"""DSF: one-bit sound as Sony packs it; keep the numbers and the sound, not the tag behind it.

    DSD       "DSD ", u64 28, u64 size of the file, u64 place of an ID3v2 tag or 0
    fmt       "fmt ", u64 52, u32 version 1, u32 0 (raw), u32 channels' kind, u32 channels, u32
              rate, u32 bits (1 or 8), u64 samples a channel, u32 4096, 4 reserved bytes
    data      "data", u64 size with these 12 bytes, blocks of 4096 bytes of each channel in turn

The last block of each channel is filled up behind its last sample: that becomes zeros, and blocks
without a sample go. Numbers are little-endian. Sony, DSF File Format Specification 1.01.
"""

import struct

from scrub.errors import Malformed, Unsupported
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

DSD = struct.Struct("<4sQQQ")
FMT = struct.Struct("<4sQIIIIIIQI4x")
DATA = struct.Struct("<4sQ")
BLOCK = 4096


def is_dsf(reader: Reader, start: int) -> bool:
    """Say whether a DSF begins here."""
    return reader.upto(start, 12) == DSD.pack(b"DSD ", DSD.size, 0, 0)[:12]


def plan_dsf(reader: Reader, start: int, draft: Draft) -> None:
    """Write the three heads anew around the sound.

    Raises Malformed when one is not where it must be, or the sound runs past the end.
    """
    _, _, _, tag = DSD.unpack(reader.exactly(start, DSD.size))
    head = reader.exactly(start + DSD.size, FMT.size)
    name, size, version, raw, kind, channels, rate, bits, samples, block = FMT.unpack(head)
    if name != b"fmt " or size != FMT.size or not channels or block != BLOCK:
        raise Malformed("the fmt chunk is damaged", offset=start + DSD.size)
    if version != 1 or raw or bits not in (1, 8):
        raise Unsupported("DSF", "sound of an unknown codec")
    at = start + DSD.size + FMT.size
    name, size = DATA.unpack(reader.exactly(at, DATA.size))
    begin, end = at + DATA.size, at + size
    if name != b"data" or end > reader.size or begin >= end:
        raise Malformed("there is no sound", offset=at)
    if any(head[-4:]):
        draft.found(Kind.SLACK)
    if tag or end < reader.size:
        draft.found(Kind.TAG_BLOCK if tag else Kind.TRAILING)
    room = 8 * (end - begin) // channels
    samples = min(samples, room)
    whole, over = divmod(-(-(samples or room) // 8), BLOCK)
    stop = min(begin + (whole + bool(over)) * BLOCK * channels, end)
    if stop < end:
        draft.found(Kind.SLACK)
    size = DATA.size + stop - begin
    draft.write(DSD.pack(b"DSD ", DSD.size, DSD.size + FMT.size + size, 0))
    draft.write(FMT.pack(b"fmt ", FMT.size, 1, 0, kind, channels, rate, bits, samples, BLOCK))
    draft.write(DATA.pack(b"data", size))
    filled = begin + whole * BLOCK * channels
    draft.copy(begin, min(filled, stop))
    for block in range(filled, stop, BLOCK):
        used, after = min(block + over, stop), min(block + BLOCK, stop)
        if any(reader.exactly(used, after - used)):
            draft.found(Kind.SLACK)
        draft.copy(block, used)
        draft.write(bytes(after - used))
    draft.sound(stop - begin, samples)
