"""What `show` shows of one thing: lines for a person, and the same for a program."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from intake.wording import plain


@dataclass(frozen=True, slots=True)
class View:
    """One thing, seen. Every line has been made plain."""

    said: dict[str, Any]
    lines: list[str]


def fact(name: str, text: str) -> str:
    """Return a line that says one thing: its name in a column of ten letters, then the text."""
    return f"{name:10} {text}".rstrip()


def heading(text: str) -> list[str]:
    """Return the lines above a part of a view."""
    return ["", f"{text}:"]


def indented(untrusted: str, by: int = 2) -> Iterable[str]:
    """Yield the lines of a text of several, made plain, each moved in."""
    for line in plain(untrusted, lines=True).splitlines() or [""]:
        yield f"{'':{by}}{line}".rstrip()
