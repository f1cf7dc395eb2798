"""The form, with its two frames, and the taking in of everything that is sent with it."""

from typing import Final

from aiohttp import web

from server.events import Reason, Refused
from server.headers import Framing
from server.pages.parts import (
    CONFIG,
    JOURNAL,
    NOW,
    PARTS,
    SESSIONS,
    STOPPING,
    go_to,
    language_of,
    page,
    refusal,
    sender_while_sending,
    visit,
)
from server.visit import Receiving, receive
from server.wording import limit_in_words

_NOT_YET: Final = 403


async def show(request: web.Request) -> web.Response:
    """Show the form; whoever has no codename yet begins at the first page.

    No codename is made here: a visit that is over must not go on under another one unnoticed.
    """
    session = visit(request)
    if session is None:
        return refusal(request, Reason.NO_SESSION, status=_NOT_YET)
    limits, language = request.app[CONFIG].limits, language_of(request)
    # Browsers count UTF-16 units: 3 bytes of UTF-8 at most, and a line break is 1 unit and 2 bytes.
    longest_message = limits.max_message_bytes // 4
    return page(
        request,
        "send.html",
        here="/send",
        framing=Framing.HOLDS,
        form=session.new_form(),
        files=language.number(limits.max_recordings),
        largest=limit_in_words(limits.max_recording_bytes, language),
        together=limit_in_words(limits.max_visit_bytes, language),
        longest_message=longest_message,
        characters=language.number(longest_message),
    )


async def receive_form(request: web.Request) -> web.Response:
    """Take in the form, then show what became of each part.

    Visit, token and length are checked before a byte of the body is read. What is wrong with them
    is noted for the frame beside: a browser may never show an answer to what it is still sending.
    """
    session = visit(request)
    form = session.form(request.match_info["form"]) if session else None
    if session is None or form is None:
        return _refused(request, Reason.NO_SESSION, 403)
    if request.content_length is None or request.content_type != "multipart/form-data":
        form.refuse(Reason.BROKEN_FORM)
        return _refused(request, Reason.BROKEN_FORM, 400)
    if request.content_length > request.app[CONFIG].limits.max_visit_bytes:
        form.refuse(Reason.FORM_TOO_LARGE)
        return _refused(request, Reason.FORM_TOO_LARGE, 413)
    if request.app[STOPPING].begun:
        form.refuse(Reason.BUSY)
        return _refused(request, Reason.BUSY, 503)
    with request.app[SESSIONS].uploading(session):
        work = Receiving(
            limits=request.app[CONFIG].limits,
            source=sender_while_sending(request, session),
            pipeline=request.app[PARTS],
            journal=request.app[JOURNAL],
            now=request.app[NOW],
        )
        before = form.progress
        progress = form.begin(request.content_length, lambda: request.content.total_bytes)
        with request.app[STOPPING].sending(progress):
            await receive(request, progress, work, before=before)
    return go_to(request, f"/send/{request.match_info['form']}/result")


def _refused(request: web.Request, reason: Reason, status: int) -> web.Response:
    request.app[JOURNAL].count(Refused(reason))
    return refusal(request, reason, status=status)
