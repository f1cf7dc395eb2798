"""The newsroom's keys: whom a recording is sealed to, for whoever wants to compare."""

from aiohttp import web

from server.pages.parts import PARTS, page


async def show(request: web.Request) -> web.Response:
    """Show each key that recordings are sealed to now, with its fingerprint."""
    newsroom = await request.app[PARTS].sealer.newsroom()
    usable = [key for key in newsroom.keys if not key.problem]
    return page(request, "keys.html", here="/keys", keys=usable)
