"""A case, or a person, as `show` shows it: what was said of it, and its drops."""

from intake.drop import Drop
from intake.records import Kind, Record
from intake.unlocked import Unlocked
from intake.views import View, fact, heading, indented
from intake.views.record import conflict_lines, note_lines, record_row
from intake.views.rows import HEAD, cells, clipped, row
from intake.wording import plain


def case_view(room: Unlocked, case: Record) -> View:
    """Return a case: its name, summary, drops and notes."""
    records = room.catalogue.records.within(case.id)
    drops = [drop for drop, _member in _drops(room, records, Kind.MEMBER)]
    glances = {drop.digest: room.catalogue.records.glance(drop.digest) for drop in drops}
    notes = [each for each in records if each.kind is Kind.NOTE]
    lines = [fact("id", case.name)]
    if case.content is not None:
        lines.append(fact("name", plain(case.content.name)))
        if case.content.closed:
            lines.append(fact("status", "closed"))
        if case.content.summary:
            lines += ["", *indented(case.content.summary, 0)]
    if drops:
        lines += heading("drops")
        rows = [cells(drop, glances[drop.digest]) for drop in drops]
        lines += _table(HEAD, clipped(rows))
    if notes:
        lines += [*heading("notes"), *note_lines(notes)]
    for each in (case, *records):
        lines += conflict_lines(each, _drop_id(room, each), case.name)
    said = record_row(case) | {
        "drops": [row(drop, glances[drop.digest]) for drop in drops],
        "notes": [record_row(each, within=case.name) for each in notes],
    }
    return View(said, lines)


def person_view(room: Unlocked, person: Record) -> View:
    """Return a person: what is known of them, and what they are in which drops."""
    records = room.catalogue.records.within(person.id)
    seen = _drops(room, records, Kind.APPEARANCE)
    notes = [each for each in records if each.kind is Kind.NOTE]
    lines = [fact("id", person.name)]
    if person.content is not None:
        lines.append(fact("name", plain(person.content.name)))
        if person.content.about:
            lines += ["", *indented(person.content.about, 0)]
    if seen:
        lines += heading("in")
        for drop, appearance in seen:
            role = appearance.content.role if appearance.content else "in conflict"
            lines.append(f"  {drop.id}  {plain(role)}")
    if notes:
        lines += [*heading("notes"), *note_lines(notes)]
    for each in (person, *records):
        lines += conflict_lines(each, _drop_id(room, each), person.name)
    said = record_row(person) | {
        "drops": [
            {"id": drop.id, "role": each.content.role if each.content else None}
            for drop, each in seen
        ],
        "notes": [record_row(each, within=person.name) for each in notes],
    }
    return View(said, lines)


def _drops(room: Unlocked, records: list[Record], kind: Kind) -> list[tuple[Drop, Record]]:
    """Return the drops that records of one kind are about, in the order of their numbers."""
    found = [
        (drop, each)
        for each in records
        if each.kind is kind and each.about and (drop := room.catalogue.drops.of(each.about))
    ]
    return sorted(found, key=lambda pair: pair[0].number)


def _drop_id(room: Unlocked, record: Record) -> str:
    drop = room.catalogue.drops.of(record.about) if record.about and record.in_conflict else None
    return drop.id if drop else ""


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """Return rows in columns, moved in by two."""
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
