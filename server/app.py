"""Put the pages on their addresses: the whole web side of the drop on one page.

/              what this is                          front
/codename      the codename, on a step of its own     codename
/send          the form, and what became of it        send
/return        type the codename to come back         mailbox
/mailbox       what was sent, and replies             mailbox
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import aiohttp_jinja2
import jinja2
from aiohttp import web
from aiohttp.typedefs import Handler

from server.config import Config, Findings
from server.deriving import Deriver
from server.events import Journal, PageFailed
from server.headers import set_headers
from server.pages import codename, front, mailbox, send
from server.pages.parts import CONFIG, DERIVER, JOURNAL, NOW, PARTS, SESSIONS, last_page
from server.pipeline import Parts
from server.sessions import Sessions
from server.wording import FAILED, NO_SUCH_PAGE

_HERE = Path(__file__).parent


def build_app(
    config: Config,
    *,
    parts: Parts,
    deriver: Deriver,
    journal: Journal,
    now: Callable[[], datetime],
) -> web.Application:
    """Return the drop as an application; what it works with is handed in and closed elsewhere."""
    app = web.Application(middlewares=[_calm])
    app[CONFIG] = config
    app[PARTS] = parts
    app[DERIVER] = deriver
    app[JOURNAL] = journal
    app[NOW] = now
    app[SESSIONS] = Sessions(
        idle_seconds=config.work.session_idle_minutes * 60, most=config.work.max_sessions
    )
    app.on_response_prepare.append(set_headers)
    environment = aiohttp_jinja2.setup(
        app, loader=jinja2.FileSystemLoader(_HERE / "templates"), autoescape=True
    )
    environment.globals["newsroom"] = config.newsroom.name
    environment.globals["values_kept"] = config.newsroom.findings is Findings.VALUES
    environment.undefined = jinja2.StrictUndefined
    # All are read now: an update of the files must not change pages under a running drop.
    environment.auto_reload = False
    for template in environment.list_templates():
        environment.get_template(template)
    app.add_routes(
        [
            web.get("/", front.show),
            web.get("/style.css", front.style),
            web.get("/codename", codename.show),
            web.get("/send", send.show),
            web.post("/send/{token}", send.receive_form),
            web.get("/return", mailbox.ask),
            web.post("/return/{token}", mailbox.enter),
            web.get("/mailbox", mailbox.show),
        ]
    )
    return app


@web.middleware
async def _calm(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every failure with a page of ours: never a trace, never a blank page."""
    try:
        return await handler(request)
    except web.HTTPRedirection:
        raise
    except web.HTTPException as error:
        return last_page(request, NO_SUCH_PAGE, status=error.status)
    except ConnectionError:
        raise  # nobody is left to answer
    except Exception:  # noqa: BLE001  the edge: what it was may hold plaintext, and goes nowhere
        request.app[JOURNAL].count(PageFailed())
        return last_page(request, FAILED, status=500)
