"""A source as `show` shows it: what they sent and what was answered, as one thread."""

from dataclasses import dataclass
from typing import Any

from intake.catalogue.sources import Known
from intake.drop import Drop
from intake.records import Kind, Record
from intake.unlocked import Unlocked
from intake.views import View, fact, indented
from intake.views.drop import message
from intake.views.rows import about, cleanness, row
from intake.wording import plain, size_text


@dataclass(frozen=True, slots=True)
class Letter:
    """One thing that went from the source to the newsroom, or back."""

    day: str
    ours: bool
    number: int
    """Of the drop, or of the reply: what came on one day is in this order."""
    said: dict[str, Any]
    lines: list[str]


def source_view(room: Unlocked, source: Known) -> View:
    """Return all that a source sent and was answered, in the order of days.

    A day is all that is known of when something came, so what was said on the same day may have
    crossed: theirs stands first.
    """
    drops = room.catalogue.drops.from_source(source.number)
    letters = [_theirs(room, drop) for drop in drops]
    for drop in drops:
        replies = room.catalogue.records.all(Kind.REPLY, about=drop.digest)
        letters += [_ours(room, drop, each) for each in replies]
    letters.sort(key=lambda letter: (letter.day, letter.ours, letter.number))
    days = source.first_day if source.first_day == source.last_day else (
        f"{source.first_day} to {source.last_day}"
    )  # fmt: skip
    lines = [
        fact("id", source.id),
        fact("pseudonym", plain(source.pseudonym)),
        fact("sent", _sent(source)),
        fact("days", plain(days)),
    ]
    for letter in letters:
        lines += ["", *letter.lines]
    said = {
        "id": source.id,
        "pseudonym": source.pseudonym,
        "drops": source.drops,
        "messages": source.messages,
        "thread": [letter.said for letter in letters],
    }
    return View(said, lines)


def _sent(source: Known) -> str:
    counts = ((source.drops - source.messages, "recording"), (source.messages, "message"))
    return ", ".join(f"{count} {what}{'s' if count > 1 else ''}" for count, what in counts if count)


def _theirs(room: Unlocked, drop: Drop) -> Letter:
    manifest = drop.manifest
    assert manifest is not None  # whose source is known, is open
    glance = room.catalogue.records.glance(drop.digest)
    text = message(room, drop)
    lines = [f"{plain(manifest.day)}  {plain(manifest.source.pseudonym)}  {drop.id}"]
    if drop.kind == "recording":
        form = plain(drop.cleaned_format or manifest.format)
        said = f"{form}, {size_text(manifest.size)}, {cleanness(drop)}. {about(glance)}"
        lines.append(f"  [recording: {said.rstrip('. ')}]")
    elif text is None:
        lines.append(f"  [message: tapedrop-intake open {drop.id} shows it]")
    else:
        lines += indented(text)
    row_of = {"day": manifest.day, "from": "source", "text": text, "drop": row(drop, glance)}
    return Letter(manifest.day, False, drop.number, row_of, lines)


def _ours(room: Unlocked, drop: Drop, reply: Record) -> Letter:
    first = next(iter(room.catalogue.records.revisions(record=reply.id)))
    text = reply.content.text if reply.content else ""
    sealed = room.catalogue.replies.of(reply.id)
    waits = sealed is not None and sealed.carried is None
    head = f"{plain(first.day)}  {plain(first.by)} (the newsroom)  {reply.name}"
    lines = [f"{head}{', waits for a receipt' if waits else ''}", *indented(text)]
    said = {"day": first.day, "from": "newsroom", "text": text, "reply": reply.name, "by": first.by}
    said |= {"answers": drop.id, "waits": waits}
    return Letter(first.day, True, reply.number, said, lines)
