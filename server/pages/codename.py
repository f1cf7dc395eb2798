"""The codename on a step of its own, before the form: a broken upload must not take it along."""

from aiohttp import web

from crypto.codename import new_codename, words_of
from server.pages.parts import SESSIONS, any_visit, page, remember


async def show(request: web.Request) -> web.Response:
    """Show the visit's codename; a reload repeats it. Nothing is stored for it yet."""
    session = any_visit(request) or request.app[SESSIONS].begin(b"")
    session.codename = session.codename or new_codename()
    response = page(request, "codename.html", codename=words_of(session.codename))
    remember(response, session)
    return response
