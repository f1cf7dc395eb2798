"""All drops, or those that are asked for."""

import re
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from intake.desk.room import ROOM
from intake.desk.showing import shown
from intake.drop import Status
from intake.records import WorkStatus
from intake.unlocked import Unlocked
from intake.views.rows import row

MOST_ROWS = 200
_STATUSES = (Status.STORED.value, *(each.value for each in WorkStatus))


async def show(request: web.Request) -> web.StreamResponse:
    """Show drops in a table, a page of it at a time."""
    asked = dict(request.query)
    said = await request.app[ROOM].ask(lambda desk: _said(desk, asked))
    return shown(request, "drops.html", said)


def _said(desk: Unlocked, asked: Mapping[str, str]) -> dict[str, Any]:
    glances = desk.catalogue.records.glances()
    rows = [
        row(drop, glances[drop.digest]) if drop.digest in glances else row(drop)
        for drop in reversed(desk.catalogue.drops.all())
    ]
    status, who = asked.get("status", ""), asked.get("who", "").strip()
    if status == Status.STORED:
        rows = [each for each in rows if each["status"] == Status.STORED]
    elif status:
        rows = [
            each for each in rows
            if each["status"] == Status.OPENED and each["work"]["status"] == status
        ]  # fmt: skip
    if who:
        rows = [each for each in rows if each["work"]["assignee"].casefold() == who.casefold()]
    first = int(asked["from"]) if re.fullmatch("[0-9]{1,9}", asked.get("from", "")) else 0
    return {
        "rows": rows[first : first + MOST_ROWS],
        "total": len(rows),
        "first": first,
        "more": first + MOST_ROWS if len(rows) > first + MOST_ROWS else None,
        "status": status,
        "who": who,
        "statuses": _STATUSES,
    }
