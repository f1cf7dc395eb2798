"""A source's mailbox: what became of each thing they sent, and what the newsroom answered.

It is read with the codename only. One event is one object, padded, sealed and never rewritten:

    inside    JSON {"version", "day", "kind", "outcome", "number"}, spaces up to 4,048 bytes
    held      4,096 bytes: `crypto/chunks.py` under the mailbox key, the object's name bound to it

It never names a drop, and its day is all it knows of time. Answers are as `crypto/reply.py` says.

Looking writes nothing, and a mailbox that is empty and one that never was are read alike. What
doesn't open is left out: whoever could put it there could also have taken it away.
"""

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date
from operator import attrgetter
from typing import Final, Generic, TypeVar

from crypto.chunks import HEAD_SIZE, TAG_SIZE, held, hold
from crypto.codename import SourceKeys
from crypto.errors import CryptoError, NewerVersion, Tampered
from crypto.reply import LARGEST_SEALED, Reply, State, open_answer
from server.errors import NoSuchObject
from server.sender import Sender
from server.store import Store, random_name, small

EVENT_SIZE: Final = 4096
VERSION: Final = "tapedrop event 1"
_PURPOSE: Final = "mailbox event"
MOST_EVENTS: Final = 100
MOST_REPLIES: Final = 20
MOST_READ: Final = 2_000
"""Objects of each kind that one look reads: about as much work as typing the codename was."""
_LONGEST_LOOK_SECONDS: Final = 5.0
"""At events. Over a bucket each is a request: 2,000 took half a minute, and few look at once."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class MailboxEvent:
    """`kind` is recording or message; `outcome` is cleaned, uncleaned, written or a reason.

    `number` is a recording's place in its form, from 1.
    """

    day: str
    kind: str
    outcome: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Letter:
    """What a reporter wrote back on `day`; `name` is what the store calls it."""

    name: str
    day: str
    text: str


@dataclass(frozen=True, slots=True)
class Mailbox:
    """What a source sees: the newest days first, no more than a page can hold.

    `older_events` and `older_letters` say that there is more. `opened` is the furthest that the
    newsroom has come.
    """

    events: tuple[MailboxEvent, ...]
    older_events: bool
    letters: tuple[Letter, ...]
    older_letters: bool
    opened: State | None


async def note(event: MailboxEvent, sender: Sender, store: Store) -> None:
    """Add one event to the mailbox. Raises StoreFailed."""
    name = random_name()
    inside = json.dumps({"version": VERSION} | asdict(event)).encode()
    inside = inside.ljust(EVENT_SIZE - HEAD_SIZE - TAG_SIZE)
    sealed = hold(inside, sender.mailbox_key, purpose=_PURPOSE, name=name)
    await store.put(_events(sender) + name, small(sealed))


async def look(
    keys: SourceKeys, store: Store, *, clock: Callable[[], float] = time.monotonic
) -> Mailbox:
    """Return what the mailbox holds; memory and time are bounded, however much it is.

    Answers come first: only their source can fill a mailbox with events. Raises StoreFailed.
    """
    letters: _Newest[Letter] = _Newest(MOST_REPLIES, attrgetter("day"))
    opened = None
    async for name, sealed in _objects(_replies(keys), LARGEST_SEALED, store, letters.leave_out):
        try:
            answer = _opened_answer(sealed, keys, name)
        except CryptoError:
            continue
        match answer:
            case Reply():
                letters.add(Letter(name, answer.day, answer.text))
            case State():
                opened = max(opened or answer, answer, key=attrgetter("count"))
    events: _Newest[MailboxEvent] = _Newest(MOST_EVENTS, attrgetter("day"))
    until = clock() + _LONGEST_LOOK_SECONDS
    async for name, sealed in _objects(_events(keys), EVENT_SIZE, store, events.leave_out):
        with suppress(Tampered, NewerVersion):
            events.add(_opened_event(sealed, keys, name))
        if clock() > until:
            events.leave_out()
            break
    return Mailbox(
        events=tuple(sorted(events.kept(), key=_in_order)),
        older_events=events.left_out,
        letters=letters.kept(),
        older_letters=letters.left_out,
        opened=opened,
    )


async def has_reply(keys: SourceKeys, store: Store) -> bool:
    """Say whether somebody at a desk has written to this source. Raises StoreFailed.

    That something was opened there is no reply: nobody chose to whom that is told.
    """
    async for name, sealed in _objects(_replies(keys), LARGEST_SEALED, store, lambda: None):
        with suppress(CryptoError):
            if isinstance(_opened_answer(sealed, keys, name), Reply):
                return True
    return False


async def delete_letter(name: str, keys: SourceKeys, store: Store) -> None:
    """Delete one answer; deleting one that isn't there is not an error. Raises StoreFailed."""
    await store.delete(_replies(keys) + name)


async def close(keys: SourceKeys, store: Store) -> None:
    """Delete the mailbox and every answer in it. Raises StoreFailed.

    Recordings and messages stay: nothing here leads to them.
    """
    for folder in (_replies(keys), _events(keys)):
        async for path in store.names(folder):
            await store.delete(path)


def _in_order(event: MailboxEvent) -> tuple[int, int]:
    """Return what sorts the newest day first, and a day's things as they stood in their form."""
    return -date.fromisoformat(event.day).toordinal(), event.number


def _events(whose: SourceKeys | Sender) -> str:
    return f"mailboxes/{whose.mailbox_id.hex()}/"


def _replies(keys: SourceKeys) -> str:
    return f"replies/{keys.mailbox_id.hex()}/"


def _opened_event(sealed: bytes, keys: SourceKeys, name: str) -> MailboxEvent:
    """Return the event. Raises Tampered, NewerVersion."""
    said = json.loads(held(sealed, keys.mailbox_key, purpose=_PURPOSE, name=name))
    if said.pop("version") != VERSION:
        raise NewerVersion("mailbox event")
    return MailboxEvent(**said)


def _opened_answer(sealed: bytes, keys: SourceKeys, name: str) -> Reply | State | None:
    """Return what a desk wrote, None where only later versions know. Raises CryptoError."""
    return open_answer(sealed, reply_seed=keys.reply_seed, mailbox_id=keys.mailbox_id, name=name)


async def _objects(
    folder: str, largest: int, store: Store, left_out: Callable[[], None]
) -> AsyncIterator[tuple[str, bytes]]:
    """Yield names and contents, without what is larger than `largest` or gone meanwhile.

    Calls `left_out` when there is more than one look reads.
    """
    read = 0
    async for path in store.names(folder):
        if read == MOST_READ:
            left_out()
            break
        read += 1
        sealed = bytearray()
        with suppress(NoSuchObject):
            async for block in store.get(path):
                sealed += block
                if len(sealed) > largest:
                    break
            else:
                yield path.removeprefix(folder), bytes(sealed)


class _Newest(Generic[_T]):
    """The `most` newest of many, by day, in memory for twice as many."""

    def __init__(self, most: int, day: Callable[[_T], str]) -> None:
        self._most = most
        self._day = day
        self._found: list[_T] = []
        self.left_out = False

    def leave_out(self) -> None:
        """Note that there are others, which nobody has looked at."""
        self.left_out = True

    def add(self, one: _T) -> None:
        self._found.append(one)
        if len(self._found) == 2 * self._most:
            self._cut()

    def kept(self) -> tuple[_T, ...]:
        """Return them, the newest day first."""
        self._cut()
        return tuple(self._found)

    def _cut(self) -> None:
        self._found.sort(key=self._day, reverse=True)
        self.left_out |= len(self._found) > self._most
        del self._found[self._most :]
