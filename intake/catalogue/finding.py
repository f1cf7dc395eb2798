"""Find drops, cases and people by what is known of them.

A drop is found when all words stand somewhere in what is known of it, not only side by side in
one line. First come drops with lines that hold all of them, then those with the most lines.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from intake.catalogue.database import Database
from intake.catalogue.lines import KINDS, QUOTE
from intake.records import WorkStatus
from intake.searching.query import About, Filter, Query

ROOM: Final = 1 << 24
"""Lines of one subject; a line's number is its subject's times this, and a number of its own."""
_TERM: Final = "SELECT findable / {room} FROM findable WHERE kind = '{kind}' AND term = ?"
# Of a drop that is new nobody has said so.
_STATUS: Final = """
    SELECT findable / {room} FROM findable WHERE kind = 'status' AND term = ?1
    UNION
    SELECT subject FROM subjects WHERE ?1 = '{new}' AND about IS NOT NULL AND subject NOT IN
        (SELECT findable / {room} FROM findable WHERE kind = 'status')
"""
_OF_DROPS: Final[Mapping[About, str]] = {
    About.DROP: "SELECT subject FROM subjects JOIN drops ON digest = about WHERE drop_number = ?",
    About.SOURCE: "SELECT subject FROM subjects JOIN drops ON digest = about "
    "JOIN recordings USING (drop_number) WHERE source_number = ?",
    About.FROM: _TERM.format(room=ROOM, kind="drop"),
    About.TAG: _TERM.format(room=ROOM, kind="tag"),
    About.STATUS: _STATUS.format(room=ROOM, new=WorkStatus.NEW),
    About.ASSIGNEE: _TERM.format(room=ROOM, kind="assignee"),
    About.IN: f"SELECT findable / {ROOM} FROM findable WHERE kind = 'member' AND term IN "  # noqa: S608
    "(SELECT lower(hex(record)) FROM records WHERE kind = 'case' AND number = ?1 "
    "UNION SELECT lower(hex(record)) FROM findable WHERE kind = 'case' AND term = ?1)",
}
"""The subjects that a filter asks for."""
_NAMES: Final = frozenset({About.IN, About.FROM, About.TAG, About.ASSIGNEE})
_WEIGHT: Final = {kind: weight for weight, kind in enumerate(KINDS)}
_LOOKED_AT: Final = 20
"""Lines of one subject among which the best are chosen."""
_OF_LINES: Final[Mapping[About, str]] = {About.KIND: "findable.kind", About.BY: "findable.writer"}


@dataclass(frozen=True, slots=True)
class Place:
    """A line in which something was found."""

    kind: str
    name: str
    """What reporters call it: note-0012, message."""
    at_ms: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """What was found: a drop, or a record that is about none, and the lines that speak for it."""

    about: bytes | None
    name: str | None
    """What reporters call the record: case-0001."""
    places: tuple[Place, ...]
    lines: int
    """How many lines there are in all."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found: the first of it, and how much there is."""

    hits: tuple[Hit, ...]
    total: int


