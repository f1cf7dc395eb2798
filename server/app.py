"""Put the pages on their addresses: the whole web side of the drop on one page.

/                          what this is, and what to know first    front
/codename                  the codename, on a step of its own       codename
/send                      the form, and the two frames below it    send
/send/FORM                 what it posts to                         send
/send/FORM/progress        how far it is; loads itself anew         progress
/send/FORM/result          what became of it                        progress
/return, /return/TOKEN     type the codename to come back           comeback
/mailbox, /mailbox/2       what was sent, and replies               mailbox
/mailbox/TOKEN/delete      delete replies                           mailbox
/mailbox/close             what closing it means                    mailbox
/mailbox/TOKEN/close       close it for good, then /mailbox/closed  mailbox
/keys, /keys.asc           whom recordings are sealed to            keys
/leave/TOKEN               end the visit                            leave

Each page is there twice: as it stands, in the language that the browser asks for, and below the
tag of a language (`/fa/send`). The address is all that carries a language that somebody chose.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import aiohttp_jinja2
import jinja2
from aiohttp import web
from aiohttp.typedefs import Handler

from server.admission import Admission, Room, unknown
from server.anew import Idling
from server.config import Config, Findings
from server.deriving import Deriver
from server.errors import Busy
from server.events import PageFailed, Reason
from server.headers import set_headers
from server.i18n import languages
from server.journal import Journal
from server.pages import codename, comeback, front, keys, leave, mailbox, progress, send
from server.pages.parts import (
    ADMISSION,
    CONFIG,
    DERIVER,
    IDLING,
    JOURNAL,
    LOGO,
    LOOKING,
    NOW,
    PARTS,
    READING,
    SESSIONS,
    STOPPING,
    TAKING,
    last_page,
    refusal,
)
from server.pipeline import Parts
from server.sessions import Sessions
from server.stopping import Stopping
from server.taking import Taking
from server.turns import Turns
from server.wording import FAILED, NO_SUCH_PAGE

_HERE = Path(__file__).parent
_READ_AT_ONCE: Final = 1
_LOOKS_AT_ONCE: Final = 4
_LONGEST_QUEUE: Final = 64


def build_app(
    config: Config,
    *,
    parts: Parts,
    deriver: Deriver,
    journal: Journal,
    now: Callable[[], datetime],
    logo: bytes = b"",
    room: Callable[[], Room] = unknown,
    taking: Taking | None = None,
) -> web.Application:
    """Return the drop as an application; what it works with is handed in and closed elsewhere."""
    app = web.Application(middlewares=[_calm])
    app[CONFIG] = config
    app[PARTS] = parts
    app[DERIVER] = deriver
    app[IDLING] = Idling()
    app[STOPPING] = Stopping()
    app[TAKING] = taking or Taking()
    app[JOURNAL] = journal
    app[NOW] = now
    app[LOGO] = logo
    app[SESSIONS] = Sessions(
        idle_seconds=config.work.session_idle_minutes * 60,
        reading_idle_seconds=config.work.reading_idle_minutes * 60,
        most=config.work.max_sessions,
    )
    app[ADMISSION] = Admission(config.admission, room)
    app[READING] = Turns(_READ_AT_ONCE, longest_queue=_LONGEST_QUEUE)
    app[LOOKING] = Turns(_LOOKS_AT_ONCE, longest_queue=_LONGEST_QUEUE)
    app.on_response_prepare.append(set_headers)
    _set_up_templates(app, config)
    for path, file in _FILES:
        app.router.add_route("GET", path, file, expect_handler=_go_on)
    tag = "|".join(languages())
    for method, path, handler in _PAGES:
        below = f"/{{language:{tag}}}{path}"
        for address in sorted({path, below, below.removesuffix("/")}):
            app.router.add_route(method, address, handler, expect_handler=_go_on)
    app.router.add_route("*", "/{anything_else:.*}", _nothing_here, expect_handler=_go_on)
    return app


_FILES: Final[Sequence[tuple[str, Handler]]] = (
    ("/style.css", front.style),
    ("/logo.png", front.logo),
    ("/keys.asc", keys.download),
)
_PAGES: Final[Sequence[tuple[str, str, Handler]]] = (
    ("GET", "/", front.show),
    ("GET", "/codename", codename.show),
    ("GET", "/send", send.show),
    ("POST", "/send/{form}", send.receive_form),
    ("GET", "/send/{form}/progress", progress.show),
    ("GET", "/send/{form}/result", progress.result),
    ("GET", "/return", comeback.ask),
    ("POST", "/return/{token}", comeback.enter),
    ("GET", "/mailbox", mailbox.show),
    ("GET", "/mailbox/{number:[1-9][0-9]?}", mailbox.show),
    ("POST", "/mailbox/{token}/delete", mailbox.delete),
    ("GET", "/mailbox/close", mailbox.before_closing),
    ("POST", "/mailbox/{token}/close", mailbox.close),
    ("GET", "/mailbox/closed", mailbox.closed),
    ("GET", "/keys", keys.show),
    ("POST", "/leave/{token}", leave.end),
)


def _set_up_templates(app: web.Application, config: Config) -> None:
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
    )
    # How a {% trans %} calls gettext; each page brings its language's own.
    environment.newstyle_gettext = True  # type: ignore[attr-defined]
    environment.policies["ext.i18n.trimmed"] = True
    environment.globals["newsroom"] = config.newsroom.name
    environment.globals["has_logo"] = bool(config.newsroom.logo)
    environment.globals["values_kept"] = config.newsroom.findings is Findings.VALUES
    environment.undefined = jinja2.StrictUndefined
    # All are read now: an update of the files must not change pages under a running drop.
    environment.auto_reload = False
    for template in environment.list_templates():
        environment.get_template(template)


async def _go_on(_request: web.Request) -> None:
    """Wait for no one to be told to go on (RFC 9110, 10.1.1): no browser asks, and none must."""


async def _nothing_here(request: web.Request) -> web.Response:
    """Answer every other address, and every other method."""
    return last_page(request, NO_SUCH_PAGE, status=404)


@web.middleware
async def _calm(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every failure with a page of ours: never a trace, never a blank page."""
    request.app[IDLING].asked()
    try:
        return await handler(request)
    except web.HTTPRedirection:
        raise
    except Busy:
        return refusal(request, Reason.BUSY, status=503)
    except web.HTTPException as error:
        return last_page(request, NO_SUCH_PAGE, status=error.status)
    except ConnectionError:
        raise  # nobody is left to answer
    except Exception:  # noqa: BLE001  the edge: what it was may hold plaintext, and goes nowhere
        request.app[JOURNAL].count(PageFailed())
        return last_page(request, FAILED, status=500)
