"""What the pages share: the parts they work with, the visit's cookie, the page that says no."""

import asyncio
import re
from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs

import aiohttp_jinja2
from aiohttp import web

from crypto.codename import SourceKeys
from server.admission import Admission
from server.anew import Idling
from server.config import Config
from server.deriving import Deriver
from server.errors import BrokenForm
from server.events import Reason
from server.headers import FRAMING, Framing
from server.i18n import Language, languages, preferred
from server.journal import Journal
from server.listening import circuit_of, small_body
from server.pipeline import Parts
from server.sender import Sender, sender_of
from server.sessions import COOKIE, Session, Sessions, failed
from server.stopping import Stopping
from server.taking import Taking
from server.turns import Turns
from server.wording import Words, words_for

CONFIG: Final = web.AppKey("config", Config)
PARTS: Final = web.AppKey("parts", Parts)
DERIVER: Final = web.AppKey("deriver", Deriver)
JOURNAL: Final = web.AppKey("journal", Journal)
SESSIONS: Final = web.AppKey("sessions", Sessions)
IDLING: Final = web.AppKey("idling", Idling)
STOPPING: Final = web.AppKey("stopping", Stopping)
TAKING: Final = web.AppKey("taking", Taking)
ADMISSION: Final = web.AppKey("admission", Admission)
READING: Final = web.AppKey("reading", Turns)
"""At reading words that were typed: a misspelt one is compared with every word of every list."""
LOOKING: Final = web.AppKey("looking", Turns)
"""At mailboxes: one with thousands of objects takes a second to read."""
NOW: Final[web.AppKey[Callable[[], datetime]]] = web.AppKey("now")

LOGO: Final = web.AppKey("logo", bytes)

PAGE_SIZE: Final = 16 * 1024
FRAME_SIZE: Final = 4 * 1024
_LONGEST_SMALL_FORM: Final = 4096

_PORT: Final = re.compile(":[0-9]*$")


def page(
    request: web.Request,
    template: str,
    *,
    status: int = 200,
    framing: Framing = Framing.ALONE,
    here: str = "/",
    session: Session | None = None,
    **context: Any,
) -> web.Response:
    """Return one of our pages, in the source's language, as long as any other.

    `here` is the address, without a language, that shows the same in another language; `session`
    a visit that begins with this page.
    """
    language = language_of(request)
    shared = {
        "language": language,
        "languages": languages().values(),
        "gettext": language.gettext,
        "ngettext": language.ngettext,
        "_": language.gettext,
        "at": lambda path: at(request, path),
        "layout": "frame.html" if framing is Framing.HELD else "base.html",
        "here": here.removesuffix("/"),
        "languages_open": False,
        "locked_down": request.app[TAKING].locked_down,
        "over_onion": _is_onion(request.host),
        "visit": session or any_visit(request, only_looking=True),
    }
    response = aiohttp_jinja2.render_template(template, request, shared | context, status=status)
    assert isinstance(response.body, bytes)
    # Sizes are all that Tor leaves to see: white space after a page means nothing (HTML 13.2.6.4).
    size = FRAME_SIZE if framing is Framing.HELD else PAGE_SIZE
    response.body = padded(response.body, size)
    response[FRAMING] = framing
    return response


def padded(body: bytes, size: int = PAGE_SIZE) -> bytes:
    """Return it with line feeds behind it, up to the next multiple of `size` bytes."""
    return body + b"\n" * (-len(body) % size)


def language_of(request: web.Request) -> Language:
    """Return the language that the address names, else the one that the browser asks for."""
    return languages().get(_first(request)) or preferred(request.headers.get("Accept-Language"))


def at(request: web.Request, path: str) -> str:
    """Return the address of one of our pages; a language that was chosen goes along in it."""
    tag = _first(request)
    return f"/{tag}{path}".removesuffix("/") if tag in languages() else path


def _first(request: web.Request) -> str:
    """Return the first segment of the path, whatever the path is."""
    return request.path.removeprefix("/").partition("/")[0]


def go_to(request: web.Request, path: str) -> web.Response:
    """Return the answer that sends the browser on to one of our pages."""
    response = web.Response(status=303, headers={"Location": at(request, path)})
    response[FRAMING] = framing_of(request)
    return response


