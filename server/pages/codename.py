"""The codename on a step of its own, before the form: a broken upload must not take it along."""

from aiohttp import web

from crypto.codename import new_codename, words_of
from server.pages.parts import (
    SESSIONS,
    any_visit,
    go_to,
    language_of,
    page,
    remember,
    sent_by_another,
)


async def show(request: web.Request) -> web.Response:
    """Show the visit's codename; a reload repeats it. Nothing is stored for it yet.

    Once it is forgotten it can't be shown, and the visit gets no other in its place.
    """
    if sent_by_another(request):
        return go_to(request, "/")
    session = any_visit(request) or request.app[SESSIONS].begin(b"")
    if session.sender is None:
        session.codename = session.codename or new_codename()
    words = words_of(session.codename, language_of(request).word_list) if session.codename else ""
    response = page(
        request, "codename.html", here="/codename", session=session, words=words.split()
    )
    remember(response, session.cookie)
    return response
