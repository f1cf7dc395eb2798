"""One drop as others see it: a row of JSON, cells of a table, or facts line by line."""

from typing import Any, Final

from crypto.manifest import Condition
from intake import timecodes
from intake.catalogue.glances import NOTHING, Glance
from intake.drop import MESSAGE, Drop, Status
from intake.wording import CONDITIONS, plain, size_text

HEAD: Final = ("id", "day", "from", "what", "size", "status", "who", "about")
WIDEST: Final = 100
"""Letters of a line of `list`, for all but the longest names."""
_NARROWEST_ABOUT: Final = 20


def row(drop: Drop, glance: Glance = NOTHING) -> dict[str, Any]:
    """Return everything a program may want to know; what isn't known yet is null."""
    known: dict[str, Any] = dict.fromkeys(
        ["day", "pseudonym", "kind", "name", "format", "size", "condition", "removed", "remains"]
    )
    if drop.manifest is not None:
        known = {name: getattr(drop.manifest, name, None) for name in known}
        known["pseudonym"] = drop.manifest.source.pseudonym
        known["kind"] = drop.kind
    return {
        "id": drop.id,
        "sha256": drop.digest.hex(),
        "status": drop.status,
        "set_aside": drop.set_aside,
        "canary_day": drop.canary_day,
        "alarms": list(drop.alarms),
        "source": drop.source_id,
        "length_ms": drop.length_ms,
        "cleaned_format": drop.cleaned_format,
        **known,
        "work": {
            "status": glance.status,
            "assignee": glance.assignee,
            "summary": glance.summary,
            "tags": list(glance.tags),
            "cases": list(glance.cases),
            "notes": glance.notes,
            "steps_done": glance.done,
            "conflicts": glance.conflicts,
        },
    }


def cells(drop: Drop, glance: Glance = NOTHING) -> tuple[str, ...]:
    """Return one cell for each of HEAD."""
    manifest = drop.manifest
    sent = ("-",) * 4
    if manifest is not None:
        pseudonym = plain(manifest.source.pseudonym)
        sent = (plain(manifest.day), pseudonym, _what(drop), size_text(manifest.size))
    return (
        drop.id,
        *sent,
        _status(drop, glance),
        plain(glance.assignee) or "-",
        _about(drop, glance),
    )


def cleanness(drop: Drop) -> str:
    """Return whether an open drop is cleaned, and that it was here where it was here."""
    assert drop.manifest is not None
    return "cleaned here" if drop.cleaned_format else CONDITIONS[drop.manifest.condition]


def clipped(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return rows whose last cells are as short as a line of WIDEST letters asks for."""
    widths = [max(map(len, column)) for column in zip(HEAD, *rows, strict=True)]
    room = max(WIDEST - sum(widths[:-1]) - 2 * (len(HEAD) - 1), _NARROWEST_ABOUT)
    return [(*cells, _clip(last, room)) for *cells, last in rows]


def about(glance: Glance) -> str:
    """Return what was said of a drop, on one line: its summary, its tags."""
    said = [plain(glance.summary), " ".join(f"#{plain(tag)}" for tag in glance.tags)]
    if glance.conflicts:
        said.insert(0, "IN CONFLICT")
    return " ".join(each for each in said if each)


def _what(drop: Drop) -> str:
    assert drop.manifest is not None
    form = drop.cleaned_format or drop.manifest.format
    what = "message" if drop.kind == "message" else plain(form)
    if drop.length_ms:
        what += f" {timecodes.text(drop.length_ms // 1000 * 1000)}"
    return what


def _about(drop: Drop, glance: Glance) -> str:
    came_uncleaned = drop.manifest and drop.manifest.condition is Condition.UNCLEANED
    said = [cleanness(drop)] if came_uncleaned else []
    return ", ".join([*said, *filter(None, [about(glance)])])


def _status(drop: Drop, glance: Glance) -> str:
    """Return how far a drop is: the work with it, once it is open."""
    status = plain(glance.status) if drop.status is Status.OPENED else str(drop.status)
    if drop.status is Status.SET_ASIDE:
        status += f": {drop.set_aside}"
    if drop.purged_day is not None:
        status += f" on {plain(drop.purged_day)}"
    if drop.canary_day is not None:
        status += f": sent on {plain(drop.canary_day)}"
    if drop.alarms:
        status += " (ALARM)"
    return status


def _clip(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"


__all__ = ["HEAD", "MESSAGE", "about", "cells", "cleanness", "clipped", "row"]
