"""MP3: keep the frames that follow one another, and of the Xing frame what playing needs.

    frame     FF, 3 bits sync, version, layer, no-CRC; bitrate, rate, padding; channels …: 4 bytes,
              then side information and sound, in all 144 (or 72) × bitrate / rate + padding bytes
    Xing      in the first frame behind the side information: "Xing" (VBR) or "Info" (CBR), u32
              flags, then as flagged u32 frames, u32 bytes, 100 bytes of seek table, u32 quality
    LAME      36 bytes behind it: encoder 9, lowpass, gain …, delay and padding 3 at byte 21, …,
              CRC-16 of all that is before, 2
    VBRI      instead of Xing, 36 bytes into the frame: 26 bytes, then a seek table

The encoder's name becomes a constant that still begins with "LAME": decoders look for that before
they believe delay and padding, and without these they return other samples. ISO 11172-3, 13818-3;
Xing and LAME: gabriel.mp3-tech.org/mp3infotag.html.
"""

from __future__ import annotations  # array[int] is a type, not yet an expression

import re
import struct
from array import array
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from scrub.containers.tagblocks import end_of_tag, find_tag, start_of_back_tags
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import MOST_CUTS, Draft
from scrub.reading import Reader

MPEG_1, LAYER_3 = 3, 1
BITRATES = {  # kbit/s of layer III by the header's four bits; 0 is free format, 15 forbidden
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}

BLOCK = 1 << 20
FIRST_STEP = 4096  # where frames break off, the next ones are near as a rule
BLOCK_EDGE = 4096  # more than the longest frame, and what a tag is known by
ENOUGH_FRAMES = 3  # in a row make a stream; two bytes of sync alone are found in any noise
FARTHEST_START = 1 << 16
FARTHEST_BEHIND_TAG = 1 << 22  # a tag whose length is too short leaves a picture behind it
LAME_LENGTH = 36
XING_FRAMES, XING_BYTES, XING_TABLE, XING_QUALITY = 1, 2, 4, 8
TABLE_LENGTH = 100
STRIDE = 16  # every so many frames the place of one is remembered, for the seek table
INFORMATION = (b"Xing", b"Info", b"VBRI")
ENCODER_TRACES = (b"LAME", b"Lavc", b"Lavf", b"GOGO")
# Containers in which frames may follow one another, but which are no MP3.
NOT_FRAMES = re.compile(
    rb"RIFF|RIFX|RF64|BW64|FORM|OggS|fLaC|FLV|caff|\x1aE\xdf\xa3|0&\xb2u|\0\0\x01|....(?:ftyp|moov|mdat)",
    re.DOTALL,
)


class Walk(NamedTuple):
    """Where the frames lie: runs of neighbours, how many, and where every 16th begins."""

    starts: array[int]
    ends: array[int]
    frames: int
    places: array[int]  # in the result, from the first frame
    junk: int
    blank: array[int]  # Xing and VBRI frames amid the sound, of recordings that were joined


def is_mp3(reader: Reader, start: int) -> bool:
    """Say whether frames of layer III follow one another near here."""
    return not NOT_FRAMES.match(reader.upto(start, 8)) and _first_frame(reader, start) is not None


def plan_mp3(reader: Reader, start: int, draft: Draft) -> None:
    """Keep every frame, and the Xing or VBRI frame rebuilt.

    Raises Malformed when there is more between the frames than in them.
    """
    end = start_of_back_tags(reader, start, reader.size)
    if end < reader.size:
        draft.found(Kind.TAG_BLOCK)
    first = _first_frame(reader, start)
    if first is None or first >= end:
        raise Malformed("there is no sound", offset=start)
    if first > start:
        draft.found(Kind.TRAILING)
    head = reader.exactly(first, 4)
    lengths = _stream(head)
    length = lengths[head[1] << 8 | head[2]]
    information = reader.upto(first, min(length, end - first))
    behind = _information_offset(information)
    walk = _walk(reader, lengths, first + length if behind else first, end, draft)
    if walk.junk > sum(walk.ends) - sum(walk.starts):
        raise Malformed("there is more between the frames than in them", offset=first)
    if behind:
        rebuilt = _rebuilt(information, behind, walk, draft)
        draft.write(rebuilt)
    _copy(reader, lengths, walk, draft)
    draft.sound(sum(walk.ends) - sum(walk.starts), walk.frames)


