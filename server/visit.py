"""Receive one form: each recording and message is kept, or refused, by itself."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import StreamReader, web

from crypto.errors import CryptoError, NoUsableKey
from crypto.manifest import Condition
from scrub import ScrubError
from server.arrive import (
    Message,
    Recording,
    Uncleanable,
    body_of,
    parts,
    read_to_the_end,
)
from server.config import Limits
from server.errors import (
    BrokenForm,
    Busy,
    CutOff,
    Empty,
    ServerError,
    SpoolFailed,
    SpoolFull,
    StoreFailed,
    StoreFull,
    TooLarge,
    TooMany,
)
from server.events import Journal, MailboxNotNoted, Reason, Received, Refused
from server.mailbox import MailboxEvent, note
from server.pipeline import Parts, take_in, take_in_message
from server.progress import Item, Progress, State
from server.sender import Sender

_REASONS: tuple[tuple[type[Exception], Reason], ...] = (
    (Empty, Reason.EMPTY),
    (TooLarge, Reason.TOO_LARGE),
    (TooMany, Reason.TOO_MANY),
    (CutOff, Reason.CUT_OFF),
    (BrokenForm, Reason.BROKEN_FORM),
    (Busy, Reason.BUSY),
    (SpoolFull, Reason.SPOOL_FULL),
    (SpoolFailed, Reason.SPOOL_FAILED),
    (StoreFull, Reason.STORE_FULL),
    (StoreFailed, Reason.STORE_FAILED),
    (NoUsableKey, Reason.NO_KEY),
    (CryptoError, Reason.SEAL_FAILED),
    (OSError, Reason.SPOOL_FAILED),  # no more descriptors, no more processes
)
"""The first type that fits gives the reason; leaves stand before their roots."""


@dataclass(frozen=True, slots=True)
class Receiving:
    """What receiving a form works with. `source` is still being made while it arrives."""

    limits: Limits
    source: asyncio.Future[Sender]
    pipeline: Parts
    journal: Journal
    now: Callable[[], datetime]


async def receive(
    request: web.Request, progress: Progress, work: Receiving, *, before: Progress | None = None
) -> None:
    """Take in everything the form holds, and note in `progress` what became of each part.

    `before` is the same form's sending before this one: it ends first, so that what it has kept is
    known again. One that is refused costs the others nothing. What ends the form itself comes last.
    """
    state = State.BROKEN_OFF
    try:
        if before is not None:
            await before.supersede()
        async with body_of(request) as body:
            progress.reads(body.feed_eof)
            state = await _taken(request, body, progress, work)
    finally:
        progress.end(state)


async def _taken(
    request: web.Request, body: StreamReader, progress: Progress, work: Receiving
) -> State:
    try:
        await _take_parts(parts(request.headers, body, work.limits), progress, work)
    except (CutOff, BrokenForm, TooMany) as error:
        _settle(progress.add("form"), reason_of(error), work.journal)
        if isinstance(error, CutOff):
            return State.BROKEN_OFF
        await read_to_the_end(body)
    return State.DONE


async def _take_parts(
    form: AsyncIterator[Uncleanable | Message | Recording], progress: Progress, work: Receiving
) -> None:
    uncleanable = Uncleanable.REFUSE
    recordings = 0
    async for part in form:
        match part:
            case Uncleanable():
                uncleanable = part
            case Message():
                item = progress.add("message")
                taking = take_in_message(part, source=work.source, parts=work.pipeline, item=item)
                await _kept(item, taking, work)
            case Recording():
                recordings += 1
                item = progress.add("recording", recordings)
                taking = take_in(
                    part,
                    uncleanable=uncleanable,
                    source=work.source,
                    parts=work.pipeline,
                    item=item,
                )
                await _kept(item, taking, work)


def reason_of(error: Exception) -> Reason:
    """Return the one word for an error that a recording was refused with."""
    if isinstance(error, ScrubError):
        return Reason(error.reason)
    return next(reason for kind, reason in _REASONS if isinstance(error, kind))


async def _kept(item: Item, taking: Awaitable[Condition], work: Receiving) -> None:
    """Wait for what becomes of one thing, and note it: for the page, the day, the mailbox."""
    try:
        became: Condition | Reason = await taking
    except CutOff:
        item.settle(Reason.CUT_OFF)
        raise
    except (ServerError, ScrubError, CryptoError, OSError) as error:
        became = reason_of(error)
    if item.kept_before() is not None:
        item.settle(became)
        return
    _settle(item, became, work.journal)
    event = MailboxEvent(work.now().date().isoformat(), item.kind, str(became), item.number)
    try:
        await note(event, await asyncio.shield(work.source), work.pipeline.store)
    except (StoreFailed, Busy):
        # The drop itself is safe; only the mailbox can't say so.
        work.journal.count(MailboxNotNoted())


def _settle(item: Item, became: Condition | Reason, journal: Journal) -> None:
    item.settle(became)
    match became:
        case Condition():
            journal.count(Received(became))
        case Reason():
            journal.count(Refused(became))
