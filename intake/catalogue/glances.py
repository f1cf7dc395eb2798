"""What a list shows of every drop at once: what reporters added to it, in a few words.

Read from what each record says now (`records.shown`), by a few queries however many drops.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from intake.catalogue.database import Database
from intake.records import Kind, WorkStatus


@dataclass(frozen=True, slots=True)
class Glance:
    """What was added to one drop. Where two desks disagree, it holds what is shown."""

    status: str = WorkStatus.NEW
    assignee: str = ""
    summary: str = ""
    tags: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    """As reporters call them: case-0001, and so on."""
    notes: int = 0
    done: int = 0
    """Steps of verification that are not open any more."""
    conflicts: int = 0
    """Records that two desks have changed, about which nobody has decided."""


NOTHING: Final = Glance()
GLANCED: Final = {Kind.STATUS, Kind.ASSIGNEE, Kind.SUMMARY, Kind.TAG, Kind.MEMBER, Kind.CHECK}
"""Of which a glance holds what they say; of others only that they are there."""

_TEXTS: Final = """
    SELECT about, kind, shown ->> '$.text' FROM records
    WHERE kind IN ('status', 'assignee', 'summary', 'tag') AND shown IS NOT NULL AND {which}
    ORDER BY number
"""
_CASES: Final = """
    SELECT records.about, cases.number FROM records
    JOIN records AS cases ON cases.record = records.within
    WHERE records.kind = 'member' AND records.shown IS NOT NULL AND {which} ORDER BY cases.number
"""
_COUNTED: Final = """
    SELECT about, count(*) FROM records WHERE {condition} AND {which} GROUP BY about
"""
_COUNTS: Final = {
    "notes": "kind = 'note' AND shown IS NOT NULL",
    "done": "kind = 'check' AND shown ->> '$.state' <> 'open'",
    "conflicts": "split",
}


def glances(database: Database, drop: bytes | None = None) -> dict[bytes, Glance]:
    """Return what was added to each drop, by its digest; drops with nothing aren't in it.

    With `drop`, a digest, of that one only.
    """
    which = "records.about IS NOT NULL" if drop is None else "records.about = ?"
    values = () if drop is None else (drop,)
    texts: defaultdict[bytes, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for about, kind, text in database.execute(_TEXTS.format(which=which), values):
        texts[about][kind].append(text)
    for about, number in database.execute(_CASES.format(which=which), values):
        texts[about][Kind.MEMBER].append(f"{Kind.CASE}-{number:04d}")
    counts: defaultdict[bytes, dict[str, int]] = defaultdict(dict)
    for name, condition in _COUNTS.items():
        counted = _COUNTED.format(condition=condition, which=which)
        for about, count in database.execute(counted, values):
            counts[about][name] = count
    return {
        about: Glance(
            status=_last(texts[about][Kind.STATUS]) or WorkStatus.NEW,
            assignee=_last(texts[about][Kind.ASSIGNEE]),
            summary=_last(texts[about][Kind.SUMMARY]),
            tags=tuple(sorted(texts[about][Kind.TAG])),
            cases=tuple(texts[about][Kind.MEMBER]),
            **counts[about],
        )
        for about in texts.keys() | counts.keys()
    }


def _last(texts: list[str]) -> str:
    return texts[-1] if texts else ""
