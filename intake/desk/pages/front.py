"""The front page: what needs a person."""

from typing import Any

from aiohttp import web

from intake.desk.room import ROOM
from intake.desk.showing import shown
from intake.drop import Status
from intake.keeping.retention import standings
from intake.unlocked import Unlocked, today
from intake.views.rows import row


async def show(request: web.Request) -> web.StreamResponse:
    """Show what waits for somebody, and the newest drops."""
    said = await request.app[ROOM].ask(_said)
    return shown(request, "front.html", said)


def _said(desk: Unlocked) -> dict[str, Any]:
    drops, glances = desk.catalogue.drops.all(), desk.catalogue.records.glances()
    kept = standings(desk.catalogue.records)
    rows = [row(drop, glances[drop.digest]) if drop.digest in glances else row(drop)
            for drop in drops]  # fmt: skip
    opened = [drop for drop in drops if drop.status is Status.OPENED]
    return {
        "desk": desk.settings.desk.name,
        "total": len(drops),
        "unopened": sum(drop.status is Status.STORED for drop in drops),
        "set_aside": [each for each in rows if each["status"] == Status.SET_ASIDE],
        "alarms": [each for each in rows if each["alarms"]],
        "conflicts": [each for each in rows if each["work"]["conflicts"]],
        "due": [
            drop.id for drop in drops
            if drop.digest in kept and kept[drop.digest].is_due(today())
        ],
        "not_backed_up": len({drop.digest for drop in opened} - desk.catalogue.backups.held()),
        "newest": list(reversed(rows))[:10],
    }  # fmt: skip
