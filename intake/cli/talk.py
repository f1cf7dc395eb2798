"""Results to stdout, talk to stderr: prefixed, lower case, no full stop."""

import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Final, Self

import click

from crypto.qr import in_letters
from intake.errors import NotConfirmed
from intake.wording import size_text, told

PROGRAM: Final = "tapedrop-intake"


def note(text: str) -> None:
    """Say something beside the results."""
    click.echo(f"{PROGRAM}: {text}", err=True)


def complain(error: BaseException, *, about: str = "it") -> None:
    """Say what went wrong, and what to do next."""
    sentence, hint = told(error, about=about)
    say_error(sentence, hint)


def say_error(sentence: str, hint: str = "") -> None:
    """Print an error, and its hint if it has one."""
    note(f"error: {sentence}")
    if hint:
        note(f"hint: {hint}")


def confirm(question: str, expected: str, *, given: str | None, option: str) -> None:
    """Return once a person has typed `expected`, or gave it as `option`; case and spaces aside.

    Without a terminal nobody is asked. Raises click.UsageError then, NotConfirmed when it differs.
    """
    if given is None:
        if not sys.stdin.isatty():
            raise click.UsageError(f"nobody is here to be asked; say it with {option}")
        given = click.prompt(f"{PROGRAM}: {question}", err=True, prompt_suffix="\n> ")
    if _compact(given) != _compact(expected):
        raise NotConfirmed


def draw(content: bytes, *, asked: bool | None) -> None:
    """Draw `content` (ASCII) as a QR code, beside the results, where it can be read.

    Unless somebody `asked` for it, only on a terminal that is wide enough.
    """
    columns = shutil.get_terminal_size().columns if asked is None else None
    if sys.stderr.isatty() if asked is None else asked:
        try:
            click.echo(in_letters(content, columns=columns), err=True)
        except ValueError as why:
            note(str(why))


def print_json(result: object) -> None:
    """Print `result` for another program."""
    click.echo(json.dumps(result, indent=1))


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows in columns; the last is as wide as it likes."""
    lines = [head, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head) - 1)]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        click.echo("  ".join([*cells, line[-1]]).rstrip())


class Progress:
    """One line on a terminal, gone when done; silent elsewhere."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown = ""
        self._terminal = sys.stderr.isatty()

    def __call__(self, passed: int, total: int) -> None:
        """Show how many of how many bytes have passed."""
        line = f"{self._what}: {size_text(passed)} of {size_text(total)}"
        if self._terminal and line != self._shown:
            self._shown = line
            click.echo(f"\r\x1b[K{line}", nl=False, err=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._shown:
            click.echo("\r\x1b[K", nl=False, err=True)


def _compact(typed: str) -> str:
    return "".join(typed.split()).casefold()
