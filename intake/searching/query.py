"""What somebody typed to search for: any text at all, and never one that can't be read.

    phone         a word, or what begins with it; up to two letters, just that word
    ph*           what begins with it, from two letters on
    "two words"   exactly these, side by side, in this order
    -guard        not where this stands
    tag:border    a filter: in: tag: status: assignee: from: kind: by:, or an id, such as drop-0007
                  or case-0001; kinds and writers given twice mean either, others mean both

Whatever is none of these is words. All words have to be found of one drop, not in one line.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from intake.searching.folding import folded

_PIECE: Final = re.compile(r'(-?)(?:([A-Za-z]+):)?(?:"([^"]*)"?|(\S+))')
_ID: Final = re.compile(r"(drop|case|source)-([0-9]{1,9})")
_WHOLE: Final = re.compile(
    rf"-?(?:(?:in:)?{_ID.pattern}|(?:kind|status|by|assignee|drop|source):\S+)", re.IGNORECASE
)
"""What has no second word, as a case's name or a tag may have."""
_ASKS: Final = re.compile(rf"-\S+|{_WHOLE.pattern}|(?:in|tag|from):\S+", re.IGNORECASE)
"""What is no word of a phrase."""
_OPEN_FROM: Final = 3
"""Letters from which on a word is also found as the beginning of a longer one."""
_STARRED_FROM: Final = 2
MOST_TERMS: Final = 32


class About(StrEnum):
    """What a filter asks of a drop, or of a line."""

    DROP = "drop"
    SOURCE = "source"
    FROM = "from"
    IN = "in"
    TAG = "tag"
    STATUS = "status"
    ASSIGNEE = "assignee"
    KIND = "kind"
    BY = "by"


@dataclass(frozen=True, slots=True)
class Filter:
    """One thing asked of a drop, or of a line. `value` is folded, or a number."""

    about: About
    value: str
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Term:
    """Words to stand side by side, folded; the last may go on."""

    words: tuple[str, ...]
    goes_on: bool = False

    @property
    def expression(self) -> str:
        """The term as FTS5 reads it; folding has left nothing that it would take for more."""
        return f'"{" ".join(self.words)}"' + (" *" if self.goes_on else "")

    def places(self, found: Sequence[str]) -> list[tuple[int, int]]:
        """Return from which to which word of `found` it stands."""
        size = len(self.words)
        return [
            (start, start + size)
            for start in range(len(found) - size + 1)
            if self._is(tuple(found[start : start + size]))
        ]

    def _is(self, found: tuple[str, ...]) -> bool:
        if self.goes_on:
            same = found[:-1] == self.words[:-1]
            return same and found[-1].startswith(self.words[-1])
        return found == self.words


@dataclass(frozen=True, slots=True)
class Query:
    """What is to be found."""

    terms: tuple[Term, ...] = ()
    without: tuple[Term, ...] = ()
    filters: tuple[Filter, ...] = ()
    too_short: tuple[str, ...] = field(default=(), compare=False)
    """What was asked to begin with a single letter, and was taken for a word instead."""

    @property
    def asks(self) -> bool:
        """Whether it says what to find, not only what not."""
        return bool(self.terms) or any(each.wanted for each in self.filters)

    @property
    def cases(self) -> tuple[int, ...]:
        """The numbers of the cases that it asks for."""
        named = (each.value for each in self.filters if each.about is About.IN)
        # A longer number is nobody's, and more than SQLite can be asked for.
        return tuple(int(value) for value in named if re.fullmatch("[0-9]{1,9}", value))


def query(untrusted: str) -> Query:
    """Return what `untrusted` asks for."""
    terms: dict[Term, None] = {}
    without: dict[Term, None] = {}
    filters: dict[Filter, None] = {}
    short: list[str] = []
    for minus, name, phrase, word in _PIECE.findall(untrusted):
        asked = _filter(name, phrase or word, wanted=not minus)
        if asked is not None:
            filters[asked] = None
            continue
        said = f"{name} {phrase or word}" if name else phrase or word
        term = _term(said, exact=bool(phrase))
        if term is None:
            continue
        if word.endswith("*") and not term.goes_on:
            short.append(word)
        (without if minus else terms)[term] = None
    return Query(
        tuple(terms)[:MOST_TERMS], tuple(without)[:MOST_TERMS], tuple(filters)[:MOST_TERMS],
        tuple(short),
    )  # fmt: skip


def typed(arguments: Iterable[str]) -> str:
    """Return what was typed on a command line: the shell took the quotes off a phrase."""
    return " ".join(_quoted(each) if _is_phrase(each) else each for each in arguments)


def _is_phrase(argument: str) -> bool:
    """Say whether one argument is words to stand side by side, and not a whole question."""
    first, *more = argument.split() or [""]
    is_question = _WHOLE.fullmatch(first) or any(map(_ASKS.fullmatch, more))
    return bool(more) and '"' not in argument and not is_question


def _quoted(argument: str) -> str:
    head = re.match(r"-?(?:[A-Za-z]+:)?", argument)
    assert head is not None
    return f'{head[0]}"{argument[head.end() :]}"'


def _filter(name: str, value: str, *, wanted: bool) -> Filter | None:
    if not name:
        named = _ID.fullmatch(value.lower())
        if named is None:
            return None
        about = About.IN if named[1] == "case" else About(named[1])
        return Filter(about, str(int(named[2])), wanted)
    try:
        about = About(name.lower())
    except ValueError:
        return None
    named = _ID.fullmatch(value.lower())
    if about is About.IN and named is not None and named[1] == "case":
        value = str(int(named[2]))
    elif about in {About.DROP, About.SOURCE}:
        return Filter(about, str(int(value)), wanted) if re.fullmatch("[0-9]{1,9}", value) else None
    value = folded(value)
    return Filter(about, value, wanted) if value else None


def _term(said: str, *, exact: bool) -> Term | None:
    found = tuple(folded(said).split())
    if not found:
        return None
    least = _STARRED_FROM if said.endswith("*") else _OPEN_FROM
    return Term(found, goes_on=not exact and len(found[-1]) >= least)
