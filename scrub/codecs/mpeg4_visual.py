"""MPEG-1, 2 and 4 pictures: their decoder settings without user data.

    unit      00 00 01, a byte of type, and all up to the next one
    MPEG-4    00-1F object, 20-2F layer, B0 profile, B1 its end, B2 user data, B5 visual object
    MPEG-2    B3 sequence, B5 extension, B2 user data

User data is free text, as a rule the encoder's name. Decoders undo mistakes of XviD and DivX, which
they know by it: that stays, in these programs' own form only.
ISO/IEC 14496-2, 6.2.1; 13818-2, 6.2.2.2.
"""

import re

START, USER_DATA = b"\0\0\1", b"\0\0\1\xb2"
_KNOWN = re.compile(rb"\xb2(?:XviD\d{4}|DivX\d{3,4}(?:b|Build)\d{1,4}p?)\0?")
MPEG4_UNITS = frozenset({*range(0x30), 0xB0, 0xB1, 0xB5})
MPEG2_UNITS = frozenset({0xB3, 0xB5})


def mpeg4_settings(settings: bytes) -> bytes:
    """Return MPEG-4's settings without user data, but for what decoders go by."""
    return _kept(settings, MPEG4_UNITS)


def mpeg2_settings(settings: bytes) -> bytes:
    """Return the settings of MPEG-1 or MPEG-2 without user data."""
    return _kept(settings, MPEG2_UNITS)


def without_user_data(settings: bytes) -> bytes:
    """Return the settings of any of them without user data, but for what decoders go by."""
    return _kept(settings, MPEG4_UNITS | MPEG2_UNITS)


def has_user_data(picture: bytes) -> bool:
    """Say whether a coded picture carries user data."""
    return USER_DATA in picture


def _kept(settings: bytes, types: frozenset[int]) -> bytes:
    units = settings.split(START)[1:]
    return b"".join(
        START + unit for unit in units if unit and (unit[0] in types or _KNOWN.fullmatch(unit))
    )
