"""Receive one form: each recording and message is kept, or refused, by itself."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
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
    NotTaking,
    ServerError,
    SpoolFailed,
    SpoolFull,
    StoreFailed,
    StoreFull,
    TooLarge,
    TooMany,
)
from server.events import MailboxNotNoted, Reason, Received, Refused
from server.journal import Journal
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
    (NotTaking, Reason.LOCKED_DOWN),
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
    notes = _Notes(work)
    try:
        await _take_parts(parts(request.headers, body, work.limits), progress, work, notes)
    except (CutOff, BrokenForm, TooMany) as error:
        is_cut_off = isinstance(error, CutOff)
        why = progress.cut_off_for if is_cut_off else reason_of(error)
        _settle(progress.add("form"), why, work.journal)
        if is_cut_off:
            return State.BROKEN_OFF
        await read_to_the_end(body)
    finally:
        await notes.end()
    return State.DONE


class _Notes:
    """What the mailbox is to be told of a form.

    Without a note there is no mailbox, and a desk's answers would reach nobody. So what the store
    didn't take is told again with the next thing, and once more when the form is over.
    """

    def __init__(self, work: Receiving) -> None:
        self._work = work
        self._untold: deque[MailboxEvent] = deque()

    async def add(self, item: Item, became: Condition | Reason) -> None:
        """Tell it what became of one thing."""
        day = self._work.now().date().isoformat()
        self._untold.append(MailboxEvent(day, item.kind, str(became), item.number))
        await self._tell()

    async def end(self) -> None:
        """Tell it a last time; from now on it can't say what it was not told."""
        await self._tell()
        for _ in self._untold:
            self._work.journal.count(MailboxNotNoted())

    async def _tell(self) -> None:
        # The first that isn't taken ends it, so this costs one attempt in vain each time.
        with suppress(StoreFailed, Busy):
            while self._untold:
                sender = await asyncio.shield(self._work.source)
                await note(self._untold[0], sender, self._work.pipeline.store)
                self._untold.popleft()


async def _take_parts(
    form: AsyncIterator[Uncleanable | Message | Recording],
    progress: Progress,
    work: Receiving,
    notes: _Notes,
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
                await _kept(item, taking, work, notes, progress)
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
                await _kept(item, taking, work, notes, progress)


def reason_of(error: Exception) -> Reason:
    """Return the one word for an error that a recording was refused with."""
    if isinstance(error, ScrubError):
        return Reason(error.reason)
    return next(reason for kind, reason in _REASONS if isinstance(error, kind))


async def _kept(
    item: Item, taking: Awaitable[Condition], work: Receiving, notes: _Notes, progress: Progress
) -> None:
    """Wait for what becomes of one thing, and note it: for the page, the day, the mailbox."""
    try:
        became: Condition | Reason = await taking
    except CutOff:
        item.settle(progress.cut_off_for)
        raise
    except (ServerError, ScrubError, CryptoError, OSError) as error:
        became = reason_of(error)
    if item.kept_before() is not None:
        item.settle(became)
        return
    _settle(item, became, work.journal)
    await notes.add(item, became)


def _settle(item: Item, became: Condition | Reason, journal: Journal) -> None:
    item.settle(became)
    match became:
        case Condition():
            journal.count(Received(became))
        case Reason():
            journal.count(Refused(became))
