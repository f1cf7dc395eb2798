"""Find the same sound in two recordings: all of it, or a passage, and where.

    look      20 bits of each telling word, four ways; where two recordings have the same 20 bits,
              their frames lie some distance apart: honest passages repeat that distance
    judge     at that distance, the bits that differ, frame by frame: the stretch in which they are
              fewest for its length, if it is long enough and they are few enough

Between recordings of different things half of the bits differ, by chance as few as three in ten
over ten seconds. Everything is done in whole arrays: a table of a million marks says which words
of hundreds of hours are worth a closer look.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from intake.fingerprint import BITS, FRAME, HOP, RATE, Fingerprint
from intake.passages import Passage

HOP_MS: Final = HOP * 1000 / RATE
FRAME_MS: Final = FRAME * 1000 / RATE
_KEY_BITS: Final = 20
_KEY_SHIFTS: Final = (0, 4, 8, 12)
_MOST_ALIKE: Final = 12
"""Frames of one recording with the same bits, beyond which they are a sound that goes on."""
_MOST_PAIRS: Final = 500_000
"""Of one look; an honest day has a million. Of those that loop, with millions more, some frames
tell as much as all: the distances between them repeat all the same."""
_WINDOW: Final = 128
"""Frames (19 s) within which a distance must repeat itself."""
_VOTES: Final = 3
_MOST_JUDGED: Final = 48
_TURN: Final = 0.33
"""Share of differing bits at which a frame speaks neither for nor against."""
_MOST_DIFFER: Final = 0.27
_FEWEST: Final = 48
"""Telling frames of a passage: seven seconds."""
_MOST_PASSAGES: Final = 10


class Likeness:
    """Compares one recording with others, one after the other."""

    def __init__(self, here: Fingerprint) -> None:
        self._here = here
        self._marks: list[NDArray[np.bool_]] = []
        self._sorted: list[tuple[NDArray[np.uint32], NDArray[np.intp]]] = []
        for shift in _KEY_SHIFTS:
            frames = np.flatnonzero(here.telling)
            keys = _keys(here.words[frames], shift)
            order = np.argsort(keys, kind="stable")
            keys, frames = keys[order], frames[order]
            first = np.searchsorted(keys, keys, side="left")
            few = np.arange(len(keys)) - first < _MOST_ALIKE
            keys, frames = keys[few], frames[few]
            marks = np.zeros(1 << _KEY_BITS, np.bool_)
            marks[keys] = True
            self._marks.append(marks)
            self._sorted.append((keys, frames))

    def passages(self, there: Fingerprint) -> list[Passage]:
        """Return where the same sound lies in both, the longest first; none overlaps another here.

        A passage is no shorter than seven seconds.
        """
        found: list[tuple[int, int, Passage]] = []
        for distance in self._distances(there):
            judged = _judged(self._here, there, distance)
            if judged is not None:
                found.append(judged)
        found.sort(key=lambda each: (each[0] - each[1], each[2].differ))
        kept: list[tuple[int, int, Passage]] = []
        for begin, end, passage in found:
            if all(end <= other[0] or begin >= other[1] for other in kept):
                kept.append((begin, end, passage))
        return [passage for _, _, passage in kept[:_MOST_PASSAGES]]

    def _distances(self, there: Fingerprint) -> Iterator[int]:
        """Yield by how many frames a passage may be later there than here, likeliest first."""
        pairs = [
            pair
            for shift, marks, sorted_keys in zip(
                _KEY_SHIFTS, self._marks, self._sorted, strict=True
            )
            if len(pair := _pairs(there, shift, marks, *sorted_keys))
        ]
        if not pairs:
            return
        # A pair found by several of its bits is one pair.
        once = np.unique(np.concatenate(pairs))
        here, distance = once >> 32, (once & 0xFFFFFFFF) - (1 << 31)
        # Two neighbouring distances are one that lies between the frames.
        votes = np.concatenate([distance, distance - 1])
        windows = np.tile(here // _WINDOW, 2)
        values, counts = np.unique((windows << 32) + votes + (1 << 31), return_counts=True)
        likely = np.flatnonzero(counts >= _VOTES)
        likely = likely[np.argsort(-counts[likely], kind="stable")]
        seen: set[int] = set()
        for value in values[likely].tolist():
            if len(seen) >= _MOST_JUDGED:
                return
            lower = (value & 0xFFFFFFFF) - (1 << 31)
            for each in (lower, lower + 1):
                if each not in seen:
                    seen.add(each)
                    yield each


def _keys(words: NDArray[np.uint32], shift: int) -> NDArray[np.uint32]:
    return (words >> np.uint32(shift)) & np.uint32((1 << _KEY_BITS) - 1)


def _pairs(
    there: Fingerprint,
    shift: int,
    marks: NDArray[np.bool_],
    keys: NDArray[np.uint32],
    frames: NDArray[np.intp],
) -> NDArray[np.int64]:
    """Return frame here << 32 | distance + 2^31 for each two frames with the same key."""
    wanted = _keys(there.words, shift)
    hits = np.flatnonzero(marks[wanted] & there.telling)
    first = np.searchsorted(keys, wanted[hits], side="left")
    counts = np.searchsorted(keys, wanted[hits], side="right") - first
    if (step := -(-int(counts.sum()) // _MOST_PAIRS)) > 1:
        hits, first, counts = hits[::step], first[::step], counts[::step]
    far = np.repeat(hits, counts)
    within = np.arange(len(far)) - np.repeat(np.cumsum(counts) - counts, counts)
    near = frames[np.repeat(first, counts) + within].astype(np.int64)
    pairs: NDArray[np.int64] = (near << 32) + (far - near) + (1 << 31)
    return pairs


def _judged(
    here: Fingerprint, there: Fingerprint, distance: int
) -> tuple[int, int, Passage] | None:
    """Return the best passage at a distance, with its first frame here and the one behind it."""
    start, end = max(0, -distance), min(len(here.words), len(there.words) - distance)
    if end - start < _FEWEST:
        return None
    errors, telling = _errors(here, there, distance, start, end)
    scores = np.where(telling, _TURN * BITS - errors, 0.0)
    passed = np.concatenate([[0.0], np.cumsum(scores)])
    lowest = np.minimum.accumulate(passed)
    last = int(np.argmax(passed - lowest))
    first = int(np.argmin(passed[: last + 1]))
    count = int(telling[first:last].sum())
    if count < _FEWEST:
        return None
    differ = float(errors[first:last][telling[first:last]].mean()) / BITS
    if differ > _MOST_DIFFER:
        return None
    first, last = first + start, last + start
    exact = distance + _between(here, there, distance, first, last)
    passage = Passage(
        here_ms=round(first * HOP_MS),
        there_ms=round((first + exact) * HOP_MS),
        length_ms=round((last - first) * HOP_MS + FRAME_MS),
        differ=differ,
    )
    return first, last, passage


def _errors(
    here: Fingerprint, there: Fingerprint, distance: int, start: int, end: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return how many bits differ in each frame from `start` to `end`, and which frames tell."""
    far = slice(start + distance, end + distance)
    errors = np.bitwise_count(here.words[start:end] ^ there.words[far]).astype(np.float64)
    return errors, here.telling[start:end] & there.telling[far]


def _between(here: Fingerprint, there: Fingerprint, distance: int, first: int, last: int) -> float:
    """Return by which part of a hop the true distance is more: a V through three of them."""
    differ = []
    for each in (distance - 1, distance, distance + 1):
        start = max(first, -each)
        end = max(start, min(last, len(there.words) - each))
        errors, telling = _errors(here, there, each, start, end)
        differ.append(float(errors[telling].mean()) if telling.any() else float(BITS))
    rise = max(differ[0], differ[2]) - differ[1]
    return (differ[0] - differ[2]) / (2 * rise) if rise > 0 else 0.0
