"""Time codes as people write them, and milliseconds.

    1:02:03.5    an hour, two minutes, three and a half seconds
    3:12         three minutes, twelve seconds
    45           seconds

Minutes may pass 59 where no hours are named (90:00), as recorders count; a comma does for the dot.
"""

import re
from typing import Final

LONGEST_MS: Final = 10**10
_CODE: Final = re.compile(r"(?:(?:([0-9]{1,4}):)?([0-9]{1,6}):)?([0-9]{1,8})(?:[.,]([0-9]{1,3}))?")


def parsed(untrusted: str) -> int:
    """Return a time code's milliseconds from the start. Raises ValueError."""
    match = _CODE.fullmatch(untrusted.strip())
    if match is None:
        raise ValueError("a time code looks like 1:02:03.5, 3:12 or 45")
    hours, minutes, seconds = (int(each or 0) for each in match.groups()[:3])
    if (match[2] and seconds > 59) or (match[1] and minutes > 59):
        raise ValueError(
            "a time code has no more than 59 minutes of an hour, or seconds of a minute"
        )
    ms = ((hours * 60 + minutes) * 60 + seconds) * 1000 + int((match[4] or "0").ljust(3, "0"))
    if ms > LONGEST_MS:
        raise ValueError("no recording is that long")
    return ms


def text(ms: int) -> str:
    """Return milliseconds as a time code: 3:12, or 1:02:03.5."""
    seconds, part = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    code = f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
    return f"{code}.{part:03d}".rstrip("0") if part else code


def span(at_ms: int | None, until_ms: int | None) -> str:
    """Return where a note stands: 3:12, 3:12-3:20, or nothing where it is about the whole."""
    if at_ms is None:
        return ""
    return text(at_ms) if until_ms is None else f"{text(at_ms)}-{text(until_ms)}"