def refusal(request: web.Request, reason: Reason, *, status: int) -> web.Response:
    """Return the page that says why nothing was taken, and ends the connection."""
    return last_page(request, words_for(reason), status=status)


def last_page(request: web.Request, words: Words, *, status: int) -> web.Response:
    """Return the page that says what didn't work and what to do, and ends the connection.

    Ending it keeps what is still being sent from ever being read as a second request.
    """
    framing = framing_of(request)
    response = page(request, "refused.html", status=status, framing=framing, words=words)
    response.force_close()
    return response


async def small_form(request: web.Request, *, most_fields: int = 8) -> dict[str, list[str]]:
    """Return the fields of a form without files, each with its values. Raises BrokenForm."""
    if (request.content_length or _LONGEST_SMALL_FORM + 1) > _LONGEST_SMALL_FORM:
        raise BrokenForm("longer than our forms are")
    text = (await small_body(request)).decode("utf-8", "replace")
    try:
        return parse_qs(text, max_num_fields=most_fields)
    except ValueError:
        raise BrokenForm("more fields than our forms have") from None


def framing_of(request: web.Request) -> Framing:
    """Say whether what answers this address is shown in a frame of the form's."""
    return Framing.HELD if "form" in request.match_info else Framing.ALONE


def sent_by_another(request: web.Request) -> bool:
    """Say whether a page of somebody else's sent the browser here (W3C, Fetch Metadata).

    No cookie comes along then, so a visit that lasts looks like none: what begins or ends one
    without asking must not answer, or any page could take a source's visit from them.
    """
    return request.headers.get("Sec-Fetch-Site") == "cross-site"


def visit(request: web.Request) -> Session | None:
    """Return the visit this request belongs to, if it lasts and can send."""
    session = any_visit(request)
    return session if session is not None and session.can_send else None


def any_visit(request: web.Request, *, only_looking: bool = False) -> Session | None:
    """Return the visit this request belongs to, if it lasts."""
    return request.app[SESSIONS].find(request.cookies.get(COOKIE), only_looking=only_looking)


def asker(request: web.Request, visit: Hashable) -> Hashable:
    """Return whose turn it is: the circuit's, or the visit's where nobody tells circuits."""
    circuit = circuit_of(request)
    return visit if circuit is None else circuit


def keys_for(
    request: web.Request, session: Session, *, whose: Hashable = None
) -> asyncio.Future[SourceKeys]:
    """Return the visit's keys, made once, while something else is going on. Raises Busy later.

    `whose` turn that takes, where it isn't the visit's own.
    """
    if session.keys is None or failed(session.keys):
        whose = asker(request, session) if whose is None else whose
        keys = request.app[DERIVER].keys_of(session.codename, whose=whose)
        session.keys = asyncio.ensure_future(keys)
    return session.keys


def sender_for(
    request: web.Request, session: Session, *, whose: Hashable = None
) -> asyncio.Future[Sender]:
    """Return what the visit sends with; like its keys, but kept for as long as it lasts."""
    if session.sender is None or failed(session.sender):
        keys = keys_for(request, session, whose=whose)
        session.sender = asyncio.ensure_future(_sender(keys))
    return session.sender


def sender_while_sending(request: web.Request, session: Session) -> asyncio.Future[Sender]:
    """Return the same for something that arrives already: it waits, and isn't turned away."""
    if session.sender is None or failed(session.sender):
        whose = asker(request, session)
        keys = request.app[DERIVER].keys_for_sending(session.codename, whose=whose)
        session.keys = asyncio.ensure_future(keys)
        session.sender = asyncio.ensure_future(_sender(session.keys))
    return session.sender


async def _sender(keys: asyncio.Future[SourceKeys]) -> Sender:
    return sender_of(await asyncio.shield(keys))


def remember(response: web.StreamResponse, cookie: str) -> None:
    """Give the browser the visit's cookie; not `Secure`, because an onion service is http."""
    response.set_cookie(COOKIE, cookie, httponly=True, samesite="Strict", path="/")


def _is_onion(untrusted_host: str) -> bool:
    """Say whether the browser asked for an onion address, and not for one that leads to it."""
    name = _PORT.sub("", untrusted_host.lower())
    return name.removesuffix(".").endswith(".onion")
