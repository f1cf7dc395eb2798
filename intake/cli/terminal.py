"""What a terminal can show: how wide it is, whether in colours, and one line that comes and goes.

Nothing here changes what is written to a file or a pipe: no colours, nothing cut, no progress.
"""

import os
import shutil
import sys
import time
from typing import Final, Self, TextIO

import click

from intake.arriving.pace import Pace, Step
from intake.wording import progress_text

_BETWEEN_SECONDS: Final = 0.1
_BAR: Final = 20
_NARROW: Final = 80
_CLEAR: Final = "\r\x1b[K"


def is_terminal(stream: TextIO) -> bool:
    """Say whether a person looks at it, on something that knows how to go back in a line."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def columns_of(stream: TextIO) -> int | None:
    """Return how many letters stand side by side; None where nothing has to fit."""
    if not is_terminal(stream):
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns or _NARROW
    except OSError:
        return shutil.get_terminal_size().columns


def toned(text: str, stream: TextIO, **tone: str | bool) -> str:
    """Return `text` in a tone (click.style's), where a terminal shows it and nobody minds."""
    if not is_terminal(stream) or os.environ.get("NO_COLOR"):
        return text
    return click.style(text, **tone)  # type: ignore[arg-type]


def width(text: str) -> int:
    """Return how many columns text takes: Chinese letters take two, marks none."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, columns: int) -> str:
    """Return `text` in at most so many columns, with … where something is left out."""
    if width(text) <= columns:
        return text
    from rich.cells import set_cell_size

    return set_cell_size(text, max(columns - 1, 0)).rstrip() + "…"


class Progress:
    """One line on a terminal, gone when done; silent elsewhere."""

    _shown: "Progress | None" = None
    """Whose line is there now: whoever says something else takes it away first."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._pace = Pace()
        self._columns = columns_of(sys.stderr)
        self._drawn_at = 0.0

    def __call__(self, step: Step) -> None:
        """Show how far it is, how fast it goes, and how long it will take."""
        if self._columns is None:
            return
        forecast, now = self._pace(step), time.monotonic()
        if step.passed < step.total and now - self._drawn_at < _BETWEEN_SECONDS:
            return
        self._drawn_at = now
        said = f"{self._what}: {progress_text(step, forecast)}"
        room = self._columns - 1
        if room - width(said) > _BAR + 1 and step.total > 0:
            done = round(_BAR * min(step.passed / step.total, 1))
            rest = toned("─" * (_BAR - done), sys.stderr, dim=True)
            said = f"{said} {'━' * done}{rest}"
        else:
            said = cut(said, room)
        click.echo(f"{_CLEAR}{said}", nl=False, err=True)
        Progress._shown = self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        if Progress._shown is self:
            Progress.clear()

    @staticmethod
    def clear() -> None:
        """Take the line away, if one is there."""
        if Progress._shown is not None:
            Progress._shown = None
            click.echo(_CLEAR, nl=False, err=True)
