"""WavPack: keep the blocks that hold sound, and of their parts those that decoding needs.

    block     "wvpk", u32 length of all that follows, u16 version, 2 bytes for more than 2^32
              samples, u32 samples in all, u32 first sample, u32 samples here, u32 flags, u32 CRC
              of the samples: 32 bytes, then parts
    part      id 6 bits, 0x40: the last byte is padding, 0x80: long; 1 or 3 bytes of length in
              16-bit words; payload

Numbers are little-endian. The first block holds the header of the WAV that was packed, the last
one what stood behind its sound and an MD5 of the samples. A block's checksum goes: its bit in the
flags says so. WavPack 4 and 5 file format, wavpack.com.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from scrub.containers.tagblocks import find_tag, start_of_back_tags
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

HEADER = struct.Struct("<4sIHBBIIIII")
BEHIND_LENGTH = 8
LONGEST_BLOCK = 1 << 24
VERSION = 4  # the upper byte; WavPack 5 still writes 4
HAS_CHECKSUM = 1 << 28
INITIAL = 1 << 11  # the first block of those that share samples
MOST_PARTS = 256
MOST_LOOKS = 256  # at blocks that no other follows

SOUND = frozenset({0x0A, 0x0E})
CORRECTION = 0x0B
# What decoding needs, and how long it can be.
KEPT = {
    0x02: 16,  # decorrelation: terms
    0x03: 32,  # weights
    0x04: 1024,  # samples
    0x05: 12,  # entropy
    0x06: 16,  # hybrid profile
    0x07: 16,  # noise shaping
    0x08: 4,  # float
    0x09: 4,  # integers
    0x0A: LONGEST_BLOCK,  # the sound
    0x0B: LONGEST_BLOCK,  # its correction
    0x0C: LONGEST_BLOCK,  # the lower bits of long samples
    0x0D: 8,  # channels
    0x0E: LONGEST_BLOCK,  # DSD
    0x27: 4,  # a rate that the flags have no number for
    0x2C: LONGEST_BLOCK,  # as 0x0C
}
NOT_FOR_DECODING = 0x20
KINDS = {
    0x00: Kind.PADDING,
    0x01: Kind.ENCODER,
    0x21: Kind.TAG_BLOCK,  # the header of the WAV
    0x22: Kind.TRAILING,  # what stood behind its sound
    0x23: Kind.TAG_BLOCK,  # the same of other formats
    0x24: Kind.TRAILING,
    0x25: Kind.ENCODER,  # settings
    0x26: Kind.CHECKSUM,
    0x29: Kind.CHECKSUM,
    0x2A: Kind.ENCODER,
    0x2F: Kind.CHECKSUM,
}


class Block(NamedTuple):
    """A block's header, where it lies, and where it ends."""

    start: int
    end: int
    version: int
    more_first: int
    more_total: int
    total: int
    first: int
    samples: int
    flags: int
    crc: int


class Part(NamedTuple):
    """Where a part lies, and where its payload begins; `padded` when its last byte is no data."""

    id: int
    start: int
    payload: int
    end: int
    padded: bool


def is_wavpack(reader: Reader, start: int) -> bool:
    """Say whether a WavPack block begins here."""
    return reader.upto(start, 4) == b"wvpk"


def plan_wavpack(reader: Reader, start: int, draft: Draft) -> None:
    """Keep the blocks with samples, without the parts that no decoder needs.

    Raises Malformed when there is no sound, or more between the blocks than in them.
    """
    stop = start_of_back_tags(reader, start, reader.size)
    if stop < reader.size:
        draft.found(Kind.TAG_BLOCK)
    at, junk, coded, samples = start, 0, 0, 0
    looks = iter(range(MOST_LOOKS))
    gone: set[int] = set()  # many a part is in each block: a kind counts once
    while at < stop:
        block = _block(reader, at, stop, looks)
        if block is None:
            found = _next_block(reader, at + 1, stop, looks)
            draft.found(Kind.SLACK if found < stop else Kind.TRAILING)
            junk += found - at
            at = found
            continue
        if block.samples:
            coded += _keep(reader, block, samples >> 32, draft, gone)
            samples += block.samples if block.flags & INITIAL else 0
        else:
            gone.update(part.id for part in _parts(reader, block))
        at = block.end
    for part_id in gone:
        draft.found(KINDS.get(part_id, Kind.UNKNOWN_CHUNK))
    if not coded or junk > stop - start - junk:
        raise Malformed("there is no sound, or more between the blocks than in them", offset=start)
    draft.sound(coded, samples)