def _copy(reader: Reader, lengths: array[int], walk: Walk, draft: Draft) -> None:
    """Copy the runs, but of a frame that is to be blank the header: it stays a frame of silence."""
    blank = iter(walk.blank)
    at = next(blank, None)
    for run, end in zip(walk.starts, walk.ends, strict=True):
        start = run
        while at is not None and at < end:
            head = reader.exactly(at, 4)
            length = min(lengths[head[1] << 8 | head[2]], end - at)
            draft.copy(start, at + 4)
            draft.write(bytes(length - 4))
            start, at = at + length, next(blank, None)
        draft.copy(start, end)


def _frame_length(second: int, third: int) -> int:
    version, layer = second >> 3 & 3, second >> 1 & 3
    bitrate, rate = third >> 4, third >> 2 & 3
    if second < 0xE0 or version == 1 or layer != LAYER_3 or bitrate in (0, 15) or rate == 3:
        return 0
    factor = 144_000 if version == MPEG_1 else 72_000
    padding = third >> 1 & 1
    return factor * BITRATES[version == MPEG_1][bitrate] // RATES[version][rate] + padding


_LENGTHS = array("H", (_frame_length(key >> 8, key & 255) for key in range(1 << 16)))
_ANY_SYNC = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\x10-\xef]", re.DOTALL)


def _stream(head: bytes) -> array[int]:
    """Return the lengths of frames with the version and sampling rate of this header."""
    return _lengths(head[1] & 0x18, head[2] & 0x0C)


@cache
def _lengths(version: int, rate: int) -> array[int]:
    """Return, by the second and third byte of a header, how long the frame is; 0: not such one."""
    lengths = array("H", bytes(2 << 16))
    for second in (0xE2 | version, 0xE3 | version):
        for third in range(256):
            if third & 0x0C == rate:
                lengths[second << 8 | third] = _LENGTHS[second << 8 | third]
    return lengths


def _first_frame(reader: Reader, start: int) -> int | None:
    """Return where the first frames in a row begin, not far from `start`."""
    window = reader.upto(start, FARTHEST_BEHIND_TAG if start else FARTHEST_START)
    for match in _ANY_SYNC.finditer(window):
        at = match.start()
        if _LENGTHS[window[at + 1] << 8 | window[at + 2]]:
            head = window[at : at + 3]
            if _in_a_row(reader, _stream(head), start + at, reader.size):
                return start + at
    return None


def _in_a_row(reader: Reader, lengths: array[int], at: int, end: int) -> bool:
    """Say whether enough frames follow one another here, or any that reach the very end."""
    for _ in range(ENOUGH_FRAMES):
        head = reader.upto(at, 3)
        if len(head) < 3 or head[0] != 0xFF or not lengths[head[1] << 8 | head[2]]:
            return False
        at += lengths[head[1] << 8 | head[2]]
        if at == end:
            return True
    return at < end


def _walk(reader: Reader, lengths: array[int], start: int, end: int, draft: Draft) -> Walk:
    """Follow the frames from `start`, looking for the next ones wherever they break off."""
    starts, ends, places, blank = array("Q"), array("Q"), array("Q"), array("Q")
    frames = kept = junk = 0
    at = start
    while at < end:
        run = at
        at, frames = _run(reader, lengths, at, end, frames, places, kept - run, blank, draft)
        if _is_cut_short(reader, lengths, at, end):
            at = end  # decoders play what there is of the last frame
        if at > run:
            starts.append(run)
            ends.append(at)
            kept += at - run
        if at < end:
            found = _next_frames(reader, lengths, at, end)
            junk += found - max(at, end_of_tag(reader, at))
            draft.found(Kind.TAG_BLOCK if end_of_tag(reader, at) > at else Kind.SLACK)
            at = found
        if len(starts) >= MOST_CUTS:
            raise TooComplex("the recording is in too many pieces")
    return Walk(starts, ends, frames, places, max(0, junk), blank)


