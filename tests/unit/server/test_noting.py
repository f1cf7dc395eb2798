"""What a mailbox is told of a form, also by a store that fails now and then."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from crypto.codename import SourceKeys
from crypto.manifest import Condition
from crypto.reply import Reply, Stage, State, public_key_of, seal_reply, seal_state
from server.config import Limits
from server.errors import StoreFailed
from server.events import MailboxNotNoted, Reason
from server.journal import Journal
from server.mailbox import has_reply, look
from server.pipeline import Parts
from server.progress import Item
from server.sender import sender_of
from server.store import Blob, random_name, small
from server.store.memory import MemoryStore
from server.visit import Receiving, _Notes

KEYS = SourceKeys(os.urandom(16), os.urandom(32), os.urandom(32), "two words")


class Failing(MemoryStore):
    """A store that fails at first, so many times; `attempts` counts how often it was asked."""

    def __init__(self, fails: int) -> None:
        super().__init__()
        self.fails = fails
        self.attempts = 0

    async def put(self, name: str, blob: Blob) -> None:
        self.attempts += 1
        if self.attempts <= self.fails:
            raise StoreFailed("Input/output error")
        await super().put(name, blob)


def noted(
    store: Failing, tell: Callable[[_Notes], Awaitable[None]]
) -> tuple[list[tuple[int, str]], int]:
    """Return what the mailbox says afterwards, and how much it was never told."""

    async def run() -> tuple[list[tuple[int, str]], int]:
        nothing: Any = None
        source = asyncio.get_running_loop().create_future()
        source.set_result(sender_of(KEYS))
        parts, journal = Parts(nothing, nothing, nothing, store), Journal()
        await tell(_Notes(Receiving(Limits(), source, parts, journal, lambda: datetime.now(UTC))))
        events = [(event.number, event.outcome) for event in (await look(KEYS, store)).events]
        return events, journal._counts[MailboxNotNoted()]

    return asyncio.run(run())


async def three(notes: _Notes) -> None:
    await notes.add(Item("recording", 1), Condition.CLEANED)
    await notes.add(Item("recording", 2), Reason.EMPTY)
    await notes.add(Item("recording", 3), Condition.CLEANED)
    await notes.end()


class TestNoting:
    def test_tells_each_thing_as_it_comes(self) -> None:
        store = Failing(0)

        assert noted(store, three) == ([(1, "cleaned"), (2, "empty"), (3, "cleaned")], 0)
        assert store.attempts == 3

    def test_tells_again_with_the_next_thing_what_was_not_taken(self) -> None:
        assert noted(Failing(2), three) == ([(1, "cleaned"), (2, "empty"), (3, "cleaned")], 0)

    def test_tells_a_last_time_at_the_end(self) -> None:
        assert noted(Failing(3), three) == ([(1, "cleaned"), (2, "empty"), (3, "cleaned")], 0)

    def test_gives_up_then_and_asked_once_for_each_and_once_more(self) -> None:
        store = Failing(1000)

        assert noted(store, three) == ([], 3)
        assert store.attempts == 4


class TestAReply:
    def test_is_one_that_a_person_wrote(self) -> None:
        async def run() -> None:
            store = MemoryStore()
            to, box = public_key_of(KEYS.reply_seed), KEYS.mailbox_id
            assert not await has_reply(KEYS, store)

            name = random_name()
            await store.put(f"replies/{box.hex()}/{name}", small(b"not sealed to anyone"))
            assert not await has_reply(KEYS, store)

            name = random_name()
            sealed = seal_reply(Reply("2026-11-20", "Yes."), to=to, mailbox_id=box, name=name)
            await store.put(f"replies/{box.hex()}/{name}", small(sealed))
            assert await has_reply(KEYS, store)

        asyncio.run(run())

    def test_is_not_the_word_that_something_was_opened(self) -> None:
        async def run() -> None:
            store = MemoryStore()
            to, box, name = public_key_of(KEYS.reply_seed), KEYS.mailbox_id, random_name()
            state = State(Stage.OPENED, "2026-11-20", 3)
            sealed = seal_state(state, to=to, mailbox_id=box, name=name)
            await store.put(f"replies/{box.hex()}/{name}", small(sealed))

            assert (await look(KEYS, store)).opened is not None
            assert not await has_reply(KEYS, store)

        asyncio.run(run())
