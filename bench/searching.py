"""A desk of months to search in: drops, notes, transcript lines, in words as common as ours are.

Words are made up and drawn by Zipf's law, so the commonest stands in every fifth line, as "the"
does; what is asked is drawn from the same words: one or two of them, phrases, beginnings, with a
tag or without a word.
"""

import random
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date
from functools import partial
from hashlib import sha256
from pathlib import Path

from intake import catalogue
from intake.catalogue import Catalogue
from intake.pen import Pen
from intake.records import Kind, Line, Transcript
from intake.searching.query import query
from intake.vault import new_vault

NOTES_EACH = 5
LINES_EACH = 10
LINES_OF_ONE = 100
QUESTIONS = 400
COLD_QUESTIONS = 40
DAY = date(2026, 11, 20)


class Words:
    """Made-up words, some of them common; the same ones each time."""

    def __init__(self) -> None:
        self.chance = random.Random(8)
        self._all = sorted({self._made_up() for _ in range(30_000)})
        self.chance.shuffle(self._all)
        self._weights = [1 / (rank + 5) for rank in range(len(self._all))]
        self.tags = self._all[:40]

    def some(self, count: int) -> str:
        """Return so many words, the common ones often."""
        return " ".join(self.chance.choices(self._all, self._weights, k=count))

    def _made_up(self) -> str:
        syllables = range(self.chance.randint(1, 4))
        said = "".join(
            self.chance.choice("bcdfghklmnprstvz") + self.chance.choice("aeiou") for _ in syllables
        )
        return said + self.chance.choice(["", "n", "s", "r"])

    def question(self) -> str:
        """Return what somebody might ask."""
        one, other = self.some(1), self.some(1)
        return self.chance.choice([
            one, one, f"{one} {other}", f'"{one} {other}"', f"{one[:3]}", f"{one[:2]}*",
            f"{one} -{other}", f"{one} tag:{self.chance.choice(self.tags)}",
        ])  # fmt: skip


def measure(folder: Path, recordings: int) -> dict[str, float]:
    """Fill a catalogue, and ask it; milliseconds, megabytes and seconds."""
    path, vault, words = folder / "catalogue.db", new_vault(), Words()
    again = partial(catalogue.opened, path, vault)
    with again() as desk:
        started = time.perf_counter()
        with desk.whole():
            lines = fill(desk, words, recordings)
        built = time.perf_counter() - started
    with again() as desk:
        used = time.process_time()
        warm = [asked(desk, words.question()) for _ in range(QUESTIONS)]
        used = time.process_time() - used
    cold = list(asked_anew(again, words))
    return {
        "recordings": recordings,
        "lines": lines,
        "p50_ms": statistics.median(warm),
        "p95_ms": statistics.quantiles(warm, n=20)[-1],
        "mean_cpu_ms": used / QUESTIONS * 1000,
        "first_p95_ms": statistics.quantiles(cold, n=20)[-1],
        "catalogue_mb": path.stat().st_size / 1e6,
        "build_s": built,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
    }


def fill(desk: Catalogue, words: Words, recordings: int) -> int:
    """Add drops with notes, tags and transcripts; return how many lines can be found."""
    pen = Pen(desk.records, "AB", DAY)
    digests = [sha256(str(number).encode()).digest() for number in range(recordings)]
    desk.drops.adopt(arrived=digests, promised=[])
    for number, digest in enumerate(digests):
        pen.tag(digest, words.chance.choice(words.tags))
        for _ in range(NOTES_EACH):
            pen.note(words.some(15), about=digest, at_ms=number)
        if number % (LINES_OF_ONE // LINES_EACH) == 0:
            said = tuple(Line(at * 3000, words.some(9)) for at in range(LINES_OF_ONE))
            desk.records.put(Kind.TRANSCRIPT, Transcript(said), by="AB", day=DAY, about=digest)
    return recordings * (1 + NOTES_EACH + LINES_EACH)


def asked(desk: Catalogue, question: str) -> float:
    """Ask; return the milliseconds it took, snippets' lines included."""
    started = time.perf_counter()
    desk.search.find(query(question))
    return (time.perf_counter() - started) * 1000


def asked_anew(
    again: Callable[[], AbstractContextManager[Catalogue]], words: Words
) -> Iterator[float]:
    """Ask a desk that was just unlocked, each time anew, as the command line does."""
    for _ in range(COLD_QUESTIONS):
        with again() as desk:
            yield asked(desk, words.question())