def find(database: Database, query: Query, *, limit: int, lines: int) -> Found:
    """Return what `query` asks for: the best `limit`, each by at most `lines` lines."""
    each = _lines(database, query)
    counts = [Counter([line // ROOM for line in found]) for found in each]
    wanted, unwanted = _subjects(database, query)
    if counts:
        found = set(counts[0]).intersection(*counts[1:])
        found = found if wanted is None else found & wanted
    else:
        found = wanted or set()
    found -= unwanted
    together = set(each[0]).intersection(*each[1:]) if len(each) > 1 else set()
    best = Counter([line // ROOM for line in together])
    total = {subject: sum(count[subject] for count in counts) for subject in found}
    order = sorted(found, key=lambda one: (-best[one], -total[one], -one))[:limit]
    hits = [
        Hit(*_subject(database, one), _places(database, one, each, together, lines), total[one])
        for one in order
    ]
    return Found(tuple(hits), len(found))


def is_nobodys(database: Database, asked: Filter) -> bool:
    """Say whether no drop at all is of the name that a filter asks for."""
    is_name = asked.about in _NAMES and not asked.value.isdecimal()
    return is_name and not _column(database, _OF_DROPS[asked.about], asked.value)


def _lines(database: Database, query: Query) -> list[list[int]]:
    """Return the numbers of the lines that hold each term, rising; or of all that filters leave."""
    conditions, values = _only(query.filters)
    if not query.terms:
        if not conditions:
            return []
        asked = f"SELECT findable FROM findable WHERE {' AND '.join(conditions)} ORDER BY findable"  # noqa: S608
        return [[line for (line,) in database.execute(asked, values)]]
    # FTS5 gives what it finds in the order of the lines.
    joined = " CROSS JOIN findable ON findable = words.rowid" if conditions else ""
    asked = f"SELECT words.rowid FROM words{joined} WHERE words MATCH ?"  # noqa: S608
    asked = " AND ".join([asked, *conditions])
    return [
        [line for (line,) in database.execute(asked, (term.expression, *values))]
        for term in query.terms
    ]


def _subjects(database: Database, query: Query) -> tuple[set[int] | None, set[int]]:
    """Return the subjects that filters want, None for any, and those that are not wanted."""
    wanted: set[int] | None = None
    unwanted: set[int] = set()
    for term in query.without:
        unwanted |= _column(
            database,
            f"SELECT DISTINCT rowid / {ROOM} FROM words WHERE words MATCH ?",  # noqa: S608
            term.expression,
        )
    for each in query.filters:
        if each.about in _OF_LINES:
            continue
        subjects = _column(database, _OF_DROPS[each.about], each.value)
        if not each.wanted:
            unwanted |= subjects
        else:
            wanted = subjects if wanted is None else wanted & subjects
    return wanted, unwanted


def _subject(database: Database, subject: int) -> tuple[bytes | None, str | None]:
    """Return the drop that it is, or what reporters call the record that it is."""
    about, kind, number = database.execute(
        "SELECT subjects.about, kind, number "
        "FROM subjects LEFT JOIN records USING (record) WHERE subject = ?",
        (subject,),
    ).fetchone()
    return about, None if kind is None else f"{kind}-{number:04d}"


def _places(
    database: Database, subject: int, each: Sequence[Sequence[int]], together: set[int], most: int
) -> tuple[Place, ...]:
    """Return the lines that speak for a subject: first those that hold all terms, then of each."""
    mine = [_within(found, subject) for found in each]
    all_at_once = [line for line in mine[0] if line in together] if mine else []
    looked_at = {*all_at_once[:_LOOKED_AT], *(line for some in mine for line in some[:_LOOKED_AT])}
    rows = database.execute(
        "SELECT findable.findable, findable.kind, records.kind, number, at_ms, findable.text "  # noqa: S608
        "FROM findable LEFT JOIN records USING (record) "
        f"WHERE findable.findable IN ({', '.join('?' * len(looked_at))})",
        tuple(looked_at),
    )
    places = {
        line: Place(kind, f"{of}-{its:04d}" if its else kind, at_ms, text)
        for line, kind, of, its, at_ms, text in rows
    }

    def weight(line: int) -> tuple[int, int]:
        return _WEIGHT.get(places[line].kind, len(_WEIGHT)), line

    ranked = [
        sorted(filter(places.__contains__, some), key=weight) for some in (all_at_once, *mine)
    ]
    in_turn = [line for row in zip_longest(*ranked[1:]) for line in row if line is not None]
    return tuple(places[line] for line in dict.fromkeys([*ranked[0], *in_turn]))[:most]


def _within(lines: Sequence[int], subject: int) -> Sequence[int]:
    return lines[bisect_left(lines, subject * ROOM) : bisect_left(lines, (subject + 1) * ROOM)]


def _column(database: Database, asked: str, value: str) -> set[int]:
    return {number for (number,) in database.execute(asked, (value,))}


def _only(filters: Sequence[Filter]) -> tuple[list[str], list[str]]:
    """Return conditions that leave the lines asked for: kinds and writers, either of each."""
    conditions: list[str] = []
    values: list[str] = []
    for about, column in _OF_LINES.items():
        for wanted in (True, False):
            asked = [one.value for one in filters if one.about is about and one.wanted is wanted]
            asked += [QUOTE] if about is About.KIND and "note" in asked else []
            if asked:
                which = f"({', '.join('?' * len(asked))})"
                conditions.append(f"{column} {'IN' if wanted else 'NOT IN'} {which}")
                values += asked
    return conditions, values
