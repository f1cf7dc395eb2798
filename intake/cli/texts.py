"""Text that a person gives: on the command line, from a file, or typed."""

import sys
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, BinaryIO, Final

import click

from intake import timecodes
from intake.cli.talk import note
from intake.errors import BadText
from intake.records import LONGEST_TEXT
from intake.settings import INITIALS, MOST_INITIALS

_LONGEST_BYTES: Final = 4 * LONGEST_TEXT

text_from: Final[Callable[..., Any]] = click.option(
    "--text-from",
    "file",
    metavar="FILE",
    type=click.File("rb"),
    help="The text, in UTF-8, from a file; - is standard input.",
)


class TimeCode(click.ParamType[int]):
    """1:02:03.5, 3:12 or 45, as milliseconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the milliseconds, or have click refuse it."""
        if isinstance(value, int):
            return value
        try:
            return timecodes.parsed(value)
        except ValueError as why:
            self.fail(str(why), param, ctx)


class Day(click.ParamType[date]):
    """2026-11-21."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the day, or have click refuse it."""
        if isinstance(value, date):
            return value
        try:
            return datetime.strptime(value, "%Y-%m-%d").date()
        except ValueError:
            self.fail("a day looks like 2026-11-21", param, ctx)


def given_text(text: str | None, file: BinaryIO | None, what: str) -> str:
    """Return what a person says: `text`, or what `file` holds, or what they type now.

    Raises BadText, and click.UsageError where nobody is there to type.
    """
    if text is not None and file is not None:
        raise click.UsageError("give the text itself or --text-from, not both")
    if text is not None:
        return text
    if file is None:
        if not sys.stdin.isatty():
            raise click.UsageError(
                "nobody is here to type: give the text, or --text-from FILE, - for standard input"
            )
        note(f"write {what}, and end with Ctrl-D on a line of its own")
        file = sys.stdin.buffer
    content = file.read(_LONGEST_BYTES + 1)
    try:
        return content.decode()
    except UnicodeDecodeError:
        why = "it is not text in UTF-8: save it so where it was written"
        raise BadText("it is too long" if len(content) > _LONGEST_BYTES else why) from None


def given_initials(
    _context: click.Context, _option: click.Parameter, said: str | None
) -> str | None:
    """Return initials as they were typed, checked: `callback` of an option."""
    if said is not None and not INITIALS.fullmatch(said):
        raise click.BadParameter(f"initials are up to {MOST_INITIALS} letters")
    return said
