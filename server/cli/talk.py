"""What is said and asked beside the results: on standard error, so that results can be read."""

import sys
from collections.abc import Callable
from typing import Final, Self

import click

from server.errors import NotConfirmed

PROGRAM: Final = "tapedrop-server"
_UNITS: Final = ("bytes", "kB", "MB", "GB", "TB")
_STEP: Final = 1000


def plain(text: str) -> str:
    """Return text that can't steer a terminal: a stick gives its folders any name it likes."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def note(text: str) -> None:
    """Say something that is no result."""
    click.echo(f"{PROGRAM}: {plain(text)}", err=True)


def warn(text: str) -> None:
    """Say what somebody should look at."""
    note(f"warning: {text}")


def confirm(question: str, expected: str, *, given: str | None, option: str) -> None:
    """Return once a person has typed `expected`, or gave it as `option`; case and spaces aside.

    Without a terminal nobody is asked. Raises click.UsageError then, NotConfirmed when it differs.
    """
    if given is None:
        if not sys.stdin.isatty():
            raise click.UsageError(f"nobody is here to be asked; say it with {option}")
        given = click.prompt(f"{PROGRAM}: {question}", err=True, prompt_suffix="\n> ")
    if _plain(given) != _plain(expected):
        raise NotConfirmed("what was typed is something else; nothing was changed")


def counted(number: int, noun: str) -> str:
    """Return how many of what, such as `1 drop` and `2 drops`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def size_text(size: float) -> str:
    """Return a size in bytes as people say it, such as `1.4 GB`."""
    for unit in _UNITS:
        if size < _STEP or unit == _UNITS[-1]:
            break
        size /= _STEP
    return f"{size:.0f} {unit}" if unit == _UNITS[0] else f"{size:.1f} {unit}"


class Progress:
    """One line on a terminal, gone when done; silent elsewhere."""

    def __init__(self, what: str, *, in_words: Callable[[int], str] = size_text) -> None:
        """Of bytes, unless `in_words` says how to tell a number of something else."""
        self._what = what
        self._in_words = in_words
        self._shown = ""
        self._terminal = sys.stderr.isatty()

    def __call__(self, passed: int, total: int) -> None:
        """Show how many of how many have passed."""
        line = f"{self._what}: {self._in_words(passed)} of {self._in_words(total)}"
        if self._terminal and line != self._shown:
            self._shown = line
            click.echo(f"\r\x1b[K{line}", nl=False, err=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._shown:
            click.echo("\r\x1b[K", nl=False, err=True)


def _plain(typed: str) -> str:
    return "".join(typed.split()).casefold()
