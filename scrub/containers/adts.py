"""AAC in ADTS, or in LOAS: keep the frames that follow one another.

    ADTS      FFF, version, layer 0, no-CRC; profile 2 bits, rate 4, private, channels 3, original,
              home, copyright 2, length of the whole frame 13, fullness 11, blocks 2: 7 bytes, or 9
              with a CRC; then sound
    LOAS      2B7 (11 bits), length of what follows 13 bits: 3 bytes

What is inside the frames stays: a comment in the program config, data stream elements and encoder
strings are named as remaining. ISO/IEC 14496-3, 1.A.2 and 1.7.2; ISO/IEC 13818-7, 6.2.
"""

import re
import struct
from functools import partial

from scrub.codecs.aac_settings import comment_in_block
from scrub.containers.frames import STRIDE, Family, Stream, first_frame, one_by_one, plan_frames
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

HEAD = struct.Struct(">Q")  # a header, and a byte behind it
ALIKE = 0xFFFE3C00 << 32  # sync, version, layer, rate
LAYER = 0x00060000 << 32
NO_CRC = 0x00010000 << 32
MARKS = 0x0000023C  # of the first four bytes: private, original, home, copyright
LENGTH_SHIFT = 21
SHORTEST, LONGEST = 7, 0x1FFF
RATES = 13
DATA_STREAM = 4  # the element, in the first three bits of a block
CRC_LENGTH = 2
LOAS_HEAD = 3


def is_aac(reader: Reader, start: int) -> bool:
    """Say whether ADTS frames follow one another near here."""
    return first_frame(reader, start, ADTS) is not None


def plan_aac(reader: Reader, start: int, draft: Draft) -> None:
    """Keep every ADTS frame and nothing else."""
    plan_frames(reader, start, draft, ADTS)


def is_loas(reader: Reader, start: int) -> bool:
    """Say whether LOAS frames follow one another right here: eleven bits of sync aren't many."""
    found = first_frame(reader, start, LOAS)
    return found is not None and found[0] == start


def plan_loas(reader: Reader, start: int, draft: Draft) -> None:
    """Keep every LOAS frame and nothing else."""
    plan_frames(reader, start, draft, LOAS)


def _adts(head: bytes) -> Stream | None:
    if len(head) < HEAD.size:
        return None
    (first,) = HEAD.unpack(head)
    if first >> 52 != 0xFFF or first & LAYER or first >> 42 & 15 >= RATES:
        return None
    return Stream(partial(_adts_length, first), partial(_adts_row, first), MARKS, tells=_tells)


def _adts_length(first: int, head: bytes) -> int:
    if len(head) < HEAD.size:
        return 0
    (word,) = HEAD.unpack(head)
    length: int = word >> LENGTH_SHIFT & LONGEST
    return length if not (word ^ first) & ALIKE and length >= SHORTEST else 0


def _adts_row(first: int, block: bytes, at: int) -> int:
    """Return where 16 frames end that begin like the first, none of them with data; else 0."""
    mask = ALIKE | MARKS << 32 | NO_CRC
    alike = first & mask
    element = 0xE0 if first & NO_CRC else 0  # the first three bits behind a header without CRC
    last = len(block) - HEAD.size
    for _ in range(STRIDE):
        if at > last:
            return 0
        (word,) = HEAD.unpack_from(block, at)
        length = word >> LENGTH_SHIFT & LONGEST
        if word & mask != alike or length < SHORTEST or word & element == DATA_STREAM << 5:
            return 0
        at += length
    return at


def _tells(frame: bytes) -> Kind | None:
    """Say what the first element of a frame's block tells beside its sound."""
    block = frame[SHORTEST + (0 if frame[1] & 1 else CRC_LENGTH) :]
    if block and block[0] >> 5 == DATA_STREAM:
        return Kind.TEXT
    return Kind.COMMENT if comment_in_block(block) else None


def _loas(head: bytes) -> Stream | None:
    if not _loas_length(head):
        return None
    return Stream(_loas_length, one_by_one(_loas_length, LOAS_HEAD))


def _loas_length(head: bytes) -> int:
    if len(head) < LOAS_HEAD or head[0] != 0x56 or head[1] < 0xE0:
        return 0
    length = (head[1] & 0x1F) << 8 | head[2]
    return length + LOAS_HEAD if length else 0


ADTS = Family(
    "AAC",
    re.compile(rb"\xff[\xf0\xf1\xf8\xf9]"),
    header=HEAD.size,
    longest=LONGEST,
    stream=_adts,
    look=64,
)
LOAS = Family(
    "AAC in LOAS",
    re.compile(rb"\x56[\xe0-\xff]"),
    header=LOAS_HEAD,
    longest=LONGEST + LOAS_HEAD,
    stream=_loas,
)
