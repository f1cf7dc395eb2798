"""Sources, and all that went from one of them to the newsroom and back."""

from aiohttp import web

from intake.desk.room import ROOM
from intake.desk.showing import shown
from intake.views.source import source_view


async def show_all(request: web.Request) -> web.StreamResponse:
    """Show every source of whom a drop is open."""
    sources = await request.app[ROOM].ask(lambda desk: desk.catalogue.sources.all())
    return shown(request, "sources.html", {"sources": sources})


async def show(request: web.Request) -> web.StreamResponse:
    """Show one source's thread."""
    number = int(request.match_info["number"])
    view = await request.app[ROOM].ask(
        lambda desk: source_view(desk, desk.catalogue.sources.one(number))
    )
    return shown(request, "source.html", {"source": view.said})
