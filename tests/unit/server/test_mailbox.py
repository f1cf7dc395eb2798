"""The mailbox: opened with the codename only, and saying nothing to anyone else."""

import asyncio
import itertools
import json
import os
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from crypto.chunks import hold
from crypto.codename import SourceKeys
from crypto.reply import (
    LARGEST_SEALED,
    Reply,
    Stage,
    State,
    public_key_of,
    seal_reply,
    seal_state,
)
from server import mailbox
from server.mailbox import (
    MOST_EVENTS,
    MOST_REPLIES,
    Letter,
    Mailbox,
    MailboxEvent,
    close,
    delete_letter,
    look,
    note,
)
from server.store import random_name
from server.store.memory import MemoryStore

DAY, LATER = "2026-11-20", "2026-11-21"
NOTHING = Mailbox((), older_events=False, letters=(), older_letters=False, opened=None)
_T = TypeVar("_T")


def source() -> SourceKeys:
    return SourceKeys(os.urandom(16), os.urandom(32), os.urandom(32), "two words")


@pytest.fixture
def keys() -> SourceKeys:
    return source()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def run(work: Coroutine[Any, Any, _T]) -> _T:
    return asyncio.run(work)


def reply(text: str, keys: SourceKeys, store: MemoryStore, *, day: str = DAY) -> str:
    """Deliver a reply; return its name."""
    name, to = random_name(), public_key_of(keys.reply_seed)
    sealed = seal_reply(Reply(day, text), to=to, mailbox_id=keys.mailbox_id, name=name)
    store.blobs[f"replies/{keys.mailbox_id.hex()}/{name}"] = sealed
    return name


def say_opened(count: int, keys: SourceKeys, store: MemoryStore, *, day: str = DAY) -> State:
    """Deliver a state; return it."""
    name, to = random_name(), public_key_of(keys.reply_seed)
    state = State(Stage.OPENED, day, count)
    sealed = seal_state(state, to=to, mailbox_id=keys.mailbox_id, name=name)
    store.blobs[f"replies/{keys.mailbox_id.hex()}/{name}"] = sealed
    return state


