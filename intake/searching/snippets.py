"""The part of a text that answers what was asked, and where the words stand in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from intake.searching.folding import words
from intake.searching.query import Term
from intake.wording import plain

_MORE: Final = "…"
_MARKS_LOOKED_AT: Final = 100


@dataclass(frozen=True, slots=True)
class Snippet:
    """One line, safe to show; `marks` are from which to which letter the words stand."""

    text: str
    marks: tuple[tuple[int, int], ...] = ()


def snippet(text: str, terms: Sequence[Term], *, width: int) -> Snippet:
    """Return about `width` letters of `text`, where most of `terms` stand close together."""
    marks = _marks(text, terms)[:_MARKS_LOOKED_AT]
    start, end = _window(text, marks, width)
    head, tail = _MORE if start else "", _MORE if end < len(text) else ""
    moved = len(head) - start
    within = [(first + moved, last + moved) for first, last, _ in marks if start <= first < end]
    one_line = "".join(" " if letter.isspace() else letter for letter in text[start:end])
    return Snippet(f"{head}{plain(one_line)}{tail}", tuple(_apart(within, len(head + one_line))))


def _marks(text: str, terms: Sequence[Term]) -> list[tuple[int, int, int]]:
    """Return from which to which letter a term stands, and which one, rising."""
    found = words(text)
    shapes = [shape for shape, _, _ in found]
    return sorted(
        (found[first][1], found[last - 1][2], which)
        for which, term in enumerate(terms)
        for first, last in term.places(shapes)
    )


def _window(text: str, marks: Sequence[tuple[int, int, int]], width: int) -> tuple[int, int]:
    if len(text) <= width:
        return 0, len(text)
    around = [
        (len({which for at, _, which in marks if first <= at < first + width}), -first)
        for first, _, _ in marks
    ]
    first = -max(around)[1] if around else 0
    start = max(0, min(first - width // 4, len(text) - width))
    end = min(len(text), start + width)
    # Not in the middle of a word, where there are spaces to be seen.
    if start and (gap := text.find(" ", start, max(first, start))) >= 0:
        start = gap + 1
    if end < len(text) and (gap := text.rfind(" ", start + width // 2, end)) >= 0:
        end = gap
    return start, end


def _apart(marks: Sequence[tuple[int, int]], end: int) -> list[tuple[int, int]]:
    """Return the marks within the text, none over another."""
    apart: list[tuple[int, int]] = []
    for first, last in marks:
        begin = max(first, apart[-1][1] if apart else 0)
        if begin < min(last, end):
            apart.append((begin, min(last, end)))
    return apart
