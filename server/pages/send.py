"""The form, and what became of everything that was sent with it."""

import asyncio

from aiohttp import web

from crypto.codename import SourceKeys
from server.events import Reason, Refused
from server.pages.parts import (
    CONFIG,
    DERIVER,
    JOURNAL,
    NOW,
    PARTS,
    SESSIONS,
    page,
    refusal,
    visit,
)
from server.sessions import Session
from server.visit import receive
from server.wording import in_words, name_of, words_for


async def show(request: web.Request) -> web.Response:
    """Show the form; whoever has no codename yet is given one first."""
    session = visit(request)
    if session is None:
        raise web.HTTPSeeOther("/codename")
    limits = request.app[CONFIG].limits
    largest = in_words(limits.max_recording_bytes)
    return page(request, "send.html", token=session.form_token, limits=limits, largest=largest)


async def receive_form(request: web.Request) -> web.Response:
    """Take in the form and answer with what became of each part.

    Visit, token and length are checked before a byte of the body is read.
    """
    session = visit(request)
    if session is None or not session.form_token_is(request.match_info["token"]):
        return _refused(request, Reason.NO_SESSION, 403)
    if request.content_length is None or request.content_type != "multipart/form-data":
        return _refused(request, Reason.BROKEN_FORM, 400)
    if request.content_length > request.app[CONFIG].limits.max_visit_bytes:
        return _refused(request, Reason.TOO_LARGE, 413)
    with request.app[SESSIONS].uploading(session):
        outcomes = await receive(
            request,
            limits=request.app[CONFIG].limits,
            source=source_of(request, session),
            pipeline=request.app[PARTS],
            journal=request.app[JOURNAL],
            now=request.app[NOW],
        )
    told = [(name_of(outcome), words_for(outcome.became), outcome) for outcome in outcomes]
    return page(request, "result.html", told=told)


def source_of(request: web.Request, session: Session) -> asyncio.Future[SourceKeys]:
    """Return the visit's keys, made once, while something else is going on. Raises Busy later."""
    if session.keys is None or (session.keys.done() and session.keys.exception()):
        deriving = request.app[DERIVER].keys_of(session.codename)
        session.keys = asyncio.ensure_future(deriving)
    return session.keys


def _refused(request: web.Request, reason: Reason, status: int) -> web.Response:
    request.app[JOURNAL].count(Refused(reason))
    return refusal(request, reason, status=status)
