"""End the visit: the server forgets it, the browser is told to, and the rest is said."""

from typing import Final

from aiohttp import web

from server.events import Reason
from server.pages.parts import SESSIONS, any_visit, go_to, page, refusal, sent_by_another
from server.sessions import COOKIE

_CLEAR: Final = '"cache", "cookies", "storage"'
"""Clear-Site-Data (W3C): a browser that knows it forgets what it holds of this address."""


async def end(request: web.Request) -> web.Response:
    """End the visit, if it is this one's own page that asks; one that is over ends once more."""
    if sent_by_another(request):
        return go_to(request, "/")
    session = any_visit(request, only_looking=True)
    if session is not None:
        if not session.token_is(request.match_info["token"]):
            return refusal(request, Reason.NO_SESSION, status=403)
        request.app[SESSIONS].end(session)
    return left(request)


def left(request: web.Request, *, closed: bool = False) -> web.Response:
    """Return the page after a visit; `closed` says that the mailbox is gone as well."""
    here = "/mailbox/closed" if closed else "/"
    response = page(request, "left.html", here=here, closed=closed)
    response.headers["Clear-Site-Data"] = _CLEAR
    response.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
    return response
