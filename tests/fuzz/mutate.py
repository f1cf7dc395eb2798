"""Break recordings where it hurts: at the numbers, names and borders that containers are made of.

    mark      where a name of four letters, a sync word or a page begins; near the start, anywhere
    number    1, 2, 4 or 8 bytes near a mark, either order: extremes, what is left, a bit more

Pages of Ogg get their right checksum again, half of the time: else nothing behind it is reached.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Literal

from canary import corpus
from canary.xiph import checksummed

from fuzz.outcome import PLANTED

MARK = re.compile(
    rb"[A-Za-z\xa9][A-Za-z0-9 _]{3}|\xff[\xe0-\xff]|\x0bw|\x1a\x45|[\x1f\x1c\x16\x12]\S{3}"
)
SECONDS = 0.2
LONGEST = 40_000  # of a mutated recording


@dataclass(frozen=True)
class Seed:
    """A planted recording, and where its parts seem to begin; or another input (`targets`)."""

    name: str
    recording: bytes
    marks: tuple[int, ...]
    kin: Callable[[], tuple["Seed", ...]] | None = None  # whom it is grafted from; `seeds`


@cache
def seeds() -> tuple[Seed, ...]:
    """Return a short planted recording of every family."""
    made = ((name, corpus.recording(name, seconds=SECONDS).planted) for name in corpus.NAMES)
    return tuple(Seed(name, each, _marks(each)) for name, each in made)


def mutated(seed: Seed, chance: Random) -> bytes:
    """Return a recording to which one to four things happened."""
    recording = bytearray(seed.recording)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
        _MUTATIONS[chance.randrange(len(_MUTATIONS))](recording, seed, chance)
    del recording[LONGEST + len(seed.recording) :]
    if b"OggS" in recording and chance.random() < 0.5:
        return checksummed(bytes(recording))
    return bytes(recording)


def _marks(recording: bytes) -> tuple[int, ...]:
    found = [match.start() for match in MARK.finditer(recording)]
    rare = found if len(found) < 2000 else found[:1000] + found[-1000:]
    return tuple(rare) or (0,)


def _place(recording: bytearray, seed: Seed, chance: Random) -> int:
    """Return an offset: mostly where something is."""
    which = chance.random()
    if which < 0.6:
        return min(chance.choice(seed.marks), len(recording))
    limit = 300 if which < 0.8 else len(recording)
    return chance.randrange(min(limit, len(recording)) + 1)


def _set_a_number(recording: bytearray, seed: Seed, chance: Random) -> None:
    at = max(0, _place(recording, seed, chance) + chance.randint(-8, 24))
    width = chance.choice((1, 2, 3, 4, 4, 4, 8))
    order: Literal["big", "little"] = "big" if chance.random() < 0.5 else "little"
    now = int.from_bytes(recording[at : at + width], order)
    most = (1 << 8 * width) - 1
    left = max(0, len(recording) - at)
    choices = (0, 1, 2, most, most >> 1, (most >> 1) + 1, left, left - width, left + 1)
    nearby = (now + 1, now - 1, now * 2, now // 2, now ^ 1 << chance.randrange(8 * width))
    value = chance.choice((*choices, *nearby, chance.randrange(256))) & most
    recording[at : at + width] = value.to_bytes(width, order)


def _overwrite(recording: bytearray, seed: Seed, chance: Random) -> None:
    at = _place(recording, seed, chance)
    noise = chance.randbytes(chance.randint(1, 8))
    recording[at : at + len(noise)] = noise


def _flip(recording: bytearray, seed: Seed, chance: Random) -> None:
    at = _place(recording, seed, chance)
    if at < len(recording):
        recording[at] ^= 1 << chance.randrange(8)


def _insert(recording: bytearray, seed: Seed, chance: Random) -> None:
    at = _place(recording, seed, chance)
    recording[at:at] = chance.randbytes(chance.choice((1, 2, 4, 8, 30, 200)))


def _remove(recording: bytearray, seed: Seed, chance: Random) -> None:
    start, end = _stretch(recording, seed, chance)
    del recording[start:end]


def _blank(recording: bytearray, seed: Seed, chance: Random) -> None:
    start, end = _stretch(recording, seed, chance)
    recording[start:end] = chance.choice((b"\0", b"\xff")) * (end - start)


def _repeat(recording: bytearray, seed: Seed, chance: Random) -> None:
    start, end = _stretch(recording, seed, chance)
    at = end if chance.random() < 0.5 else _place(recording, seed, chance)
    recording[at:at] = _washed(bytes(recording[start:end])) * chance.choice(
        (1, 1, 2, 50 if end - start < 200 else 1)
    )


def _swap(recording: bytearray, seed: Seed, chance: Random) -> None:
    first, middle = _stretch(recording, seed, chance)
    last = min(len(recording), middle + chance.randint(1, 2000))
    recording[first:last] = recording[middle:last] + _washed(bytes(recording[first:middle]))


def _cut(recording: bytearray, seed: Seed, chance: Random) -> None:
    at = _place(recording, seed, chance)
    if chance.random() < 0.8:
        del recording[at:]
    else:
        del recording[:at]


def _graft(recording: bytearray, seed: Seed, chance: Random) -> None:
    """Put a stretch of another recording here."""
    other = chance.choice((seed.kin or seeds)())
    start, end = _stretch(bytearray(other.recording), other, chance)
    at = _place(recording, seed, chance)
    recording[at : at + chance.choice((0, end - start))] = _washed(other.recording[start:end])


def _washed(stretch: bytes) -> bytes:
    """Return a stretch whose planted text no longer counts: a tag moved into sound is sound."""
    for form in PLANTED:
        stretch = stretch.replace(form, form.swapcase())
    return stretch


def _stretch(recording: bytearray, seed: Seed, chance: Random) -> tuple[int, int]:
    start = _place(recording, seed, chance)
    if chance.random() < 0.5:
        return start, min(len(recording), start + chance.choice((1, 2, 4, 16, 100, 1000, 5000)))
    other = _place(recording, seed, chance)
    return min(start, other), max(start, other)


_MUTATIONS = (
    _set_a_number, _set_a_number, _set_a_number, _overwrite, _flip, _insert, _remove, _blank,
    _repeat, _swap, _cut, _graft,
)  # fmt: skip