class TestEvents:
    def test_come_back_with_the_codename_newest_day_first(
        self, store: MemoryStore, keys: SourceKeys
    ) -> None:
        late = MailboxEvent(LATER, "recording", "cleaned")
        early = MailboxEvent(DAY, "message", "written")
        run(note(early, keys, store))
        run(note(late, keys, store))

        assert run(look(keys, store)).events == (late, early)

    def test_of_one_day_stand_as_in_their_form(self, store: MemoryStore, keys: SourceKeys) -> None:
        sent = [MailboxEvent(DAY, "recording", "cleaned", number) for number in range(1, 6)]
        for event in reversed(sent):
            run(note(event, keys, store))

        assert list(run(look(keys, store)).events) == sent

    def test_are_all_of_one_size_and_readable_to_nobody(
        self, store: MemoryStore, keys: SourceKeys
    ) -> None:
        run(note(MailboxEvent(DAY, "recording", "cleaned"), keys, store))
        run(note(MailboxEvent(DAY, "message", "store_failed"), keys, store))

        assert {len(blob) for blob in store.blobs.values()} == {4096}
        assert not any(b"2026" in blob for blob in store.blobs.values())

    def test_one_that_was_tampered_with_or_moved_is_left_out(
        self, store: MemoryStore, keys: SourceKeys
    ) -> None:
        run(note(MailboxEvent(DAY, "recording", "cleaned"), keys, store))
        ((name, blob),) = store.blobs.items()
        folder = name.rpartition("/")[0]
        for planted in (blob, os.urandom(4096), os.urandom(40), b"", bytes(10_000_000)):
            store.blobs[f"{folder}/{random_name()}"] = planted

        assert len(run(look(keys, store)).events) == 1

    def test_one_of_a_later_version_is_left_out(self, store: MemoryStore, keys: SourceKeys) -> None:
        name = random_name()
        inside = json.dumps({"version": "tapedrop event 2"}).encode()
        sealed = hold(inside, keys.mailbox_key, purpose="mailbox event", name=name)
        store.blobs[f"mailboxes/{keys.mailbox_id.hex()}/{name}"] = sealed

        assert run(look(keys, store)) == NOTHING

    def test_of_very_many_the_newest_days_are_kept(
        self, store: MemoryStore, keys: SourceKeys
    ) -> None:
        days = [f"2026-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)]
        for day in days:
            run(note(MailboxEvent(day, "message", "written"), keys, store))

        found = run(look(keys, store))

        assert [event.day for event in found.events] == days[::-1][:MOST_EVENTS]
        assert found.older_events

    def test_reading_ends_somewhere(
        self, store: MemoryStore, keys: SourceKeys, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mailbox, "MOST_READ", 3)
        for _ in range(4):
            run(note(MailboxEvent(DAY, "message", "written"), keys, store))

        found = run(look(keys, store))

        assert len(found.events) == 3
        assert found.older_events

    def test_reading_ends_some_time_and_answers_are_read_before(
        self, store: MemoryStore, keys: SourceKeys
    ) -> None:
        for _ in range(20):
            run(note(MailboxEvent(DAY, "message", "written"), keys, store))
        reply("Which door?", keys, store)

        found = run(look(keys, store, clock=itertools.count().__next__))

        assert 0 < len(found.events) < 10
        assert found.older_events
        assert len(found.letters) == 1


class TestAnswers:
    def test_open_with_the_codename_they_were_sealed_to(
        self, store: MemoryStore, keys: SourceKeys
    ) -> None:
        name = reply("Which door?", keys, store)

        assert run(look(keys, store)).letters == (Letter(name, DAY, "Which door?"),)
        stranger = SourceKeys(keys.mailbox_id, keys.mailbox_key, os.urandom(32), "two words")
        assert run(look(stranger, store)) == NOTHING

    def test_the_newest_replies_come_first_and_there_is_an_end(
        self, store: MemoryStore, keys: SourceKeys
    ) -> None:
        days = [f"2026-11-{day:02}" for day in range(1, 31)]
        for day in days:
            reply("words", keys, store, day=day)

        found = run(look(keys, store))

        assert [letter.day for letter in found.letters] == days[::-1][:MOST_REPLIES]
        assert found.older_letters

    def test_of_all_states_the_furthest_holds(self, store: MemoryStore, keys: SourceKeys) -> None:
        say_opened(2, keys, store)
        furthest = say_opened(5, keys, store)
        say_opened(3, keys, store, day=LATER)

        assert run(look(keys, store)).opened == furthest

    @pytest.mark.parametrize(
        "planted",
        [b"", b"TDR1", b"TDR9" + bytes(3000), os.urandom(6000), bytes(LARGEST_SEALED + 1)],
        ids=["nothing", "a beginning", "a later version", "anything", "too much"],
    )
    def test_what_does_not_open_is_left_out(
        self, store: MemoryStore, keys: SourceKeys, planted: bytes
    ) -> None:
        store.blobs[f"replies/{keys.mailbox_id.hex()}/{random_name()}"] = planted

        assert run(look(keys, store)) == NOTHING


class TestLooking:
    def test_an_empty_mailbox_and_one_that_never_was_are_alike(
        self, store: MemoryStore, keys: SourceKeys
    ) -> None:
        run(note(MailboxEvent(DAY, "message", "written"), keys, store))
        run(close(keys, store))

        assert run(look(keys, store)) == run(look(source(), store)) == NOTHING

    def test_writes_nothing(self, store: MemoryStore, keys: SourceKeys) -> None:
        run(note(MailboxEvent(DAY, "message", "written"), keys, store))
        before = dict(store.blobs)

        run(look(keys, store))
        run(look(source(), store))

        assert store.blobs == before


class TestDeleting:
    def test_one_reply_goes_and_the_others_stay(self, store: MemoryStore, keys: SourceKeys) -> None:
        gone = reply("this one", keys, store)
        reply("that one", keys, store)

        run(delete_letter(gone, keys, store))
        run(delete_letter(gone, keys, store))

        assert [letter.text for letter in run(look(keys, store)).letters] == ["that one"]

    def test_nobody_deletes_in_another_mailbox(self, store: MemoryStore, keys: SourceKeys) -> None:
        name = reply("mine", keys, store)

        run(delete_letter(name, source(), store))

        assert len(run(look(keys, store)).letters) == 1


class TestClosing:
    def test_mailbox_and_answers_go_and_everything_else_stays(
        self, store: MemoryStore, keys: SourceKeys
    ) -> None:
        run(note(MailboxEvent(DAY, "message", "written"), keys, store))
        reply("words", keys, store)
        say_opened(1, keys, store)
        other = source()
        run(note(MailboxEvent(DAY, "message", "written"), other, store))
        store.blobs[f"drops/{random_name()}"] = b"an envelope"

        run(close(keys, store))

        left = [name for name in store.blobs if not name.startswith("drops/")]
        assert [name.split("/")[1] for name in left] == [other.mailbox_id.hex()]
        assert len(store.blobs) == 2

    def test_twice_is_no_error(self, store: MemoryStore, keys: SourceKeys) -> None:
        run(close(keys, store))
        run(close(keys, store))
