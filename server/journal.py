"""Write events down: what a source's visit causes once a day in steps, the rest at once.

A line is an event's name and its fields, on standard error. Where that is systemd's journal
($JOURNAL_STREAM, systemd.exec(5)), a line begins with how grave it is, as journald reads it
(sd-daemon(3)): <3> for what staff are alerted of, <4> for all else, because the unit keeps notices
and what is less, systemd's own lines on who ran how long among them, out of every journal.
"""

import logging
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, TextIO

import structlog

from server.events import (
    Alarming,
    AlertNotSent,
    AtOnce,
    Counted,
    Level,
    Library,
    LibraryWarned,
    every_counted_event,
    facts_of,
    name_of,
)

_GRAVE: Final = "<3>"
_PLAIN: Final = "<4>"


class Journal:
    """Where events go: counted ones into memory, the others onto standard error."""

    def __init__(self, counted: Mapping[str, int] | None = None) -> None:
        """Go on from what was `counted` before, as `counted()` returned it."""
        before = counted or {}
        known = {_key(event): event for event in every_counted_event()}
        self._counts = Counter({known[key]: before[key] for key in known.keys() & before.keys()})
        self._alarmed: Callable[[Alarming], object] = lambda _event: None
        self._graded = is_the_journal(sys.stderr, os.environ)
        self._log = structlog.wrap_logger(
            structlog.PrintLogger(sys.stderr),
            processors=[structlog.processors.KeyValueRenderer(key_order=["event"]), self._grade],
        )

    def alarm(self, told: Callable[[Alarming], object]) -> None:
        """Have `told` called with each event that staff are to be alerted of."""
        self._alarmed = told

    def count(self, event: Counted, *, times: int = 1) -> None:
        """Remember that it happened, until the day's hour."""
        self._counts[event] += times

    def counted(self) -> dict[str, int]:
        """Return how often each event was counted since the day was told."""
        return {_key(event): times for event, times in self._counts.items() if times}

    def tell(self, event: AtOnce) -> None:
        """Log now what no source can cause, and alert staff where it is that grave."""
        self._say(event, grave=isinstance(event, Alarming | AlertNotSent))
        if isinstance(event, Alarming):
            self._alarmed(event)

    def tell_the_day(self, events: Iterable[Counted] | None = None) -> list[tuple[Counted, str]]:
        """Log each counted event in steps, and begin to count anew; return what was told.

        With `events`, only of these: another process tells of the others.
        """
        events = every_counted_event() if events is None else events
        told = [(event, step(self._counts.pop(event, 0))) for event in events]
        for event, today in told:
            self._say(event, today=today)
        return told

    def _say(self, event: Counted | AtOnce, *, grave: bool = False, **more: str) -> None:
        # Nobody may be left to read it, and whoever tells has other things to do.
        with suppress(OSError, ValueError):
            level = self._log.error if grave else self._log.info
            level(name_of(type(event)), **facts_of(event), **more)

    def _grade(self, _logger: object, level: str, line: Any) -> str:
        grade = (_GRAVE if level == "error" else _PLAIN) if self._graded else ""
        return f"{grade}{line}"


def is_the_journal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Say whether systemd connected `stream` to its journal."""
    try:
        facts = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environment.get("JOURNAL_STREAM") == f"{facts.st_dev}:{facts.st_ino}"


def _key(event: Counted) -> str:
    return " ".join(map(str, (name_of(type(event)), *facts_of(event).values())))


def step(count: int) -> str:
    """Return how many, as coarsely as it may be said."""
    return "0" if count == 0 else "1-9" if count < 10 else "10+"


class _OnlyCounted(logging.Handler):
    """What libraries log may hold an address or a request line: only who, and how grave, is kept.

    When is not: a source's request can make a library speak.
    """

    def __init__(self, journal: Journal) -> None:
        super().__init__(logging.WARNING)
        self._journal = journal

    def emit(self, record: logging.LogRecord) -> None:
        level = Level.ERROR if record.levelno >= logging.ERROR else Level.WARNING
        self._journal.count(LibraryWarned(_library(record.name), level))


def silence_libraries(journal: Journal) -> None:
    """Send every library's log lines, and what dies unseen, to the count and nowhere else."""
    root = logging.getLogger()
    root.handlers[:] = [_OnlyCounted(journal)]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)

    def died(_what: Any) -> None:
        # Python would print a traceback here, with what was being worked on in its last line.
        journal.count(LibraryWarned(Library.PYTHON, Level.ERROR))

    threading.excepthook = died
    sys.unraisablehook = died


def _library(logger: str) -> Library:
    name = logger.partition(".")[0]
    if name == "py":  # py.warnings
        return Library.PYTHON
    return Library(name) if name in set(Library) else Library.OTHER
