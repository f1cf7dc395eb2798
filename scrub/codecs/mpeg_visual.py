"""MPEG-4 and MPEG-2 pictures: their decoder settings without user data.

    settings  parts, each 00 00 01, u8 what follows, its bytes
    MPEG-4    00-1F object, 20-2F layer, B0 profile, B1 its end, B2 user data, B5 visual object
    MPEG-2    B3 sequence, B5 extension, B2 user data

Decoders undo mistakes of XviD and DivX, which they know by their user data: that stays, in these
programs' own form only. ISO/IEC 14496-2, 6.2; 13818-2, 6.2.
"""

import re

_KNOWN = re.compile(rb"\xb2(?:XviD\d{4}|DivX\d{3,4}(?:b|Build)\d{1,4}p?)\0?")
START = b"\0\0\1"
USER_DATA = 0xB2
MPEG4_PARTS = frozenset({*range(0x30), 0xB0, 0xB1, USER_DATA, 0xB5})
MPEG2_PARTS = frozenset({0xB3, 0xB5})


def mpeg4_settings(settings: bytes) -> bytes:
    """Return MPEG-4's settings without user data, but for what decoders go by."""
    return _parts(settings, MPEG4_PARTS)


def mpeg2_settings(settings: bytes) -> bytes:
    """Return the settings of MPEG-1 or MPEG-2 without user data."""
    return _parts(settings, MPEG2_PARTS)


def _parts(settings: bytes, keep: frozenset[int]) -> bytes:
    parts = settings.split(START)[1:]
    return b"".join(START + part for part in parts if part and _stays(part, keep))


def _stays(part: bytes, keep: frozenset[int]) -> bool:
    return part[0] in keep and (part[0] != USER_DATA or _KNOWN.fullmatch(part) is not None)
