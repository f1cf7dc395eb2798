"""AC-3, E-AC-3 and DTS: keep the frames that follow one another.

    AC-3      0B77, CRC 2; rate 2 bits, size code 6; bsid 5 bits: at most 10
    E-AC-3    0B77; type 2 bits, substream 3, words - 1 in 11; rate 2 bits, or 3 and another 2; …
              bsid in the same place: 11 to 16
    DTS       7FFE8001; 14 bits; size - 1 in 14; channels 6, rate 4 …; time stamp and auxiliary
              data have a bit each; behind a frame perhaps an extension:
              64582025, 1 byte, 3 bits, header size 8 bits and size - 1 in 16, or 12 and 20 bits

What is inside the frames stays; time codes and additional information are named as remaining.
ETSI TS 102 366; ETSI TS 102 114. DTS only as 16-bit words in their usual order.
"""

import re
from functools import partial

from scrub.containers.frames import Family, Stream, first_frame, one_by_one, plan_frames
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

AC3_HEAD, DTS_HEAD = 6, 10
BITRATES = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
NEWEST_AC3, NEWEST_EAC3 = 10, 16
AC3_LONGEST = 4096
LONGEST_HEADER = 16  # as far as it is followed
ALTERNATE = 6  # a bsid with other things where time codes are
DTS_LONGEST = 1 << 16
DTS_SHORTEST = 96
CORE, EXTENSION = b"\x7f\xfe\x80\x01", b"\x64\x58\x20\x25"


def is_ac3(reader: Reader, start: int) -> bool:
    """Say whether AC-3 frames follow one another near here."""
    return 0 <= _bsid(reader, start) <= NEWEST_AC3


def is_eac3(reader: Reader, start: int) -> bool:
    """Say whether E-AC-3 frames follow one another near here."""
    return _bsid(reader, start) > NEWEST_AC3


def is_dts(reader: Reader, start: int) -> bool:
    """Say whether DTS frames follow one another near here."""
    return first_frame(reader, start, DTS) is not None


def plan_ac3(reader: Reader, start: int, draft: Draft) -> None:
    """Keep every frame and nothing else."""
    plan_frames(reader, start, draft, AC3)


def plan_dts(reader: Reader, start: int, draft: Draft) -> None:
    """Keep every frame, its extensions, and nothing else."""
    plan_frames(reader, start, draft, DTS)


def _bsid(reader: Reader, start: int) -> int:
    """Return the version of the first frames in a row; -1 when there are none."""
    found = first_frame(reader, start, AC3)
    return reader.exactly(found[0] + 5, 1)[0] >> 3 if found else -1


def _ac3(head: bytes) -> Stream | None:
    rate = _rate(head)
    if rate is None or not _ac3_length(rate, head):
        return None
    length = partial(_ac3_length, rate)
    return Stream(length, one_by_one(length, AC3_HEAD), tells=_ac3_tells)


def _rate(head: bytes) -> tuple[int, int] | None:
    """Return what a header says of the sampling rate; None when it is no header."""
    if len(head) < AC3_HEAD or head[:2] != b"\x0b\x77" or head[5] >> 3 > NEWEST_EAC3:
        return None
    rate, other = head[4] >> 6, head[4] >> 4 & 3
    if rate != 3:
        return rate, 0
    return (rate, other) if other != 3 and head[5] >> 3 > NEWEST_AC3 else None


def _ac3_length(rate: tuple[int, int], head: bytes) -> int:
    if _rate(head) != rate:
        return 0
    if head[5] >> 3 > NEWEST_AC3:
        reserved = head[2] >> 6 == 3
        return 0 if reserved else 2 * (((head[2] & 7) << 8 | head[3]) + 1)
    code = head[4] & 0x3F
    if code >> 1 >= len(BITRATES):
        return 0
    bitrate = BITRATES[code >> 1]
    return 2 * (2 * bitrate, 320 * bitrate // 147 + (code & 1), 3 * bitrate)[rate[0]]


def _ac3_tells(frame: bytes) -> Kind | None:
    """Say what a frame tells beside its sound: by its header, or as auxiliary data at its end."""
    rate = _rate(frame)
    length = _ac3_length(rate, frame) if rate else 0
    auxiliary = AC3_HEAD < length <= len(frame) and frame[length - 3] & 2
    return _header_tells(frame) or (Kind.TEXT if auxiliary else None)


def _header_tells(frame: bytes) -> Kind | None:
    """Follow an AC-3 header, bit by bit, to its time codes and additional information."""
    bits = "".join(f"{byte:08b}" for byte in frame[AC3_HEAD - 1 :][:LONGEST_HEADER])
    at = 8
    version, channels = int(bits[:5], 2), int(bits[at : at + 3] or "0", 2)
    if version > NEWEST_AC3 or version == ALTERNATE:
        return None
    at += 3 + 2 * (bool(channels & 1 and channels != 1) + bool(channels & 4) + (channels == 2)) + 1
    for _ in range(1 if channels else 2):
        at += 5
        for length in (8, 8, 7):  # compression, language, production
            at += 1 + (length if bits[at : at + 1] == "1" else 0)
    at += 2
    if "1" in bits[at : at + 2]:  # either half of a time code
        return Kind.TIME
    return Kind.TEXT if bits[at + 2 : at + 3] == "1" else None


def _dts(head: bytes) -> Stream | None:
    if head[:4] != CORE or len(head) < DTS_HEAD:
        return None
    length = partial(_dts_length, head[8] & 0x3C)
    return Stream(length, one_by_one(length, DTS_HEAD), tells=_dts_tells) if length(head) else None


def _dts_length(rate: int, head: bytes) -> int:
    if len(head) < DTS_HEAD:
        return 0
    if head[:4] == EXTENSION:
        sizes = int.from_bytes(head[5:10], "big")
        length = (sizes >> 5 & 0xFFFFF if head[5] & 0x20 else sizes >> 13 & 0xFFFF) + 1
        return length if DTS_HEAD <= length <= DTS_LONGEST else 0
    if head[:4] != CORE or head[8] & 0x3C != rate:
        return 0
    length = ((head[5] & 3) << 12 | head[6] << 4 | head[7] >> 4) + 1
    return length if length >= DTS_SHORTEST else 0


def _dts_tells(frame: bytes) -> Kind | None:
    if frame[:4] != CORE:
        return None
    if frame[9] & 4:
        return Kind.TIME
    return Kind.TEXT if frame[9] & 2 else None


AC3 = Family("AC-3", re.compile(rb"\x0b\x77"), AC3_HEAD, AC3_LONGEST, _ac3, look=AC3_LONGEST)
DTS = Family("DTS", re.compile(rb"\x7f\xfe\x80\x01"), DTS_HEAD, DTS_LONGEST, _dts, look=DTS_HEAD)
