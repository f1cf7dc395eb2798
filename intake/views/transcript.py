"""A drop's transcripts as `show --transcript` shows them: a line for each time code."""

from collections.abc import Iterator

import msgspec

from intake import timecodes
from intake.drop import Drop
from intake.records import Kind, Line, Record, Revision, Transcript
from intake.unlocked import Unlocked
from intake.views import View
from intake.wording import plain


def transcript_view(room: Unlocked, drop: Drop) -> View:
    """Return the transcripts of a drop; of one in conflict, what either desk says."""
    transcripts = room.catalogue.records.all(Kind.TRANSCRIPT, about=drop.digest)
    said = [
        {"id": record.name, "by": head.by, "day": head.day} | msgspec.to_builtins(content)
        for record, head, content in _heads(transcripts)
    ]
    lines = [line for each in _heads(transcripts) for line in _shown(*each)]
    if not lines:
        lines = [f"{drop.id} has no transcript: tapedrop-intake note transcript {drop.id} FILE"]
    return View({"id": drop.id, "transcripts": said}, lines)


def transcript_names(records: list[Record]) -> str:
    """Return what transcripts there are: transcript-0001 (es, 120 lines)."""
    return ", ".join(f"{each.name} ({_what(content)})" for each, _, content in _heads(records))


def _heads(records: list[Record]) -> Iterator[tuple[Record, Revision, Transcript]]:
    for record in records:
        for head in record.heads:
            if isinstance(head.content, Transcript):
                yield record, head, head.content


def _what(content: Transcript) -> str:
    lines = f"{len(content.lines)} lines"
    return f"{plain(content.language)}, {lines}" if content.language else lines


def _shown(record: Record, head: Revision, content: Transcript) -> Iterator[str]:
    yield f"{record.name} ({_what(content)}), by {plain(head.by)} on {plain(head.day)}"
    codes = [timecodes.text(line.at_ms) for line in content.lines]
    widest = max(map(len, codes), default=0)
    for code, line in zip(codes, content.lines, strict=True):
        yield f"  {code:>{widest}}  {plain(_spoken(line))}"


def _spoken(line: Line) -> str:
    return f"{line.speaker}: {line.text}" if line.speaker else line.text
