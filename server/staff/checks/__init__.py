"""Whether a drop is in order: what each check looks at, and what it answers.

`starting` is what the drop may not start without; `every` is the list that `check` goes through.
A check is a function that yields answers, one for each thing it looked at, at least one. None
changes anything, and none needs to be root: what can't be seen is said to be unseen.
"""

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from server.config import Config

_TIMEX_BYTES: Final = 512
_STATUS_AT: Final = 5 * ctypes.sizeof(ctypes.c_long)
"""Behind `modes`, which is padded to a long, and four more of them (struct timex)."""
_UNSYNCHRONISED: Final = 0x40


class Verdict(StrEnum):
    """What a check thinks of what it saw."""

    OK = "ok"
    LOOK = "look"
    FAIL = "fail"


class Answer(NamedTuple):
    """What is so, in a sentence, and what to do about it."""

    verdict: Verdict
    says: str
    todo: str = ""


Answers = Iterator[Answer]


def ok(says: str) -> Answer:
    """Answer that all is well."""
    return Answer(Verdict.OK, says)


def look(says: str, todo: str) -> Answer:
    """Answer that somebody should look at it."""
    return Answer(Verdict.LOOK, says, todo)


def fail(says: str, todo: str) -> Answer:
    """Answer that no source should use the drop before it is mended."""
    return Answer(Verdict.FAIL, says, todo)


def clock_is_kept() -> bool | None:
    """Say whether something sets this machine's clock (adjtimex(2)); None where nobody can say."""
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)  # modes 0: nothing is asked to change
    if ctypes.CDLL(None, use_errno=True).adjtimex(timex) < 0:
        return None
    status = ctypes.c_int.from_buffer(timex, _STATUS_AT).value
    return not status & _UNSYNCHRONISED


@dataclass(frozen=True, slots=True)
class Ground:
    """What the checks look at: a drop, and the machine whose files lie below `root`."""

    folder: Path
    config: Config
    now: datetime
    root: Path = Path("/")
    clock_is_kept: Callable[[], bool | None] = clock_is_kept

    def at(self, name: str) -> Path:
        """Return where a setting says that something lies."""
        return self.folder / name

    def said(self, path: str) -> str:
        """Return what one of the machine's own files says; nothing where it can't be read."""
        try:
            return (self.root / path).read_text(errors="replace")
        except OSError:
            return ""
