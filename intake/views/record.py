"""Notes and whatever else reporters add: a line each, or one with its earlier versions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from intake import timecodes
from intake.drop import Drop
from intake.records import (
    Appearance,
    Case,
    Check,
    Content,
    Kind,
    Note,
    Person,
    Record,
    Reply,
    Retention,
    Revision,
    Text,
    Transcript,
)
from intake.unlocked import Unlocked
from intake.views import View, fact, heading, indented
from intake.wording import plain

DECIDE: Final[Mapping[Kind, str]] = {
    Kind.NOTE: "note edit {name} TEXT, or note remove {name}",
    Kind.TRANSCRIPT: "note transcript {drop} FILE",
    Kind.STATUS: "note set {drop} --status …",
    Kind.ASSIGNEE: "note set {drop} --assign …",
    Kind.SUMMARY: "note set {drop} --summary …",
    Kind.TAG: "note set {drop} --tag …, or --untag …",
    Kind.CASE: "case rename {name} NAME",
    Kind.MEMBER: "case put {within} {drop}, or case take",
    Kind.PERSON: "person edit {name} --name …",
    Kind.APPEARANCE: "person in {drop} {within} --role …, or person out",
    Kind.CHECK: "checklist set {drop} STEP --done, --failed or --not-possible",
    Kind.RETENTION: "retain {drop} …",
}
"""What stands in for both versions of a record in conflict."""


def record_row(
    record: Record, *, drop: str | None = None, within: str | None = None
) -> dict[str, Any]:
    """Return what a program may want to know of a record; `drop`, `within` are ids of people's."""
    return {
        "id": record.name,
        "record": record.id.hex(),
        "kind": record.kind,
        "drop": drop,
        "within": within,
        "day": record.heads[-1].day,
        "by": record.heads[-1].by,
        "content": msgspec.to_builtins(record.content),
        "conflict": [revision_row(head) for head in record.heads] if record.in_conflict else None,
    }


def revision_row(revision: Revision) -> dict[str, Any]:
    """Return one version of a record."""
    content = msgspec.to_builtins(revision.content)
    return {"day": revision.day, "by": revision.by, "content": content}


def record_view(room: Unlocked, record: Record) -> View:
    """Return a record with its earlier versions, the newest last."""
    drop = room.catalogue.drops.of(record.about) if record.about else None
    within = room.catalogue.records.get(record.within) if record.within else None
    row = record_row(record, drop=drop.id if drop else None, within=within.name if within else None)
    versions = list(room.catalogue.records.revisions(record=record.id))
    lines = [fact("id", record.name)]
    if drop is not None:
        lines.append(fact("about", drop.id))
    if within is not None:
        lines.append(fact("in", f"{within.name} {plain(_name_of(within))}"))
    for each in versions:
        lines += heading(f"{plain(each.day)}, {plain(each.by)}")
        lines += indented(saying(each.content))
    lines += conflict_lines(record, drop.id if drop else "", within.name if within else "")
    return View(row | {"versions": [revision_row(each) for each in versions]}, lines)


def note_lines(notes: Iterable[Record]) -> Iterator[str]:
    """Yield notes and quotes, each on its line, those at a time code in its order and first."""
    rows = [(*_where(note), _written(note)) for note in in_time(notes)]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for name, place, by, text in rows:
        head = f"  {name:{widths[0]}}  {place:>{widths[1]}}  {by:{widths[2]}}  "
        first, *more = plain(text, lines=True).splitlines() or [""]
        yield f"{head}{first}"
        yield from (f"{'':{len(head)}}{line}".rstrip() for line in more)


def _where(note: Record) -> tuple[str, str, str]:
    at_ms, until_ms = (getattr(note.content, name, None) for name in ("at_ms", "until_ms"))
    return note.name, timecodes.span(at_ms, until_ms) or "-", plain(note.heads[-1].by)


def _written(note: Record) -> str:
    if note.content is None:
        return "(in conflict: one desk removed it)"
    text: str = note.content.text
    return f"“{text}”" if note.content.quote else text


def in_time(notes: Iterable[Record]) -> list[Record]:
    """Return notes by their time codes, then those about the whole by their numbers."""

    def place(note: Record) -> tuple[float, int]:
        at_ms = getattr(note.content, "at_ms", None)
        return (float("inf") if at_ms is None else at_ms, note.number)

    return sorted(notes, key=place)


def conflict_lines(record: Record, drop: str, within: str) -> list[str]:
    """Return what desks say differently of a record, and how to decide; else nothing."""
    if not record.in_conflict:
        return []
    lines = heading(f"IN CONFLICT: {record.name}, of which desks say different things")
    for head in record.heads:
        shown = "  (shown)" if head is record.heads[-1] else ""
        lines.append(f"  {plain(head.by)}, {plain(head.day)}{shown}")
        lines += indented(saying(head.content), 4)
    how = DECIDE.get(record.kind)
    if how is not None:
        how = how.format(name=record.name, drop=drop or "DROP", within=within or "CASE")
        lines.append(f"  to decide: tapedrop-intake {how}")
    return lines


def conflicts(room: Unlocked, records: Sequence[Record], drop: Drop) -> Iterator[str]:
    """Yield the lines about every record of a drop that is in conflict."""
    for each in records:
        within = room.catalogue.records.get(each.within) if each.within else None
        yield from conflict_lines(each, drop.id, within.name if within else "")


def saying(content: Content | None) -> str:
    """Return what a record of any kind says, in a few words; not made plain."""
    match content:
        case None:
            return "removed"
        case Note(text=text, at_ms=at_ms, until_ms=until_ms, quote=quote):
            place = timecodes.span(at_ms, until_ms)
            said = f"“{text}”" if quote else text
            return f"{place}  {said}" if place else said
        case Text(text=text) | Reply(text=text):
            return text
        case Case(summary=text) | Person(about=text) | Check(text=text):
            return _title(content) + (f"\n{text}" if text else "")
        case Appearance(role=role):
            return role
        case Transcript(lines=lines, language=language):
            return f"a transcript of {len(lines)} lines{f', {language}' if language else ''}"
        case Retention(until=until, hold=hold):
            return f"until {until or 'further notice'}" + (f", on hold: {hold}" if hold else "")
        case _:  # a Member says all by being there
            return "in it"


def _title(content: Case | Person | Check) -> str:
    match content:
        case Case(name=name, closed=closed):
            return f"{name} (closed)" if closed else name
        case Person(name=name):
            return name
        case Check(step=step, state=state):
            return f"{step}: {state}"


def _name_of(record: Record) -> str:
    return str(getattr(record.content, "name", ""))