def _block(reader: Reader, at: int, stop: int, looks: Iterator[int]) -> Block | None:
    """Return the block that begins here; None when none does, or it runs past the end.

    A splice can go on with a tag in the middle of one: then no other follows.
    """
    header = reader.upto(at, HEADER.size)
    if len(header) < HEADER.size or header[:4] != b"wvpk":
        return None
    _, length, version, *fields = HEADER.unpack(header)
    end = at + BEHIND_LENGTH + length
    inside = HEADER.size <= end - at <= LONGEST_BLOCK and end <= stop
    if not inside or version >> 8 != VERSION:
        return None
    if end < stop and reader.upto(end, 4) != b"wvpk":
        if next(looks, None) is None:
            raise TooComplex("too many blocks that no other follows")
        whole = reader.exactly(at, end - at)
        if find_tag(whole) < len(whole):
            return None
    return Block(at, end, version, *fields)


def _next_block(reader: Reader, at: int, stop: int, looks: Iterator[int]) -> int:
    """Return where a block begins at `at` or later; `stop` when nowhere."""
    for offset, _ in reader.blocks(at, stop):
        window = reader.upto(offset, min((1 << 20) + HEADER.size, stop - offset))
        found = window.find(b"wvpk")
        while found >= 0:
            if _block(reader, offset + found, stop, looks):
                return offset + found
            found = window.find(b"wvpk", found + 1)
    return stop


def _parts(reader: Reader, block: Block) -> Iterator[Part]:
    """Yield where a block's parts lie; Malformed when they don't fill it."""
    at = block.start + HEADER.size
    for _ in range(MOST_PARTS):
        if at >= block.end:
            return
        head = reader.upto(at, 4).ljust(4, b"\0")
        size = 4 if head[0] & 0x80 else 2
        words = int.from_bytes(head[1:size], "little")
        part = Part(head[0] & 0x3F, at, at + size, at + size + 2 * words, bool(head[0] & 0x40))
        if part.end > block.end or (part.padded and not words):
            raise Malformed("a part runs past the end of its block", offset=at)
        yield part
        at = part.end
    raise TooComplex("too many parts in a block")


def _keep(reader: Reader, block: Block, more: int, draft: Draft, gone: set[int]) -> int:
    """Write the block's header, copy the parts that are kept; return how long they are."""
    found = list(_parts(reader, block))
    parts = [part for part in found if _is_kept(part)]
    gone.update(part.id for part in found if part.id not in KEPT)
    if not any(part.id in SOUND for part in parts):
        what = "a correction file" if any(part.id == CORRECTION for part in parts) else "no sound"
        raise Unsupported("WavPack", what)
    length = sum(part.end - part.start for part in parts)
    total_more = block.more_total if reader.size >> 32 else 0
    header = HEADER.pack(
        b"wvpk",
        HEADER.size - BEHIND_LENGTH + length,
        block.version,
        more & 0xFF,
        total_more,
        block.total,
        block.first,
        block.samples,
        block.flags & ~HAS_CHECKSUM,
        block.crc,
    )
    if header == reader.exactly(block.start, HEADER.size):
        draft.copy(block.start, block.start + HEADER.size)
    else:
        draft.write(header)
    for part in parts:
        pad = part.padded and reader.upto(part.end - 1, 1) != b"\0"
        draft.copy(part.start, part.end - pad)
        draft.write(bytes(pad))
        if pad:
            draft.found(Kind.SLACK)
    return length


def _is_kept(part: Part) -> bool:
    """Say whether decoding needs a part; Unsupported when it may and we don't know it."""
    if part.id not in KEPT:
        if part.id not in KINDS and part.id < NOT_FOR_DECODING:
            raise Unsupported("WavPack", "a part of an unknown kind")
        return False
    if part.end - part.payload > KEPT[part.id]:
        raise Malformed("a part is longer than it can be", offset=part.start)
    return True
