"""Receive one form: each recording and message is kept, or refused, by itself."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from crypto.codename import SourceKeys
from crypto.errors import CryptoError, NoUsableKey
from crypto.manifest import Condition
from scrub import ScrubError
from server.arrive import Message, Recording, Uncleanable, parts, read_to_the_end
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
class Outcome:
    """What became of one thing that was sent.

    `kind` is recording, message or form; `number` counts recordings from 1 in the form's order.
    """

    kind: str
    number: int
    became: Condition | Reason

    @property
    def received(self) -> bool:
        """Whether it is in the store, synced."""
        return isinstance(self.became, Condition)


async def receive(
    request: web.Request,
    *,
    limits: Limits,
    source: asyncio.Future[SourceKeys],
    pipeline: Parts,
    journal: Journal,
    now: Callable[[], datetime],
) -> list[Outcome]:
    """Take in everything the form holds; return what became of each, in the form's order.

    `source` is still being made while the first recording arrives. One that is refused costs the
    others nothing. What ends the form itself comes last.
    """
    outcomes: list[Outcome] = []
    uncleanable = Uncleanable.REFUSE

    async def settle(kind: str, number: int, work: Awaitable[Condition]) -> None:
        outcome = Outcome(kind, number, await _became(work))
        outcomes.append(outcome)
        _count(outcome, journal)
        event = MailboxEvent(now().date().isoformat(), kind, str(outcome.became))
        try:
            await note(event, await asyncio.shield(source), pipeline.store)
        except (StoreFailed, Busy):
            # The drop itself is safe; only the mailbox can't say so.
            journal.count(MailboxNotNoted())

    recordings = 0
    try:
        async for part in parts(request, limits):
            match part:
                case Uncleanable():
                    uncleanable = part
                case Message():
                    await settle("message", 0, take_in_message(part, source=source, parts=pipeline))
                case Recording():
                    recordings += 1
                    work = take_in(part, uncleanable=uncleanable, source=source, parts=pipeline)
                    await settle("recording", recordings, work)
    except (CutOff, BrokenForm, TooMany) as error:
        outcomes.append(Outcome("form", 0, reason_of(error)))
        _count(outcomes[-1], journal)
        await read_to_the_end(request)
    return outcomes


def reason_of(error: Exception) -> Reason:
    """Return the one word for an error that a recording was refused with."""
    if isinstance(error, ScrubError):
        return Reason(error.reason)
    return next(reason for kind, reason in _REASONS if isinstance(error, kind))


async def _became(work: Awaitable[Condition]) -> Condition | Reason:
    try:
        return await work
    except CutOff:
        raise
    except (ServerError, ScrubError, CryptoError, OSError) as error:
        return reason_of(error)


def _count(outcome: Outcome, journal: Journal) -> None:
    match outcome.became:
        case Condition():
            journal.count(Received(outcome.became))
        case Reason():
            journal.count(Refused(outcome.became))
