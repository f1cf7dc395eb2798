"""Tables that fit: the first column is whole, as ids are; those in the middle give way.

Into a file or a pipe everything goes whole. On a terminal that is too narrow, the widest of the
middle columns are cut first, those that hold no more than a day (2026-11-21) last, and the last one
goes on below itself.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from intake.cli.terminal import cut, width

_GAP: Final = "  "
_DAY: Final = 10
_NARROWEST: Final = 6
_WIDEST_LETTER: Final = 2
_LAST_AT_LEAST: Final = 12


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, columns: int | None
) -> Iterator[list[str]]:
    """Yield the lines of each row, the head's first; `columns` is how wide it may be, or None."""
    lines = [head, *rows]
    widths = [max(width(line[place]) for line in lines) for place in range(len(head))]
    if columns is not None:
        widths = fitted(widths, [width(name) for name in head], columns)
    for line in lines:
        yield _row(line, widths, whole=columns is None)


def fitted(widths: Sequence[int], heads: Sequence[int], columns: int) -> list[int]:
    """Return how wide each column may be, so that all fit side by side if they can."""
    fitting = list(widths)
    for whole in (_DAY, _NARROWEST):
        least = [
            max(own if own <= whole else _NARROWEST, head)
            for own, head in zip(widths, heads, strict=True)
        ]
        least[0] = widths[0]
        least[-1] = min(widths[-1], max(_LAST_AT_LEAST, heads[-1]))
        fitting = _cut_to(fitting, least, columns)
    return fitting


def _cut_to(widths: Sequence[int], least: Sequence[int], columns: int) -> list[int]:
    fitting = list(widths)
    too_wide = sum(fitting) + len(_GAP) * (len(fitting) - 1) - columns
    while too_wide > 0:
        spare, place = max((fitting[at] - least[at], at) for at in range(len(fitting)))
        if spare <= 0:
            break
        # The widest gives way letter by letter, so that none is lost for the others' sake.
        fitting[place] -= 1
        too_wide -= 1
    return fitting


def _row(line: Sequence[str], widths: Sequence[int], *, whole: bool) -> list[str]:
    if whole:
        return [_joined(line, widths)]
    first = [cut(cell, room) for cell, room in zip(line[:-1], widths, strict=False)]
    last, *more = folded(line[-1], widths[-1]) or [""]
    indent = sum(widths[:-1]) + len(_GAP) * (len(widths) - 1)
    return [_joined([*first, last], widths), *(" " * indent + part for part in more)]


def folded(text: str, columns: int) -> list[str]:
    """Return `text` in lines of at most so many columns, parted between words where it can be.

    A word that is wider goes on below, too: Chinese writes a whole sentence as one.
    """
    lines: list[str] = []
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and width(joined) <= columns:
            lines[-1] = joined
        else:
            lines += _parted(word, columns)
    return lines


def _parted(word: str, columns: int) -> list[str]:
    if width(word) <= columns or columns < _WIDEST_LETTER:
        return [cut(word, columns)]
    from rich.cells import chop_cells

    return [cut(part, columns) for part in chop_cells(word, columns) if part]


def _joined(line: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell + " " * max(room - width(cell), 0) for cell, room in zip(line, widths, strict=False)
    ]
    return _GAP.join(padded).rstrip()
