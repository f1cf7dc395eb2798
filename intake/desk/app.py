"""The pages' one application: routes, the door, and what every page is given."""

import asyncio
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Final

from aiohttp import web

from intake.desk.door import COOKIE, DOOR, HEADERS, Door
from intake.desk.pages import PAGES
from intake.desk.room import ROOM, Room
from intake.desk.showing import set_up, shown
from intake.errors import IntakeError, UnknownDrop, UnknownRecord
from intake.wording import told

ASKED: Final = web.AppKey("asked", asyncio.Event)
"""Set whenever the browser that was let in asks for a page."""
MAY_STAY: Final = web.AppKey[Callable[[], bool]]("may_stay")
"""Whether the pages may be shown still: `lock` ends them."""
LARGEST_FORM_BYTES: Final = 512 * 1024
_UNKNOWN: Final = (UnknownDrop, UnknownRecord)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_app(room: Room, door: Door, may_stay: Callable[[], bool]) -> web.Application:
    """Return the application over one open desk, which shows nothing once it may not stay."""
    app = web.Application(middlewares=[guard], client_max_size=LARGEST_FORM_BYTES)
    app[ROOM], app[DOOR], app[ASKED] = room, door, asyncio.Event()
    app[MAY_STAY] = may_stay
    set_up(app)
    app.router.add_get("/enter/{token}", enter)
    app.router.add_get("/style.css", style)
    for method, path, page in PAGES:
        app.router.add_route(method, path, page)
    return app


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let in whom the door knows, and let no fault tell more than a sentence."""
    try:
        turned_away = await _why_not(request)
        if turned_away:
            return _refused(turned_away, 403)
        response = await handler(request)
    except web.HTTPRequestEntityTooLarge:
        return _refused("that is more than a form holds; note takes it with --text-from", 413)
    except web.HTTPException as gone_elsewhere:
        gone_elsewhere.headers.update(HEADERS)
        if gone_elsewhere.status < 400:
            raise
        return _refused("there is no such page", gone_elsewhere.status)
    except _UNKNOWN as error:
        return _page_of(request, error, 404)
    except IntakeError as error:
        return _page_of(request, error, 409)
    except Exception as error:  # noqa: BLE001  a traceback could hold what a source sent
        return _page_of(request, error, 500)
    response.headers.update(HEADERS)
    return response


async def _why_not(request: web.Request) -> str | None:
    """Return why somebody is turned away; nothing where the door is open to them."""
    door = request.app[DOOR]
    if not door.is_asked_rightly(request.headers):
        return "this page is only for the browser on this machine"
    if not request.app[MAY_STAY]():
        return "the desk was locked"
    if request.match_info.handler in {enter, style}:  # the stylesheet tells nobody anything
        return None
    if not door.knows(request.cookies.get(COOKIE)):
        return "open the address that tapedrop-intake desk has shown, once"
    if request.method == "POST" and not door.wrote((await request.post()).get("form")):
        return "that form is not one of this desk's"
    request.app[ASKED].set()
    return None


async def enter(request: web.Request) -> web.StreamResponse:
    """Let in the browser that brings the token, and take it out of the address."""
    cookie = request.app[DOOR].enter(request.match_info["token"])
    if cookie is None:
        return _refused("that address was good once; end tapedrop-intake desk and start anew", 403)
    answer = web.Response(status=303, headers={**HEADERS, "Location": "/"})
    answer.set_cookie(COOKIE, cookie, path="/", httponly=True, samesite="Strict")
    return answer


async def style(_request: web.Request) -> web.StreamResponse:
    """Return the one stylesheet."""
    sheet = files("intake.desk").joinpath("static", "style.css").read_text("utf-8")
    return web.Response(text=sheet, content_type="text/css")


def _page_of(request: web.Request, error: Exception, status: int) -> web.Response:
    sentence, hint = told(error)
    answer = shown(request, "wrong.html", {"sentence": sentence, "hint": hint}, status=status)
    answer.headers.update(HEADERS)
    return answer


def _refused(sentence: str, status: int) -> web.Response:
    return web.Response(text=f"{sentence}\n", status=status, headers=HEADERS)
