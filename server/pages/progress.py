"""How far a form is, in a small page that loads itself anew; and what became of it."""

from typing import Final

from aiohttp import web

from server.headers import FRAME_STYLE, Framing
from server.pages.parts import STOPPING, any_visit, language_of, page
from server.progress import Form
from server.wording import FORGOTTEN, Words, said_of, words_for

_SENDING_SECONDS: Final = 2
_WAITING_SECONDS: Final = 3
_SOON_SECONDS: Final = 60
_STILL: Final = "still"


async def show(request: web.Request) -> web.Response:
    """Show how much is here and what each part is at. Looking doesn't keep a visit alive.

    With `?still` the page doesn't load itself anew: for whoever is disturbed by it.
    """
    form = _form(request)
    language = language_of(request)
    progress = form.progress if form else None
    rate = progress.rate() if progress else 0.0
    left = progress.seconds_left(rate) if progress else None
    response = page(
        request,
        "progress.html",
        framing=Framing.HELD,
        style=FRAME_STYLE,
        refresh=_refresh_seconds(form, stops=request.app[STOPPING].begun) if form else 0,
        still=request.query_string == _STILL,
        form=request.match_info["form"],
        progress=progress,
        refused=_refused(form),
        rate=language.rate(rate),
        left="" if left is None else language.about(left),
        soon=left is not None and left < _SOON_SECONDS,
        items=[said_of(item, language) for item in progress.items] if progress else [],
    )
    if form is not None and form.renews():
        response.force_close()
    return response


async def result(request: web.Request) -> web.Response:
    """Show what became of everything that was sent with a form, as long as the visit lasts."""
    form = _form(request)
    if form is None:
        return page(request, "refused.html", status=403, framing=Framing.HELD, words=FORGOTTEN)
    language = language_of(request)
    progress = form.progress
    return page(
        request,
        "result.html",
        framing=Framing.HELD,
        progress=progress,
        refused=_refused(form),
        items=[said_of(item, language) for item in progress.items] if progress else [],
    )


def _refused(form: Form | None) -> Words | None:
    """Return why nothing more is to be seen here, if that is so."""
    if form is None:
        return FORGOTTEN
    return words_for(form.refused) if form.refused else None


def _refresh_seconds(form: Form, *, stops: bool) -> int:
    if form.is_sending:
        return _SENDING_SECONDS
    # The last word before a drop stops stays to be read: loaded anew, the frame would be empty.
    return 0 if stops else _WAITING_SECONDS


def _form(request: web.Request) -> Form | None:
    session = any_visit(request, only_looking=True)
    return session.form(request.match_info["form"]) if session else None
