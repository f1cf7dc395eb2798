"""Results to stdout, talk to stderr: prefixed, lower case, no full stop."""

import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import click

from intake.cli.tables import table
from intake.cli.terminal import Progress as Progress
from intake.cli.terminal import columns_of, toned
from intake.errors import NotConfirmed, WordsDiffer
from intake.wording import told

PROGRAM: Final = "tapedrop-intake"
_TONES: Final[Mapping[str, Mapping[str, str | bool]]] = {
    "error:": {"fg": "red", "bold": True},
    "ALARM:": {"fg": "red", "bold": True},
    "warning:": {"fg": "yellow"},
}


def note(text: str) -> None:
    """Say something beside the results."""
    Progress.clear()
    word = text.partition(" ")[0]
    if word == "hint:":
        text = toned(text, sys.stderr, dim=True)
    elif word in _TONES:
        text = toned(word, sys.stderr, **_TONES[word]) + text.removeprefix(word)
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
    if not _typed(question, expected, given=given, option=option):
        raise NotConfirmed


def compare(question: str, shown: str, *, given: str | None, option: str = "--words") -> None:
    """Return once a person has typed what is `shown` elsewhere, as `confirm` does.

    Raises click.UsageError, WordsDiffer.
    """
    if not _typed(question, shown, given=given, option=option):
        raise WordsDiffer


def _typed(question: str, expected: str, *, given: str | None, option: str) -> bool:
    if given is None:
        if not sys.stdin.isatty():
            raise click.UsageError(f"nobody is here to be asked; say it with {option}")
        given = click.prompt(f"{PROGRAM}: {question}", err=True, prompt_suffix="\n> ")
    return _compact(given) == _compact(expected)


def draw(content: bytes, *, asked: bool | None) -> None:
    """Draw `content` (ASCII) as a QR code, beside the results, where it can be read.

    Unless somebody `asked` for it, only on a terminal that is wide enough.
    """
    columns = shutil.get_terminal_size().columns if asked is None else None
    if sys.stderr.isatty() if asked is None else asked:
        from crypto.qr import in_letters  # a while to load, and few verbs draw

        try:
            click.echo(in_letters(content, columns=columns), err=True)
        except ValueError as why:
            note(str(why))


def print_json(result: object) -> None:
    """Print `result` for another program."""
    click.echo(json.dumps(result, indent=1))


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows in columns; on a terminal they fit it, the first always whole."""
    Progress.clear()
    top, *below = table(head, list(rows), columns=columns_of(sys.stdout))
    for line in top:
        click.echo(toned(line, sys.stdout, dim=True))
    for lines in below:
        print_lines(lines)


def print_lines(lines: Iterable[str]) -> None:
    """Print lines that were made plain; an alarm stands out."""
    for line in lines:
        mark = "ALARM" if line.startswith("ALARM ") else "(ALARM)"
        said, alarm, more = line.partition(mark)
        click.echo(said + (toned(alarm, sys.stdout, **_TONES["ALARM:"]) + more if alarm else ""))


def print_marked(head: str, text: str, marks: Iterable[tuple[int, int]]) -> None:
    """Print `head` and `text`, with what stands between `marks` bold where a terminal shows it."""
    shown, last = head, 0
    for start, end in marks:
        shown += text[last:start] + toned(text[start:end], sys.stdout, bold=True)
        last = end
    click.echo(shown + text[last:])


def _compact(typed: str) -> str:
    return "".join(typed.split()).casefold()
