"""One drop as `show` shows it: what came, what was added to it, and what a message says."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import msgspec

from crypto.manifest import NOT_READ, Condition
from intake.arriving.provenance import Provenance
from intake.catalogue import Glance
from intake.drop import Cleaning, Drop, Status
from intake.errors import VaultDamaged
from intake.export import message_text
from intake.records import Checked, Kind, Record
from intake.unlocked import Unlocked
from intake.verifying import STEPS
from intake.views import View, fact, heading, indented
from intake.views.record import conflicts, in_time, note_lines, record_row
from intake.views.rows import HEAD, cells, row
from intake.views.transcript import transcript_names
from intake.wording import ALARMS, CONDITIONS, kind_text, plain, scrubbed, sound_text
from scrub import StreamFacts


def drop_view(room: Unlocked, drop: Drop) -> View:
    """Return one drop with all that was added to it; of a message, its text."""
    glance = room.catalogue.records.glance(drop.digest)
    records = room.catalogue.records.about(drop.digest)
    people = _people(room, records)
    bags, text = _bags(room, drop), message(room, drop)
    facts = room.catalogue.studies.facts(drop.digest)
    cleaning = room.catalogue.studies.cleaning(drop.digest)
    said = row(drop, glance) | {
        "values": _values(drop),
        "bags": bags,
        "text": text,
        "facts": facts and asdict(facts),
        "cleaning": cleaning and asdict(cleaning),
        "notes": [record_row(each, drop=drop.id) for each in in_time(_of(Kind.NOTE, records))],
        "people": people,
        "checklist": [msgspec.to_builtins(each.content) for each in _of(Kind.CHECK, records)],
        "transcripts": [each.name for each in _of(Kind.TRANSCRIPT, records)],
        "conflicts": [record_row(each, drop=drop.id) for each in records if each.in_conflict],
    }
    lines = [*_what_came(drop, bags), *_found_out(facts, cleaning)]
    if drop.status is Status.OPENED and not room.working.has(drop.digest):
        lines.append(fact("closed", f"its working copy is gone: tapedrop-intake open {drop.id}"))
    lines += [*_what_was_added(drop, glance, records, people), *conflicts(room, records, drop)]
    if text is not None:
        lines += ["", *indented(text, 0)]
    return View(said, lines)


def _what_came(drop: Drop, bags: Sequence[dict[str, Any]]) -> Iterator[str]:
    shown = ("id", "status") if drop.manifest is None else ("id", "day", "from", "what", "size")
    for name, cell in zip(HEAD, cells(drop), strict=True):
        if name in shown:
            yield fact(name, cell)
    if drop.manifest is not None:
        yield fact("source", drop.source_id or "-")
        yield fact("condition", CONDITIONS[drop.manifest.condition])
        if drop.manifest.condition is Condition.CLEANED:
            yield fact("scrubbed", scrubbed(drop.manifest.removed, drop.manifest.remains))
    yield fact("evidence", drop.digest.hex())
    for bag in bags:
        yield fact("bag", f"{bag['bag']}, signed on {bag['day']}")
    for alarm in drop.alarms:
        yield fact("ALARM", ALARMS[alarm])
    for value in _values(drop):
        yield value_line(**value)


def _found_out(facts: StreamFacts | None, cleaning: Cleaning | None) -> Iterator[str]:
    if facts is not None and facts.length_ms:
        yield fact("sound", sound_text(facts))
    if cleaning is not None:
        yield fact("here", str(cleaning.outcome))


def _what_was_added(
    drop: Drop, glance: Glance, records: Sequence[Record], people: Sequence[dict[str, Any]]
) -> Iterator[str]:
    if drop.manifest is not None:
        yield fact("status", plain(glance.status))
    for name, text in (
        ("who", glance.assignee),
        ("summary", glance.summary),
        ("tags", ", ".join(glance.tags)),
        ("cases", ", ".join(glance.cases)),
    ):
        if text:
            yield fact(name, plain(text))
    for person in people:
        yield fact("person", f"{person['id']} {plain(person['name'])}: {plain(person['role'])}")
    checks = [each.content for each in _of(Kind.CHECK, records) if each.content]
    if checks:
        done = sum(check.state is not Checked.OPEN for check in checks)
        failed = sum(check.state is Checked.FAILED for check in checks)
        said = f"{done} of {len(STEPS)} steps" + (f", {failed} failed" if failed else "")
        yield fact("checklist", f"{said}: tapedrop-intake checklist {drop.id}")
    transcripts = _of(Kind.TRANSCRIPT, records)
    if transcripts:
        yield fact("transcript", transcript_names(transcripts))
    notes = _of(Kind.NOTE, records)
    if notes:
        yield from heading("notes")
        yield from note_lines(notes)


def _of(kind: Kind, records: Sequence[Record]) -> list[Record]:
    return [each for each in records if each.kind is kind]


def _people(room: Unlocked, records: Sequence[Record]) -> list[dict[str, Any]]:
    people = []
    for each in _of(Kind.APPEARANCE, records):
        person = room.catalogue.records.get(each.within) if each.within else None
        if person is not None and person.content is not None and each.content is not None:
            name, role = person.content.name, each.content.role
            people.append({"id": person.name, "name": name, "role": role})
    return people


def value_line(kind: str, name: str, text: str) -> str:
    """Return a line for a value that was taken out, or that says that they could not be read."""
    if kind == NOT_READ.kind:  # nothing that the recording said
        return fact("values", plain(text))
    return fact("it said", f"{kind_text(kind)}: {plain(name)}: {plain(text)}")


def _values(drop: Drop) -> list[dict[str, str]]:
    return [asdict(value) for value in drop.manifest.values] if drop.manifest is not None else []


def _bags(room: Unlocked, drop: Drop) -> list[dict[str, Any]]:
    provenance = Provenance(room.layout.bags, room.settings.server.signer)
    try:
        return [
            {"bag": name, "day": bag.day.isoformat()}
            for name, bag in provenance.bags()
            if drop.digest in bag.digests.values()
        ]
    except VaultDamaged:  # an alarm said so when the desk was unlocked
        return []


def message(room: Unlocked, drop: Drop) -> str | None:
    """Return what a message says; None where it is none, or its working copy was dropped."""
    if drop.kind != "message" or not room.working.has(drop.digest):
        return None
    return message_text(drop, working=room.working)
