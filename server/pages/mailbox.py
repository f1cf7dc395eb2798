"""The mailbox: what was sent, and what the newsroom replied."""

import asyncio

from aiohttp import web

from server import mailbox
from server.errors import Busy
from server.events import Reason
from server.pages.parts import PARTS, any_visit, go_to, keys_for, language_of, page, refusal
from server.steps import whole_steps
from server.wording import name_of, words_of


async def show(request: web.Request) -> web.Response:
    """Show what the mailbox holds; an empty one and one that never was read the same."""
    session = any_visit(request)
    if session is None or not session.codename:
        return go_to(request, "/return")
    try:
        keys = await asyncio.shield(keys_for(request, session))
    except Busy:
        return refusal(request, Reason.BUSY, status=503)
    language = language_of(request)
    async with whole_steps():
        found = await mailbox.look(keys, request.app[PARTS].store)
        told = [(one, name_of(one.kind, language), words_of(one.outcome)) for one in found.events]
        return page(request, "mailbox.html", here="/mailbox", events=told, replies=found.letters)
