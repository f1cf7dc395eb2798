"""What two recordings have to do with each other, as far as their sound tells."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_SLACK_MS: Final = 3000
"""A passage's ends are known to a second or two; what it lies at is known to a hundredth."""
_SLACK_SHARE: Final = 10
"""Of the length: silence at an end tells nothing."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Where the same sound lies in two recordings, in milliseconds from the start of each."""

    here_ms: int
    there_ms: int
    length_ms: int
    differ: float
    """Which share of the fingerprints' bits differs; half of them would by chance."""

    @property
    def offset_ms(self) -> int:
        """How much later than here it is there."""
        return self.there_ms - self.here_ms

    @property
    def turned(self) -> "Passage":
        """The same, seen from the other recording."""
        return Passage(self.there_ms, self.here_ms, self.length_ms, self.differ)


class Alike(StrEnum):
    """What one recording is to another."""

    SAME_FILE = "the same file"
    SAME_CODING = "the same coded sound"
    ANEW = "the same sound, encoded anew"
    EXCERPT = "an excerpt"
    PASSAGES = "passages in common"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two drops, and what the first is to the second."""

    number: int
    other: int
    alike: Alike
    passages: tuple[Passage, ...] = ()
    """The longest first; of an excerpt there is one, and it is all of it."""


def related(
    number: int, other: int, length_ms: int, other_length_ms: int, passages: Sequence[Passage]
) -> Pair:
    """Return what two drops of these lengths are to each other; there is a passage at least.

    Of a recording and an excerpt of it, the excerpt is named first.
    """
    longest = max(passages, key=lambda each: each.length_ms)
    whole_here = _covers(longest, length_ms)
    whole_there = _covers(longest, other_length_ms)
    if whole_here and whole_there:
        return Pair(number, other, Alike.ANEW, (longest,))
    if whole_here:
        return Pair(number, other, Alike.EXCERPT, (_all_of(longest, length_ms),))
    if whole_there:
        return Pair(other, number, Alike.EXCERPT, (_all_of(longest.turned, other_length_ms),))
    return Pair(number, other, Alike.PASSAGES, tuple(passages))


def _covers(passage: Passage, length_ms: int) -> bool:
    return length_ms - passage.length_ms <= max(_SLACK_MS, length_ms // _SLACK_SHARE)


def _all_of(passage: Passage, length_ms: int) -> Passage:
    return Passage(0, max(0, passage.offset_ms), length_ms, passage.differ)