def _run(
    reader: Reader,
    lengths: array[int],
    at: int,
    end: int,
    frames: int,
    places: array[int],
    shift: int,
    blank: array[int],
    draft: Draft,
) -> tuple[int, int]:
    """Return where the frames that follow one another from `at` break off, and their number."""
    step = FIRST_STEP  # a stream that breaks off often must not be read again and again
    while at + 3 <= end:
        # A little more than a step: the frame at its edge is looked at whole.
        block = reader.upto(at, min(step + BLOCK_EDGE, end - at))
        i, last, whole = 0, min(len(block) - 2, step), find_tag(block)
        while i < last:
            length = lengths[block[i + 1] << 8 | block[i + 2]]
            if not length or block[i] != 0xFF or i + length > whole:
                break
            if not frames % STRIDE:
                places.append(at + i + shift)
            frames += 1
            i += length
        if any(block.find(trace, 0, i) >= 0 for trace in ENCODER_TRACES):
            draft.tally.remains(Kind.ENCODER)
        if any(block.find(trace, 0, i) >= 0 for trace in INFORMATION):
            _find_blank(block, lengths, i, at, blank, draft)
        at += i
        if i < last:
            break
        step = min(2 * step, BLOCK)
    return at, frames


def _find_blank(
    block: bytes, lengths: array[int], end: int, at: int, blank: array[int], draft: Draft
) -> None:
    """Note the frames of a block that hold "Xing", "Info" or "VBRI" and more than zeros."""
    i = 0
    while i < end:
        length = lengths[block[i + 1] << 8 | block[i + 2]]
        if _information_offset(block[i : i + 40]):
            blank.append(at + i)
            draft.found(Kind.ENCODER)
        i += length
    if len(blank) > MOST_CUTS // 2:
        raise TooComplex("the recording is in too many pieces")


def _is_cut_short(reader: Reader, lengths: array[int], at: int, end: int) -> bool:
    """Say whether a frame begins here that the end of the recording cuts off."""
    rest = reader.upto(at, min(BLOCK_EDGE, end - at))
    if len(rest) < 4 or rest[0] != 0xFF or find_tag(rest) < len(rest) or _information_offset(rest):
        return False
    return at + lengths[rest[1] << 8 | rest[2]] > end


def _next_frames(reader: Reader, lengths: array[int], at: int, end: int) -> int:
    """Return where frames follow one another again behind `at`; `end` when nowhere.

    Raises Unsupported when it is frames of another version or sampling rate that do.
    """
    at = max(at + 1, end_of_tag(reader, at))
    step = FIRST_STEP
    while at < end:
        block = reader.upto(at, min(step + 3, end - at))
        for match in _ANY_SYNC.finditer(block):
            key = block[match.start() + 1] << 8 | block[match.start() + 2]
            if not _LENGTHS[key]:
                continue
            here = at + match.start()
            if lengths[key]:
                if _in_a_row(reader, lengths, here, end):
                    return here
            elif _is_another(reader, block[match.start() : match.start() + 3], here, end):
                raise Unsupported("MP3", "a change of sampling rate")
        at += max(1, len(block) - 2)
        step = min(2 * step, BLOCK)
    return end


def _is_another(reader: Reader, head: bytes, at: int, end: int) -> bool:
    """Say whether frames unlike the stream's follow one another here: never at the last bytes."""
    lengths = _stream(head)
    for _ in range(ENOUGH_FRAMES + 1):
        head = reader.upto(at, 3)
        if at >= end or len(head) < 3 or head[0] != 0xFF:
            return False
        length = lengths[head[1] << 8 | head[2]]
        if not length:
            return False
        at += length
    return True


