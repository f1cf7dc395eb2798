"""The mailbox: what was sent, what the newsroom answered; deleting a reply, closing it for good.

Every look and every deletion is answered after whole steps of time, and on pages of one size as
far as they fit: what lies in a mailbox shows to nobody else.
"""

import asyncio
import re
from collections.abc import Hashable, Iterator, Sequence
from functools import wraps
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler
from markupsafe import escape

from crypto.codename import SourceKeys
from server import mailbox
from server.errors import BrokenForm, Busy, StoreFailed
from server.events import Reason
from server.mailbox import Letter, MailboxEvent
from server.pages.leave import left
from server.pages.parts import (
    LOOKING,
    PARTS,
    SESSIONS,
    any_visit,
    asker,
    go_to,
    keys_for,
    language_of,
    last_page,
    page,
    refusal,
    sent_by_another,
    small_form,
)
from server.sessions import Session
from server.steps import whole_steps
from server.wording import MAILBOX_FAILED, name_of, words_of

_LETTERS_BYTES: Final = 6 * 1024
"""Of replies on one page, as HTML; a longer one stands alone."""
_AROUND_LETTER: Final = 512
"""Bytes of the day and the button that belong to each."""
_EVENTS: Final = 20
_MOST_FIELDS: Final = 2 * mailbox.MOST_REPLIES
_NAME: Final = re.compile(r"[0-9a-f]{32}")


def _refusing(handler: Handler) -> Handler:
    """Return `handler` with its failures put into words; none reads like an empty mailbox."""

    @wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except BrokenForm:
            return refusal(request, Reason.BROKEN_FORM, status=400)
        except Busy:
            return refusal(request, Reason.BUSY, status=503)
        except StoreFailed:
            return last_page(request, MAILBOX_FAILED, status=503)

    return answer


@_refusing
async def show(request: web.Request) -> web.StreamResponse:
    """Show what the mailbox holds; an empty one and one that never was read the same."""
    session = _reader(request)
    if session is None:
        return go_to(request, "/return")
    async with whole_steps():
        keys = await _keys(request, session)
        async with request.app[LOOKING].turn(_whose(request, keys)):
            found = await mailbox.look(keys, request.app[PARTS].store)
        session.has_reply = session.has_reply or bool(found.letters)
        return _page(request, session, found)


@_refusing
async def delete(request: web.Request) -> web.StreamResponse:
    """Delete the replies that the form names, then show the mailbox."""
    session = _asking(request)
    if session is None:
        return refusal(request, Reason.NO_SESSION, status=403)
    names = await _names(request)
    if not session.codename:
        return go_to(request, "/return")
    async with whole_steps():
        keys = await _keys(request, session)
        async with request.app[LOOKING].turn(_whose(request, keys)):
            for name in names:
                await mailbox.delete_letter(name, keys, request.app[PARTS].store)
    return go_to(request, "/mailbox")


async def before_closing(request: web.Request) -> web.StreamResponse:
    """Say what goes with the mailbox and what doesn't, before anything does."""
    session = _reader(request)
    if session is None:
        return go_to(request, "/return")
    sending = request.app[SESSIONS].is_sent_to(session)
    return page(request, "close.html", here="/mailbox/close", sending=sending)


@_refusing
async def close(request: web.Request) -> web.StreamResponse:
    """Delete mailbox and replies, and end the visit.

    Not while it is still sent to, in this visit or another of the same words: what comes would lie
    in a mailbox made anew. From here on none of these can send.
    """
    session = _asking(request)
    if session is None:
        return refusal(request, Reason.NO_SESSION, status=403)
    if not session.codename:
        return go_to(request, "/return")
    sessions = request.app[SESSIONS]
    async with whole_steps():
        keys = await _keys(request, session)
        async with request.app[LOOKING].turn(_whose(request, keys)):
            if sessions.is_sent_to(session):
                return go_to(request, "/mailbox/close")
            # Over at once, so that no second click, and no other tab, finds it half closed.
            sessions.end_all_of(session)
            await mailbox.close(keys, request.app[PARTS].store)
    return go_to(request, "/mailbox/closed")


async def closed(request: web.Request) -> web.StreamResponse:
    """Say that it is closed, and how to forget the rest; a page of its own, so that it reloads."""
    if sent_by_another(request):
        return go_to(request, "/")
    return left(request, closed=True)


def _page(request: web.Request, session: Session, found: mailbox.Mailbox) -> web.Response:
    language = language_of(request)
    letters = list(_by_page(found.letters))
    events = [found.events[at : at + _EVENTS] for at in range(0, len(found.events), _EVENTS)]
    last = max(len(letters), len(events), 1)
    number = min(int(request.match_info.get("number", 1)), last)
    shown: Sequence[MailboxEvent] = events[number - 1] if number <= len(events) else ()
    return page(
        request,
        "mailbox.html",
        here=_address(number),
        token=session.token,
        first=number == 1,
        letters=letters[number - 1] if number <= len(letters) else (),
        events=[
            (one, name_of(one.kind, language, one.number), words_of(one.outcome)) for one in shown
        ],
        opened=found.opened,
        newer=_address(number - 1) if number > 1 else "",
        older=_address(number + 1) if number < last else "",
        and_more=number == last and (found.older_letters or found.older_events),
    )


def _address(number: int) -> str:
    return "/mailbox" if number == 1 else f"/mailbox/{number}"


def _by_page(letters: Sequence[Letter]) -> Iterator[list[Letter]]:
    """Yield the letters of each page, at least one."""
    together: list[Letter] = []
    size = 0
    for letter in letters:
        more = len(str(escape(letter.text)).encode()) + _AROUND_LETTER
        if together and size + more > _LETTERS_BYTES:
            yield together
            together, size = [], 0
        together.append(letter)
        size += more
    if together:
        yield together


def _reader(request: web.Request) -> Session | None:
    """Return the visit that may read: what it reads with is forgotten when nobody is there."""
    session = any_visit(request)
    return session if session is not None and session.codename else None


def _asking(request: web.Request) -> Session | None:
    """Return the visit, if it is one of its own pages that asks."""
    session = any_visit(request)
    ours = session is not None and session.token_is(request.match_info["token"])
    return session if ours else None


def _whose(request: web.Request, keys: SourceKeys) -> Hashable:
    """Return whose turn a look is: the mailbox's where nobody tells circuits.

    One that is slow to read, because somebody filled it, could be asked for by many visits.
    """
    return asker(request, keys.mailbox_id)


async def _keys(request: web.Request, session: Session) -> SourceKeys:
    return await asyncio.shield(keys_for(request, session))


async def _names(request: web.Request) -> list[str]:
    """Return the answers that a small form names. Raises BrokenForm."""
    names = (await small_form(request, most_fields=_MOST_FIELDS)).get("reply", [])
    if not names or not all(_NAME.fullmatch(name) for name in names):
        raise BrokenForm("not the name of an answer")
    return names
