"""The mailbox: opened with the codename only, and saying nothing to anyone else."""

import asyncio
import os

import pytest

from crypto.codename import SourceKeys
from crypto.reply import public_key_of, seal_reply
from server import mailbox
from server.mailbox import MailboxEvent, note
from server.store import random_name, small
from server.store.memory import MemoryStore


def source() -> SourceKeys:
    return SourceKeys(os.urandom(16), os.urandom(32), os.urandom(32), "two words")


class TestEvents:
    def test_come_back_with_the_codename_oldest_day_first(self) -> None:
        async def run() -> None:
            store, keys = MemoryStore(), source()
            late = MailboxEvent("2026-11-21", "recording", "cleaned")
            early = MailboxEvent("2026-11-20", "message", "written")
            await note(late, keys, store)
            await note(early, keys, store)

            assert await mailbox.events(keys, store) == [early, late]
            assert await mailbox.events(source(), store) == []

        asyncio.run(run())

    def test_are_all_of_one_size_and_readable_to_nobody(self) -> None:
        async def run() -> None:
            store, keys = MemoryStore(), source()
            await note(MailboxEvent("2026-11-20", "recording", "cleaned"), keys, store)
            await note(MailboxEvent("2026-11-20", "message", "store_failed"), keys, store)

            assert {len(blob) for blob in store.blobs.values()} == {4096}
            assert not any(b"2026" in blob for blob in store.blobs.values())

        asyncio.run(run())

    def test_one_that_was_tampered_with_or_moved_is_left_out(self) -> None:
        async def run() -> None:
            store, keys = MemoryStore(), source()
            await note(MailboxEvent("2026-11-20", "recording", "cleaned"), keys, store)
            ((name, blob),) = store.blobs.items()
            folder = name.rpartition("/")[0]
            store.blobs[f"{folder}/{random_name()}"] = blob
            store.blobs[f"{folder}/{random_name()}"] = os.urandom(4096)

            assert len(await mailbox.events(keys, store)) == 1

        asyncio.run(run())


class TestReplies:
    def test_open_with_the_codename_they_were_sealed_to(self) -> None:
        async def run() -> None:
            store, keys, name = MemoryStore(), source(), random_name()
            to = public_key_of(keys.reply_seed)
            sealed = seal_reply("Which door?", to=to, mailbox_id=keys.mailbox_id, name=name)
            await store.put(f"replies/{keys.mailbox_id.hex()}/{name}", small(sealed))

            (reply,) = await mailbox.replies(keys, store)

            assert reply.text == "Which door?"

        asyncio.run(run())

    @pytest.mark.parametrize("planted", [b"", b"TDR1", b"TDR9" + bytes(3000), os.urandom(6000)])
    def test_what_does_not_open_is_left_out(self, planted: bytes) -> None:
        async def run() -> None:
            store, keys = MemoryStore(), source()
            await store.put(f"replies/{keys.mailbox_id.hex()}/{random_name()}", small(planted))

            assert await mailbox.replies(keys, store) == []

        asyncio.run(run())
