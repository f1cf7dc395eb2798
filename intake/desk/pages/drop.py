"""One drop: what came, what was found out and added, and the forms to add more."""

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from intake import timecodes
from intake.desk.room import ROOM
from intake.desk.showing import shown
from intake.drop import Drop
from intake.errors import BadRecord, BadText
from intake.pen import tag_of
from intake.records import Checked, Kind, Transcript, WorkStatus
from intake.unlocked import Unlocked
from intake.verifying import STEPS
from intake.views.drop import drop_view

Write = Callable[[Unlocked, Drop, Mapping[str, str]], None]


async def show(request: web.Request) -> web.StreamResponse:
    """Show one drop."""
    number = request.match_info["number"]
    said = await request.app[ROOM].ask(lambda desk: _said(desk, desk.drop(number)))
    return shown(request, "drop.html", said)


async def note(request: web.Request) -> web.StreamResponse:
    """Add a note, or a quote."""
    return await _written(request, _note)


async def say(request: web.Request) -> web.StreamResponse:
    """Say how far the work is, who does it, and what it is about."""
    return await _written(request, _say)


async def check(request: web.Request) -> web.StreamResponse:
    """Say what came of a step of verification."""
    return await _written(request, _check)


async def _written(request: web.Request, write: Write) -> web.StreamResponse:
    number = request.match_info["number"]
    form = {name: str(value) for name, value in (await request.post()).items()}

    def written(desk: Unlocked) -> None:
        drop = desk.drop(number)
        with desk.catalogue.whole():
            write(desk, drop, form)

    await request.app[ROOM].ask(written)
    return web.Response(status=303, headers={"Location": f"/drops/{number}#written"})


def _note(desk: Unlocked, drop: Drop, form: Mapping[str, str]) -> None:
    at, until = (_moment(form.get(name, "")) for name in ("at", "until"))
    desk.pen.note(
        form.get("text", ""), about=drop.digest, at_ms=at, until_ms=until,
        quote=form.get("quote") == "yes",
    )  # fmt: skip


def _moment(typed: str) -> int | None:
    try:
        return timecodes.parsed(typed) if typed.strip() else None
    except ValueError as error:
        raise BadText(str(error)) from None


def _say(desk: Unlocked, drop: Drop, form: Mapping[str, str]) -> None:
    before = desk.catalogue.records.glance(drop.digest)
    status = form.get("status", before.status)
    if status not in {each.value for each in WorkStatus}:
        raise BadRecord("there is no such status")
    if status != before.status:
        desk.pen.say(Kind.STATUS, drop.digest, status)
    for kind, known in ((Kind.SUMMARY, before.summary), (Kind.ASSIGNEE, before.assignee)):
        text = form.get(kind, known)
        if text != known:
            desk.pen.say(kind, drop.digest, text)
    tags = {tag_of(each) for each in form.get("tags", "").split(",") if each.strip()}
    for tag in sorted(tags - set(before.tags)):
        desk.pen.tag(drop.digest, tag)
    for tag in sorted(set(before.tags) - tags):
        desk.pen.tag(drop.digest, tag, on=False)


def _check(desk: Unlocked, drop: Drop, form: Mapping[str, str]) -> None:
    step, state = form.get("step", ""), form.get("state", "")
    if step not in STEPS or state not in {each.value for each in Checked}:
        raise BadRecord("there is no such step, or no such outcome")
    desk.pen.check(drop.digest, step, Checked(state), form.get("text", ""))


def _said(desk: Unlocked, drop: Drop) -> dict[str, Any]:
    said = drop_view(desk, drop).said
    found = {each["step"]: each for each in said["checklist"] if each}
    transcripts = desk.catalogue.records.all(Kind.TRANSCRIPT, about=drop.digest)
    return {
        "drop": said,
        "cases": [
            (each.name, each.number, each.content.name)
            for each in desk.catalogue.records.all(Kind.CASE)
            if each.content and each.name in said["work"]["cases"]
        ],
        "steps": [(step, asks, found.get(step)) for step, asks in STEPS.items()],
        "states": [each.value for each in Checked],
        "statuses": [each.value for each in WorkStatus],
        "transcripts": [
            (each.name, each.content) for each in transcripts
            if isinstance(each.content, Transcript)
        ],
        "backed_up": desk.catalogue.backups.holds(drop.digest),
    }  # fmt: skip
