"""The first page: what this is, in a few plain words, and one button."""

from pathlib import Path

from aiohttp import web

from server.pages.parts import LOGO, page

_STYLE = (Path(__file__).parent.parent / "static" / "style.css").read_text()


async def show(request: web.Request) -> web.Response:
    """Say what happens to a recording, what can't be taken out of it, and what to do about it."""
    return page(request, "front.html", languages_open=True)


async def style(_request: web.Request) -> web.Response:
    """The one style sheet."""
    return web.Response(text=_STYLE, content_type="text/css")


async def logo(request: web.Request) -> web.Response:
    """The newsroom's logo, if it has one."""
    if not request.app[LOGO]:
        raise web.HTTPNotFound
    return web.Response(body=request.app[LOGO], content_type="image/png")
