"""What CodecPrivate is: for each codec that we can clean, what its decoder reads of it and no more.

    xiph      u8 headers - 1, the lengths of all but the last (255 goes on), the headers

The codecs are in sounds.py and pictures.py. Matroska codec specifications
(draft-ietf-cellar-codec).
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from scrub.errors import Malformed
from scrub.findings import Kind
from scrub.plan import Cut
from scrub.reading import Reader

Frames = Callable[[Reader, int, int], list[Cut] | None]
QuickLook = Callable[[bytes, int, int], bool]


@dataclass(slots=True)
class Settings:
    """What a decoder is told, and what has to be done to each frame, if anything."""

    payload: bytes
    clean_frame: Frames | None = None
    is_bare: QuickLook | None = None  # says of a frame in a block of bytes that nothing goes
    found: Counter[Kind] = field(default_factory=Counter)  # in frames, as they are cleaned
    remains: set[Kind] = field(default_factory=set)


class Codec(NamedTuple):
    """A codec whose frames are nothing but sound or picture."""

    read: Callable[[bytes], Settings]
    about: Kind | None = Kind.SLACK  # what it is that goes with the rest of its settings
    addition: bool = False  # a second frame may stand beside each


def nothing(private: bytes) -> Settings:  # noqa: ARG001  # like the others
    """Read the settings of a codec that needs none."""
    return Settings(b"")


def damaged() -> Malformed:
    """Return the error for settings that no decoder can read."""
    return Malformed("a decoder's settings are damaged", offset=0)


def xiph_headers(private: bytes) -> list[bytes]:
    """Return the three headers."""
    if private[:1] != b"\x02":
        raise damaged()
    lengths, at = [0, 0], 1
    for which in range(2):
        while private[at : at + 1] == b"\xff":
            lengths[which] += 255
            at += 1
        if at >= len(private):
            raise damaged()
        lengths[which] += private[at]
        at += 1
    second, third = at + lengths[0], at + sum(lengths)
    return [private[at:second], private[second:third], private[third:]]


def xiph_laced(*headers: bytes) -> bytes:
    """Return headers as they are packed into one."""
    lengths = (b"\xff" * (len(each) // 255) + bytes([len(each) % 255]) for each in headers[:-1])
    return bytes([len(headers) - 1]) + b"".join(lengths) + b"".join(headers)
