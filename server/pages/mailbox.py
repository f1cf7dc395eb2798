"""Come back with the codename: what was sent, and what the newsroom replied."""

import asyncio
from urllib.parse import parse_qs

from aiohttp import web

from crypto.codename import codename_from
from crypto.errors import NotACodename
from server import mailbox
from server.errors import Busy
from server.events import Reason
from server.pages.parts import PARTS, SESSIONS, any_visit, page, refusal, remember, visit
from server.pages.send import source_of
from server.steps import whole_steps
from server.wording import name_of_kind, words_of

_LONGEST_FORM = 2048


async def ask(request: web.Request) -> web.Response:
    """Ask for the codename."""
    session = any_visit(request) or request.app[SESSIONS].begin(b"")
    response = page(request, "return.html", token=session.form_token, problem="")
    remember(response, session)
    return response


async def enter(request: web.Request) -> web.Response:
    """Begin a visit with the codename that was typed.

    Only our own form may do so: another page could give a source somebody else's codename, and
    with it somebody else's mailbox. Whether a mailbox exists is not looked at.
    """
    before = any_visit(request)
    if before is None or not before.form_token_is(request.match_info["token"]):
        return refusal(request, Reason.NO_SESSION, status=403)
    if (request.content_length or _LONGEST_FORM + 1) > _LONGEST_FORM:
        return refusal(request, Reason.BROKEN_FORM, status=400)
    typed = parse_qs((await request.read()).decode("utf-8", "replace"))
    try:
        codename = codename_from(" ".join(typed.get("codename", [])))
    except NotACodename as error:
        word = f"Word {error.position} isn't one of ours." if error.position else ""
        problem = word or "These eight words don't belong together. Please look at each once more."
        return page(request, "return.html", token=before.form_token, problem=problem)
    request.app[SESSIONS].end(before)
    response = web.Response(status=303, headers={"Location": "/mailbox"})
    remember(response, request.app[SESSIONS].begin(codename))
    return response


async def show(request: web.Request) -> web.Response:
    """Show what the mailbox holds; an empty one and one that never was read the same."""
    session = visit(request)
    if session is None:
        raise web.HTTPSeeOther("/return")
    try:
        keys = await asyncio.shield(source_of(request, session))
    except Busy:
        return refusal(request, Reason.BUSY, status=503)
    async with whole_steps():
        found = await mailbox.look(keys, request.app[PARTS].store)
        told = [(one, name_of_kind(one.kind), words_of(one.outcome).what) for one in found.events]
        return page(request, "mailbox.html", events=told, replies=found.letters)
