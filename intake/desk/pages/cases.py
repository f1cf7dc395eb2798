"""Cases, and the people in them."""

from typing import Any

from aiohttp import web

from intake.desk.room import ROOM
from intake.desk.showing import shown
from intake.records import Kind
from intake.unlocked import Unlocked
from intake.views.case import case_view, person_view


async def show_all(request: web.Request) -> web.StreamResponse:
    """Show every case and every person."""
    return shown(request, "cases.html", await request.app[ROOM].ask(_all))


async def show(request: web.Request) -> web.StreamResponse:
    """Show one case: its drops and notes."""
    number = int(request.match_info["number"])
    view = await request.app[ROOM].ask(
        lambda desk: case_view(desk, desk.catalogue.records.one(Kind.CASE, number))
    )
    return shown(request, "case.html", {"case": view.said})


async def show_person(request: web.Request) -> web.StreamResponse:
    """Show one person: what is known, and where they are heard."""
    number = int(request.match_info["number"])
    view = await request.app[ROOM].ask(
        lambda desk: person_view(desk, desk.catalogue.records.one(Kind.PERSON, number))
    )
    return shown(request, "person.html", {"person": view.said})


def _all(desk: Unlocked) -> dict[str, Any]:
    return {
        kind: [each for each in desk.catalogue.records.all(of) if each.content is not None]
        for kind, of in (("cases", Kind.CASE), ("people", Kind.PERSON))
    }
