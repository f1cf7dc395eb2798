"""MPEG-1, 2 and 4 pictures: where their user data is, which nobody needs to decode them.

    unit      00 00 01, a byte of type, and all up to the next one
    B2        user data: free text, as a rule the encoder's name

ISO/IEC 14496-2, 6.2.1; 13818-2, 6.2.2.2.
"""

import re

USER_DATA = b"\0\0\1\xb2"
_START = re.compile(b"(?=\0\0\1)")


def without_user_data(settings: bytes) -> bytes:
    """Return a decoder's settings without user data and without what stands in front of them."""
    units = _START.split(settings)[1:]
    return b"".join(unit for unit in units if not unit.startswith(USER_DATA))


def has_user_data(picture: bytes) -> bool:
    """Say whether a coded picture carries user data."""
    return USER_DATA in picture
