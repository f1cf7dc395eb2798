"""How much of a damaged recording may be left out before nothing of it is passed on.

Where a recorder lost power or a disk failed, what is whole can still be heard, and a source has
nothing better. But a walk that lost its way must not take half of the sound for damage.
"""

from scrub.errors import Malformed

ALWAYS = 1 << 16  # bytes: some frames of sound, the last of them cut short
PICTURE = 1 << 22  # or a picture
SHARE = 8  # one of so many bytes


def refuse_where_much_is_lost(lost: int, kept: int, *, has_picture: bool, start: int) -> None:
    """Raise Malformed where so many bytes were passed over that sound is lost."""
    if lost > ALWAYS + (PICTURE if has_picture else 0) + kept // SHARE:
        raise Malformed("too much of it is damaged", offset=start)
