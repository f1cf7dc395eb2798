"""Rebuild the first frame of an MP3 that holds no sound: what playing needs, and nothing else.

    Xing      behind the side information: "Xing" (VBR) or "Info" (CBR), u32 flags, then as flagged
              u32 frames, u32 bytes, 100 bytes of seek table, u32 quality
    LAME      36 bytes behind it: encoder 9, lowpass, gain …, delay and padding 3 at byte 21, …,
              CRC-16 of all that is before, 2
    VBRI      instead of Xing, 36 bytes into the frame: 26 bytes, then a seek table

The encoder's name becomes a constant that still begins with "LAME": decoders look for that before
they believe delay and padding, and without these they return other samples.
gabriel.mp3-tech.org/mp3infotag.html.
"""

import struct
from itertools import pairwise

from scrub.containers.frames import Walk
from scrub.findings import Kind
from scrub.plan import Draft

MPEG_1 = 3
LAME_LENGTH = 36
XING_FRAMES, XING_BYTES, XING_TABLE, XING_QUALITY = 1, 2, 4, 8
TABLE_LENGTH = 100
VBRI_AT = 36


def xing_offset(second: int, fourth: int) -> int:
    """Return where "Xing" or "Info" would stand, by the header: behind the side information."""
    mono, mpeg_1 = fourth >> 6 == 3, second >> 3 & 3 == MPEG_1
    return 4 + ((17 if mono else 32) if mpeg_1 else (9 if mono else 17))


def information_offset(frame: bytes) -> int:
    """Return where "Xing", "Info" or "VBRI" stands in a frame; 0 when it is sound."""
    if frame[VBRI_AT : VBRI_AT + 4] == b"VBRI":
        return VBRI_AT
    if len(frame) < VBRI_AT:
        return 0
    at = xing_offset(frame[1], frame[3])
    return at if frame[at : at + 4] in (b"Xing", b"Info") else 0


def rebuilt(frame: bytes, at: int, walk: Walk, draft: Draft) -> bytes:
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
    total = head + walk.size
    table = bytearray()
    for hundredth in range(TABLE_LENGTH):
        place = walk.places[len(walk.places) * hundredth // TABLE_LENGTH] if walk.places else 0
        table.append(min(255, 256 * (head + place) // total))
    return bytes(table)


def _vbri(frame: bytes, walk: Walk) -> bytes:
    """Return id, version, delay, no quality, bytes, frames, and a seek table counted anew.

    An entry says how many bytes the next so many frames have, divided by a scale.
    """
    head = frame[VBRI_AT : VBRI_AT + 26].ljust(26, b"\0")
    entries, scale, size, stride = struct.unpack(">HHHH", head[18:26])
    if not (1 <= size <= 4 and scale and stride and 62 + entries * size <= len(frame)):
        entries = 0
    if not entries:
        return head[:8] + b"\0\0" + head[10:18] + bytes(8)
    places = [walk.place(entry * stride) for entry in range(entries + 1)]
    steps = (min((b - a) // scale, (1 << 8 * size) - 1) for a, b in pairwise(places))
    table = b"".join(step.to_bytes(size, "big") for step in steps)
    return head[:8] + b"\0\0" + head[10:] + table


def crc16(covered: bytes) -> int:
    """Return the CRC-16 of a LAME tag: polynomial 0x8005, reflected, from zero."""
    crc = 0
    for byte in covered:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc
