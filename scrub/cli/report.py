"""What is told of each recording: to a person a table, to a program a line of JSON.

Results go to standard output, talk to standard error. Names and values come from outside, so
nothing of them reaches a terminal that could steer it.
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Self

import click

from scrub.cli import PROGRAM
from scrub.cli.refusals import Refusal
from scrub.findings import WORDS, Findings, Kind, Value, printable
from scrub.wire import FormatName

PATIENCE_SECONDS: Final = 0.5  # what takes less shows no progress
GLANCE_SECONDS: Final = 0.1
LONGEST_NAME: Final = 24  # of a name: a line that wraps could not be taken back
NOTHING_GONE: Final = "nothing; there was nothing"
NOTHING_LEFT: Final = "nothing we can see"


def table(title: str, findings: Findings, values: Iterable[Value] = ()) -> None:
    """Print what was found in one recording."""
    click.echo(printable(title))
    rows = [
        *_rows("removed", findings.removed, NOTHING_GONE),
        *_rows("remains", findings.remains, NOTHING_LEFT),
    ]
    wide = max(len(name) for _, name, _ in rows)
    for head, name, times in rows:
        click.echo(f"  {head:8} {name:{wide}}  {times}".rstrip())
    for value in values:
        click.echo(f"  {WORDS[value.kind]}: {value.name}: {value.text}")
    click.echo()


def _rows(head: str, found: Mapping[Kind, int], nothing: str) -> list[tuple[str, str, str]]:
    names = [word for kind, word in WORDS.items() if kind in found] or [nothing]
    counts = [str(found[kind]) for kind in WORDS if kind in found] or [""]
    heads = [head, *[""] * (len(names) - 1)]
    return list(zip(heads, names, counts, strict=True))


def facts(name: FormatName, findings: Findings) -> dict[str, Any]:
    """Return what was found as JSON has it."""
    return {"format": name.name} | {
        member: {kind.value: times for kind, times in found.items()}
        for member, found in (("removed", findings.removed), ("remains", findings.remains))
    }


def line(report: Mapping[str, Any]) -> None:
    """Print one recording's facts as a line of JSON."""
    click.echo(json.dumps(report))


def say(level: str, sentence: str) -> None:
    """Say something beside the results."""
    click.echo(f"{PROGRAM}: {level}: {sentence}", err=True)


def complain(refused: Refusal, *, hinted: bool) -> None:
    """Say what one recording failed of, and what to try, if that wasn't said before."""
    say("error", refused.message)
    if not hinted:
        say("hint", refused.hint)


class Progress:
    """One line on a terminal, gone when done; none elsewhere, and none for what is quick.

    `far` says how far the writing is. How far the sandbox has read needs no message from it: its
    descriptor and ours are one open file, with one position.
    """

    def __init__(self, recording: Path, fd: int, size: int, far: Callable[[], int]) -> None:
        self._name = printable(recording.name)[:LONGEST_NAME]
        self._fd, self._size, self._far = fd, size, far
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._show, daemon=True)

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._done.set()
        if self._thread.is_alive():
            self._thread.join()

    def _show(self) -> None:
        if self._done.wait(PATIENCE_SECONDS):
            return
        while not self._done.wait(GLANCE_SECONDS):
            read, written = os.lseek(self._fd, 0, os.SEEK_CUR), self._far()
            doing = f"checked {self._part(read)}, written {self._part(written)}"
            shown = doing if written else f"read {self._part(read)}"
            click.echo(f"\r\x1b[K{self._name}: {shown}", nl=False, err=True)
        click.echo("\r\x1b[K", nl=False, err=True)

    def _part(self, size: int) -> str:
        return f"{min(100, 100 * size // max(1, self._size))} %"
