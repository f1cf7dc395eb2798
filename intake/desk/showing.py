"""Make a page of a template: what it is given, and how it shows what came from outside."""

from collections.abc import Mapping
from typing import Any, Final

import aiohttp_jinja2
from aiohttp import web
from jinja2 import PackageLoader, StrictUndefined, select_autoescape

from intake import timecodes
from intake.desk.door import DOOR
from intake.drop import Alarm
from intake.wording import ALARM_HINT, ALARMS, EARLIER_HINT, kind_text, plain, size_text, sound_text
from scrub import StreamFacts

_HINTS: Final[Mapping[str, str]] = {
    alarm: EARLIER_HINT if alarm is Alarm.EARLIER_KEYS else ALARM_HINT for alarm in Alarm
}


def set_up(app: web.Application) -> None:
    """Teach an application our templates."""
    environment = aiohttp_jinja2.setup(
        app,
        loader=PackageLoader("intake.desk"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "plain": plain,
        "lines": lambda text: plain(text, lines=True),
        "size": size_text,
        "kind": kind_text,
        "time": timecodes.text,
        "sound": lambda facts: sound_text(StreamFacts(**facts)),
        "span": lambda note: timecodes.span(note.get("at_ms"), note.get("until_ms")),
        "alarm": lambda alarm: ALARMS[Alarm(alarm)],
    }
    environment.globals["alarm_hints"] = _HINTS


def shown(
    request: web.Request, template: str, said: Mapping[str, Any], *, status: int = 200
) -> web.Response:
    """Return a page that says `said`."""
    of_every_page = {"form_token": request.app[DOOR].form_token, "path": request.path}
    return aiohttp_jinja2.render_template(template, request, {**of_every_page, **said},
                                          status=status)  # fmt: skip