def _information_offset(frame: bytes) -> int:
    """Return where "Xing", "Info" or "VBRI" stands in a first frame; 0 when it is sound."""
    if frame[36:40] == b"VBRI":
        return 36
    mono, mpeg_1 = frame[3] >> 6 == 3, frame[1] >> 3 & 3 == MPEG_1
    at = 4 + ((17 if mono else 32) if mpeg_1 else (9 if mono else 17))
    return at if frame[at : at + 4] in (b"Xing", b"Info") else 0


def _rebuilt(frame: bytes, at: int, walk: Walk, draft: Draft) -> bytes:
    """Return a frame as long as this one that holds only what seeking and gapless playing need."""
    kept = _vbri(frame, walk) if frame[at : at + 4] == b"VBRI" else _xing(frame, at, walk)
    rebuilt = (frame[:4] + bytes(at - 4) + kept)[: len(frame)].ljust(len(frame), b"\0")
    if rebuilt != frame:
        draft.found(Kind.ENCODER)
    return rebuilt


def _xing(frame: bytes, at: int, walk: Walk) -> bytes:
    flags = int.from_bytes(frame[at + 4 : at + 8], "big") & 0x0F
    kept = frame[at : at + 4] + struct.pack(">I", flags & ~XING_QUALITY)
    here = at + 8
    for flag in (XING_FRAMES, XING_BYTES):
        if flags & flag:
            kept += frame[here : here + 4]
            here += 4
    if flags & XING_TABLE:
        kept += _seek_table(len(frame), walk)
        here += TABLE_LENGTH
    here += 4 if flags & XING_QUALITY else 0
    lame = frame[here : here + LAME_LENGTH]
    if len(lame) == LAME_LENGTH and lame[:4] in (b"LAME", b"Lavf", b"Lavc"):
        kept += b"LAME".ljust(21, b"\0") + lame[21:24] + bytes(10)
        kept += struct.pack(">H", crc16(frame[:4] + bytes(at - 4) + kept))
    return kept


def _seek_table(head: int, walk: Walk) -> bytes:
    """Return, for each hundredth of the time, its place in 256ths of the bytes."""
    total = head + sum(walk.ends) - sum(walk.starts)
    table = bytearray()
    for hundredth in range(TABLE_LENGTH):
        place = walk.places[len(walk.places) * hundredth // TABLE_LENGTH] if walk.places else 0
        table.append(min(255, 256 * (head + place) // total))
    return bytes(table)


def _vbri(frame: bytes, walk: Walk) -> bytes:
    """Return id, version, delay, no quality, bytes, frames, and a seek table counted anew.

    An entry says how many bytes the next so many frames have, divided by a scale.
    """
    head = frame[36:62].ljust(26, b"\0")
    entries, scale, size, stride = struct.unpack(">HHHH", head[18:26])
    if not (1 <= size <= 4 and scale and stride and 62 + entries * size <= len(frame)):
        entries = 0
    if not entries:
        return head[:8] + b"\0\0" + head[10:18] + bytes(8)
    places = [_place(walk, entry * stride) for entry in range(entries + 1)]
    steps = (min((b - a) // scale, (1 << 8 * size) - 1) for a, b in pairwise(places))
    table = b"".join(step.to_bytes(size, "big") for step in steps)
    return head[:8] + b"\0\0" + head[10:] + table


def _place(walk: Walk, frame: int) -> int:
    """Return about where a frame begins in the result, from the first one."""
    at, rest = divmod(frame, STRIDE)
    total = sum(walk.ends) - sum(walk.starts)
    place, following = [*walk.places[at : at + 2], total, total][:2]
    return place + (following - place) * rest // STRIDE


def crc16(covered: bytes) -> int:
    """Return the CRC-16 of a LAME tag: polynomial 0x8005, reflected, from zero."""
    crc = 0
    for byte in covered:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc
