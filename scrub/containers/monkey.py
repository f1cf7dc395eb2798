"""Monkey's Audio, from version 3.98 on: descriptor, header and seek table anew, then the frames.

    descriptor  "MAC ", u16 version, u16, u32 lengths: of this (52), the header, the seek table,
                the stored WAV header, the frames (low, high), what stood behind the sound; MD5
    header      u16 level, u16 flags, u32 blocks a frame, u32 in the last one, u32 frames, u16 bits,
                u16 channels, u32 rate: 24 bytes
    seek table  u32 place of each frame, from "MAC "
    then        the WAV header, the frames, what stood behind the sound

Numbers are little-endian. The header of the WAV goes with every chunk in it; a flag tells decoders
to make their own. The MD5 covers all of the file, so it names the original. Monkey's Audio SDK 4.
"""

from __future__ import annotations  # array[int] is a type, not yet an expression

import struct
import sys
from array import array
from itertools import pairwise

from scrub.containers.tagblocks import refuse_tags, start_of_back_tags
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

DESCRIPTOR = struct.Struct("<4sHHIIIIIII16s")
HEADER = struct.Struct("<HHIIIHHI")
ENTRY = 4
FIRST_VERSION = 3980
NEEDED_FLAGS = 0x0001 | 0x0008  # 8 bits a sample, 24 bits a sample
MAKE_WAV_HEADER = 0x0020
MOST_FRAMES = 1 << 20
WAV_HEADERS = (b"RIFF", b"RF64", b"FORM", b"caff")


def is_monkey(reader: Reader, start: int) -> bool:
    """Say whether a Monkey's Audio file begins here."""
    return reader.upto(start, 4) == b"MAC "


def plan_monkey(reader: Reader, start: int, draft: Draft) -> None:
    """Write all that leads to the frames anew, and copy the frames.

    Raises Malformed when a frame lies outside the recording, Unsupported for older versions.
    """
    stop = start_of_back_tags(reader, start, reader.size)
    if stop < reader.size:
        draft.found(Kind.TAG_BLOCK)
    if reader.number(start + 4, 2, "little") < FIRST_VERSION:
        raise Unsupported("Monkey's Audio", "a version before 3.98")
    descriptor = DESCRIPTOR.unpack(reader.exactly(start, DESCRIPTOR.size))
    _, version, _, *lengths, digest = descriptor
    own, header_length, table_length, wav_length, low, high, _ = lengths
    level, flags, blocks, last, frames, *form = HEADER.unpack(
        reader.exactly(start + own, HEADER.size)
    )
    if own < DESCRIPTOR.size or header_length < HEADER.size or table_length < ENTRY * frames:
        raise Malformed("a length is too short", offset=start)
    if not (frames and blocks and last) or frames > MOST_FRAMES:
        raise TooComplex("no frames, or too many")
    first = start + own + header_length + table_length + wav_length
    end = min(first + (high << 32 | low), stop)
    places = _places(reader, start + own + header_length, frames)
    if places[0] != first - start or any(b <= a for a, b in pairwise([*places, end - start])):
        raise Malformed("the frames do not follow one another", offset=first)
    if reader.upto(first, 4) in WAV_HEADERS:  # the lengths lie: it isn't where they say
        raise Malformed("a stored header stands amid the frames", offset=first)

    if draft.thorough:
        refuse_tags(reader, first, end)
    _report(bool(wav_length), any(digest), end < stop, draft)
    moved = first - start - DESCRIPTOR.size - HEADER.size - ENTRY * frames
    size = end - first
    lengths = [DESCRIPTOR.size, HEADER.size, ENTRY * frames, 0, size & 0xFFFFFFFF, size >> 32, 0]
    draft.write(DESCRIPTOR.pack(b"MAC ", version, 0, *lengths, bytes(16)))
    flags = flags & NEEDED_FLAGS | MAKE_WAV_HEADER
    draft.write(HEADER.pack(level, flags, blocks, last, frames, *form))
    draft.write(struct.pack(f"<{frames}I", *(place - moved for place in places)))
    draft.copy(first, end)
    draft.sound(size, frames)


def _places(reader: Reader, start: int, frames: int) -> array[int]:
    places = array("I")
    places.frombytes(reader.exactly(start, ENTRY * frames))
    if sys.byteorder == "big":
        places.byteswap()
    return places


def _report(wav: bool, digest: bool, more: bool, draft: Draft) -> None:
    if wav:
        draft.found(Kind.TAG_BLOCK)
    if digest:
        draft.found(Kind.CHECKSUM)
    if more:
        draft.found(Kind.TRAILING)
