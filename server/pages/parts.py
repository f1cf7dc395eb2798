"""What the pages share: the parts they work with, the visit's cookie, the page that says no."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import aiohttp_jinja2
from aiohttp import web

from server.config import Config
from server.deriving import Deriver
from server.events import Journal, Reason
from server.pipeline import Parts
from server.sessions import COOKIE, Session, Sessions
from server.wording import Words, words_for

CONFIG: Final = web.AppKey("config", Config)
PARTS: Final = web.AppKey("parts", Parts)
DERIVER: Final = web.AppKey("deriver", Deriver)
JOURNAL: Final = web.AppKey("journal", Journal)
SESSIONS: Final = web.AppKey("sessions", Sessions)
NOW: Final[web.AppKey[Callable[[], datetime]]] = web.AppKey("now")


def page(request: web.Request, template: str, *, status: int = 200, **context: Any) -> web.Response:
    """Return one of our pages."""
    return aiohttp_jinja2.render_template(template, request, context, status=status)


def refusal(request: web.Request, reason: Reason, *, status: int) -> web.Response:
    """Return the page that says why nothing was taken, and ends the connection."""
    return last_page(request, words_for(reason), status=status)


def last_page(request: web.Request, words: Words, *, status: int) -> web.Response:
    """Return the page that says what didn't work and what to do, and ends the connection.

    Ending it keeps what is still being sent from ever being read as a second request.
    """
    response = page(request, "refused.html", status=status, words=words)
    response.force_close()
    return response


def visit(request: web.Request) -> Session | None:
    """Return the visit this request belongs to, if it lasts and has a codename."""
    session = any_visit(request)
    return session if session is not None and session.codename else None


def any_visit(request: web.Request) -> Session | None:
    """Return the visit this request belongs to, if it lasts."""
    return request.app[SESSIONS].find(request.cookies.get(COOKIE))


def remember(response: web.StreamResponse, session: Session) -> None:
    """Give the browser the visit's cookie; not `Secure`, because an onion service is http."""
    response.set_cookie(COOKIE, session.cookie, httponly=True, samesite="Strict", path="/")
