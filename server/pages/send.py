"""The form, with its two frames, and the taking in of everything that is sent with it."""

import asyncio
from typing import Final

from aiohttp import web

from server.admission import Line, Ticket
from server.errors import Busy, NotTaking, SpoolFull, StoreFailed, StoreFull
from server.events import Reason, Refused
from server.headers import Framing
from server.listening import circuit_of, keep_place
from server.mailbox import has_reply
from server.pages.parts import (
    ADMISSION,
    CONFIG,
    JOURNAL,
    LOOKING,
    NOW,
    PARTS,
    SESSIONS,
    STOPPING,
    TAKING,
    asker,
    go_to,
    language_of,
    page,
    refusal,
    sender_while_sending,
    visit,
)
from server.progress import Form
from server.sessions import Session, failed
from server.visit import Receiving, reason_of, receive
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

    Visit, token, length and room are checked before a byte of the body is read. What is wrong with
    them is noted for the frame beside: a browser may never show an answer to what it still sends.
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
    with request.app[SESSIONS].uploading(session):
        try:
            ticket = await _admitted(request, session, form, request.content_length)
        except (Busy, NotTaking, SpoolFull, StoreFull) as error:
            form.refuse(reason_of(error))
            return _refused(request, reason_of(error), 503)
        with ticket:
            keep_place(request)
            await _take_in(request, session, form, ticket)
    return go_to(request, f"/send/{request.match_info['form']}/result")


async def _admitted(request: web.Request, session: Session, form: Form, length: int) -> Ticket:
    """Return a place for the form. Raises Busy, NotTaking, SpoolFull, StoreFull."""

    def admit(*, returning: bool) -> Ticket:
        if request.app[STOPPING].begun:
            raise Busy("about to stop")
        request.app[TAKING].allow()
        circuit = circuit_of(request)
        return request.app[ADMISSION].admit(length, circuit=circuit, returning=returning)

    # A browser sends a form anew when it has given up the line, and may know of that before us:
    # the place that its first sending had is free again.
    await form.make_way()
    try:
        return admit(returning=bool(session.has_reply))
    except (Busy, SpoolFull, StoreFull):
        if not await _turns_out_to_return(request, session):
            raise
        return admit(returning=True)


async def _turns_out_to_return(request: web.Request, session: Session) -> bool:
    """Say whether a desk has answered this source, where nobody has looked in this visit yet."""
    keys = session.keys
    if session.has_reply is not None or keys is None or not keys.done() or failed(keys):
        return False
    try:
        async with request.app[LOOKING].turn(asker(request, keys.result().mailbox_id)):
            if session.has_reply is None:
                session.has_reply = await has_reply(keys.result(), request.app[PARTS].store)
    except (Busy, StoreFailed):
        return False
    return session.has_reply


async def _take_in(request: web.Request, session: Session, form: Form, ticket: Ticket) -> None:
    work = Receiving(
        limits=request.app[CONFIG].limits,
        source=sender_while_sending(request, session),
        pipeline=request.app[PARTS],
        journal=request.app[JOURNAL],
        now=request.app[NOW],
    )
    before = form.progress
    progress = form.begin(ticket.length, lambda: request.content.total_bytes)
    ticket.follow(
        lambda: Line(progress.received, progress.settled, ready=_reads(request)),
        end=progress.break_off,
    )
    with request.app[STOPPING].sending(progress):
        await receive(request, progress, work, before=before)


def _reads(request: web.Request) -> bool:
    """Say whether more would be read if more came: not while we have too much to work on."""
    transport = request.transport
    return isinstance(transport, asyncio.ReadTransport) and transport.is_reading()


def _refused(request: web.Request, reason: Reason, status: int) -> web.Response:
    request.app[JOURNAL].count(Refused(reason))
    return refusal(request, reason, status=status)
