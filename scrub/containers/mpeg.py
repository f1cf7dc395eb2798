"""MPEG audio, layers I to III: keep the frames that follow one another.

    frame     FF, 3 bits sync, version, layer, no-CRC; bitrate, rate, padding, private; channels 4
              bits, copyright, original, emphasis: 4 bytes, then side information and sound; in all
              144 × bitrate / rate + padding bytes (layer III from MPEG-2 on 72; layer I 4 × 12)

An MP3's first frame may hold no sound but what playing needs: xing.py. Sixteen frames at a time
are matched by one pattern, which knows the length that goes with each bitrate: skipping n bytes
costs a pattern nothing. ISO 11172-3, 13818-3; MPEG-2.5 for the lowest rates.
"""

import re
from functools import cache, lru_cache, partial

from scrub.containers.frames import (
    STRIDE,
    Family,
    Stream,
    Walk,
    beginning,
    end_of_frames,
    first_frame,
    plan_frames,
)
from scrub.containers.xing import VBRI_AT, information_offset, rebuilt, xing_offset
from scrub.plan import Draft
from scrub.reading import Reader

MPEG_1 = 3
LAYER_1, LAYER_2, LAYER_3 = 3, 2, 1  # as the header has them
# kbit/s by the header's four bits; 0 is free format, 15 forbidden.
BITRATES_1 = {
    LAYER_1: range(0, 449, 32),
    LAYER_2: (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    LAYER_3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
}
BITRATES_2 = {
    LAYER_1: (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    LAYER_2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    LAYER_3: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
LONGEST = 2881  # layer II at 160 kbit/s and 8 kHz
MARKS_3, MARKS_4 = 0x01, 0x0C  # of the third and fourth byte: private; copyright, original
MARKS = MARKS_3 << 8 | MARKS_4
MONO = 3


@cache
def _length(second: int, third: int) -> int:
    """Return how long a frame is, by the second and third byte of its header; 0: no header."""
    version, layer = second >> 3 & 3, second >> 1 & 3
    bitrate, rate, padding = third >> 4, third >> 2 & 3, third >> 1 & 1
    if second < 0xE0 or version == 1 or not layer or bitrate in (0, 15) or rate == 3:
        return 0
    bits = 1000 * (BITRATES_1 if version == MPEG_1 else BITRATES_2)[layer][bitrate]
    if layer == LAYER_1:
        return (12 * bits // RATES[version][rate] + padding) * 4
    factor = 72 if layer == LAYER_3 and version != MPEG_1 else 144
    return factor * bits // RATES[version][rate] + padding


def _length_in(alike: tuple[int, int], head: bytes) -> int:
    """Return how long the frame with this header is, if of this version, layer and rate."""
    if len(head) < 4 or head[0] != 0xFF or (head[1] & 0xFE, head[2] & 0x0C) != alike:
        return 0
    return _length(head[1], head[2])


def _stream(head: bytes) -> Stream | None:
    if len(head) < 4 or head[0] != 0xFF or not _length(head[1], head[2]):
        return None
    alike = (head[1] & 0xFE, head[2] & 0x0C)
    length, row = partial(_length_in, alike), partial(_row, head)
    if head[1] >> 1 & 3 != LAYER_3:
        return Stream(length, row, MARKS)
    return Stream(length, row, MARKS, information_offset)


def _row(first: bytes, block: bytes, at: int) -> int:
    """Return where 16 frames end that have the marks of the one here; 0 when they don't.

    The stream's first frame may have others: it may be a Xing frame that another program wrote.
    """
    head = block[at : at + 4]
    if len(head) < 4:
        return 0
    third = first[2] & ~MARKS_3 | head[2] & MARKS_3
    fourth = first[3] & ~MARKS_4 | head[3] & MARKS_4
    match = _pattern(bytes((0xFF, first[1], third, fourth))).match(block, at)
    return match.end() if match else 0


@lru_cache(maxsize=16)
def _pattern(first: bytes) -> re.Pattern[bytes]:
    """Return what matches 16 frames in a row like the first: its own bitrate is tried first."""
    second = bytes({first[1], first[1] ^ 1})
    mono = first[3] >> 6 == MONO
    fourth = bytes(
        fourth
        for fourth in range(256)
        if (fourth >> 6 == MONO) == mono and not (fourth ^ first[3]) & MARKS_4
    )
    thirds: dict[int, list[int]] = {}
    for bitrate in sorted(range(1, 15), key=lambda each: each != first[2] >> 4):
        for padding in (0, 2):
            third = bitrate << 4 | first[2] & 0x0D | padding
            thirds.setdefault(_length(first[1], third), []).append(third)
    frames = b"|".join(
        _any_of(bytes(third)) + _any_of(fourth) + _body(first, length)
        for length, third in thirds.items()
    )
    row = b"(?:\xff" + _any_of(second) + b"(?:" + frames + b")){%d}+" % STRIDE
    return re.compile(row, re.DOTALL)


def _any_of(values: bytes) -> bytes:
    return b"[" + b"".join(b"\\x%02x" % value for value in values) + b"]"


def _body(first: bytes, length: int) -> bytes:
    """Return what matches a frame behind its header, if it isn't a Xing or VBRI frame."""
    if first[1] >> 1 & 3 != LAYER_3 or length < VBRI_AT + 4:
        return b".{%d}" % (length - 4)
    xing = xing_offset(first[1], first[3])
    before, between = xing - 4, VBRI_AT - xing
    return b".{%d}(?!Xing|Info).{%d}(?!VBRI).{%d}" % (before, between, length - VBRI_AT)


MPEG = Family(
    "MPEG audio",
    re.compile(rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff][\x10-\xef]"),
    header=4,
    longest=LONGEST,
    stream=_stream,
    look=40,
)


def _layer(reader: Reader, start: int) -> int:
    """Return the layer of the frames that follow one another near here; 0 when none do."""
    found = first_frame(reader, start, MPEG)
    return reader.exactly(found[0] + 1, 1)[0] >> 1 & 3 if found else 0


def is_mp3(reader: Reader, start: int) -> bool:
    """Say whether frames of layer III follow one another near here."""
    return _layer(reader, start) == LAYER_3


def is_mp2(reader: Reader, start: int) -> bool:
    """Say whether frames of layer II follow one another near here."""
    return _layer(reader, start) == LAYER_2


def is_mp1(reader: Reader, start: int) -> bool:
    """Say whether frames of layer I follow one another near here."""
    return _layer(reader, start) == LAYER_1


def plan_mp3(reader: Reader, start: int, draft: Draft) -> None:
    """Keep every frame, and the Xing or VBRI frame rebuilt.

    Raises Malformed when there is more between the frames than in them.
    """
    end = end_of_frames(reader, start, draft)
    first, stream = beginning(reader, start, end, MPEG, draft)
    length = stream.length(reader.exactly(first, MPEG.header))
    information = reader.upto(first, min(length, end - first))
    at = information_offset(information)
    walk = Walk(reader, MPEG, stream, first + length if at else first, end, draft)
    if at:
        draft.write(rebuilt(information, at, walk, draft))
    walk.copy(draft)


def plan_mpeg(reader: Reader, start: int, draft: Draft) -> None:
    """Keep every frame of layer I or II: nothing else belongs to them."""
    plan_frames(reader, start, draft, MPEG)
