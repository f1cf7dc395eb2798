"""Whether a desk and its machine are in order: what each check looks at, and what it answers.

    network     nothing but lo: no route, no interface that is up, no radio
    memory      what is in memory stays there: swap, core dumps, folders for temporary files
    clock       the day it says can be
    disk        encrypted, with room, and closed to others
    keys        a gpg that can be trusted, and a keyring that is closed to others
    cards       the reporter's key, in a file or on a card that is in
    traces      what a desktop notes of the recordings that somebody looks at
    every       the list that `check` goes through

A check is a function that yields answers, one for each thing it looked at, at least one. None
changes anything, asks for a PIN, or needs to be root: what can't be seen is said to be unseen.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from intake.layout import Layout
from intake.settings import Settings


class Verdict(StrEnum):
    """What a check thinks of what it saw."""

    OK = "ok"
    LOOK = "look"
    FAIL = "fail"


class Answer(NamedTuple):
    """What is so, in a clause, and what to do about it."""

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
    """Answer that no recording should be opened here before it is mended."""
    return Answer(Verdict.FAIL, says, todo)


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine, whose files lie below `root`, and where whoever sits at it keeps theirs.

    `gnupg` is the keyring that is used, and `runtime` the folder that ends with the session.
    """

    today: date
    home: Path
    gnupg: Path
    runtime: Path | None = None
    root: Path = Path("/")

    def said(self, path: str) -> str:
        """Return what one of the machine's own files says; nothing where it can't be read."""
        try:
            return (self.root / path).read_text(errors="replace")
        except OSError:
            return ""

    def below(self, path: str) -> list[Path]:
        """Return what lies in one of the machine's own folders; nothing where there is none."""
        try:
            return sorted((self.root / path).iterdir())
        except OSError:
            return []


@dataclass(frozen=True, slots=True)
class Desk:
    """A desk on such a machine."""

    layout: Layout
    settings: Settings
    machine: Machine
