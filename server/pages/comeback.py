"""Come back: read eight words as they were typed, and begin a visit with them."""

import asyncio
import secrets
from typing import Final

from aiohttp import web

from crypto.codename import codename_from
from crypto.errors import NotACodename
from server.errors import BrokenForm, Busy
from server.events import Reason
from server.pages.parts import (
    READING,
    SESSIONS,
    any_visit,
    asker,
    go_to,
    language_of,
    page,
    refusal,
    remember,
    sender_for,
    sent_by_another,
    small_form,
)
from server.sessions import COOKIE, Session
from server.threads import in_thread
from server.wording import codename_problem

_LONGEST_SHOWN: Final = 400
"""Of what was typed, in characters: as the field in the page has it."""


async def ask(request: web.Request) -> web.Response:
    """Ask for the codename; once more where it was forgotten because nobody was there."""
    if sent_by_another(request):
        return go_to(request, "/")
    session, sessions = any_visit(request), request.app[SESSIONS]
    if session is not None:
        forgotten = session.sender is not None and not session.codename
        response = _page(request, token=session.token, forgotten=forgotten)
        remember(response, session.cookie)
        return response
    cookie = sessions.cookie_before(request.cookies.get(COOKIE))
    response = _page(request, token=sessions.token_before(cookie))
    remember(response, cookie)
    return response


async def enter(request: web.Request) -> web.Response:
    """Begin a visit with the codename that was typed.

    Only our own form may do so: another page could give a source somebody else's codename, and
    with it somebody else's mailbox. The cookie before ends; so does its visit, unless these are
    the words of that one: what it is sending goes on to be seen. Whether a mailbox exists is not
    looked at; every codename costs the same.
    """
    before, token = any_visit(request), request.match_info["token"]
    if not _is_ours(request, before, token):
        return refusal(request, Reason.NO_SESSION, status=403)
    try:
        typed = " ".join((await small_form(request)).get("codename", []))
    except BrokenForm:
        return refusal(request, Reason.BROKEN_FORM, status=400)
    language = language_of(request)
    whose = asker(request, before or token)
    try:
        async with request.app[READING].turn(whose):
            codename = await in_thread(codename_from, typed, language.word_list)
    except NotACodename as error:
        problem = codename_problem(error, language)
        return _page(request, token=token, typed=typed, problem=problem)
    session = request.app[SESSIONS].begin(codename)
    sender = sender_for(request, session, whose=whose)
    # From here on it is no longer one of those that go first when there are too many.
    request.app[SESSIONS].find(session.cookie)
    try:
        await asyncio.shield(sender)
    except Busy:
        # The visit before goes on, so that what was typed can be sent once more.
        request.app[SESSIONS].end(session)
        return refusal(request, Reason.BUSY, status=503)
    if before is not None:
        request.app[SESSIONS].follow(before, session)
    response = go_to(request, "/mailbox")
    remember(response, session.cookie)
    return response


def _is_ours(request: web.Request, before: Session | None, untrusted_token: str) -> bool:
    """Say whether the form is one that we showed to this browser."""
    if before is not None:
        return before.token_is(untrusted_token)
    token = request.app[SESSIONS].token_before(request.cookies.get(COOKIE, ""))
    return secrets.compare_digest(untrusted_token.encode(), token.encode())


def _page(
    request: web.Request,
    *,
    token: str,
    typed: str = "",
    problem: str = "",
    forgotten: bool = False,
) -> web.Response:
    here = "/return"
    return page(
        request,
        "return.html",
        here=here,
        token=token,
        typed=typed[:_LONGEST_SHOWN],
        problem=problem,
        forgotten=forgotten,
    )
