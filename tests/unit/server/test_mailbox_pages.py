"""What the mailbox's pages answer when something stands in the way."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from crypto.codename import SourceKeys, new_codename
from crypto.reply import Reply, public_key_of, seal_reply
from server.app import build_app
from server.config import Config
from server.errors import Busy, StoreFailed
from server.events import Reason
from server.i18n import languages
from server.journal import Journal
from server.mailbox import MailboxEvent, note
from server.pages.parts import PAGE_SIZE, SESSIONS
from server.pipeline import Parts
from server.sender import sender_of
from server.sessions import Session
from server.store import random_name
from server.store.memory import MemoryStore
from server.wording import words_for

EVENT = MailboxEvent("2026-11-20", "message", "written")


@dataclass
class Deriving:
    """Keys for everyone, at once; or none, when too many wait."""

    keys: SourceKeys
    busy: bool = False

    async def keys_of(self, codename: bytes, *, whose: object = None) -> SourceKeys:
        if self.busy:
            raise Busy("too many codenames are waiting")
        return self.keys


class BrokenStore(MemoryStore):
    """A store that stopped giving."""

    async def names(self, prefix: str) -> AsyncIterator[str]:
        raise StoreFailed("Input/output error")
        yield ""


@dataclass
class Drop:
    """The web side of a drop, one visit to it, and what that visit may do."""

    store: MemoryStore = field(default_factory=MemoryStore)
    deriving: Deriving = field(
        default_factory=lambda: Deriving(
            SourceKeys(os.urandom(16), os.urandom(32), os.urandom(32), "two words")
        )
    )

    @asynccontextmanager
    async def visited(self) -> AsyncIterator["Visit"]:
        nothing: Any = None
        parts = Parts(nothing, nothing, nothing, self.store)
        deriver: Any = self.deriving
        app = build_app(
            Config(), parts=parts, deriver=deriver, journal=Journal(), now=lambda: datetime.now(UTC)
        )
        await note(EVENT, sender_of(self.deriving.keys), self.store)
        session = app[SESSIONS].begin(new_codename())
        cookies = {"visit": session.cookie}
        async with TestClient(TestServer(app), cookies=cookies) as client:
            yield Visit(client, session)


@dataclass
class Visit:
    """One visit, and the browser that makes it."""

    client: TestClient[web.Request, web.Application]
    session: Session

    async def get(self, path: str) -> tuple[int, str]:
        return await told(self.client.get(path, allow_redirects=False))

    async def post(self, what: str, body: str = "") -> tuple[int, str]:
        path = f"/mailbox/{self.session.token}/{what}"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return await told(self.client.post(path, data=body, headers=headers, allow_redirects=False))


async def told(answer: Awaitable[ClientResponse]) -> tuple[int, str]:
    """Return the status, and where it leads or what it says."""
    response = await answer
    return response.status, response.headers.get("Location") or await response.text()


def at(drop: Drop, work: Callable[[Visit], Awaitable[None]]) -> None:
    """Do `work` in a visit to the drop."""

    async def run() -> None:
        async with drop.visited() as visit:
            await work(visit)

    asyncio.run(run())


@pytest.fixture
def drop() -> Drop:
    return Drop()


class TestWhenReadingIsOver:
    def test_every_page_asks_for_the_words_again_and_nothing_is_deleted(self, drop: Drop) -> None:
        async def work(visit: Visit) -> None:
            await visit.get("/mailbox")
            visit.session.codename, visit.session.keys = b"", None

            for path in ("/mailbox", "/mailbox/close"):
                assert await visit.get(path) == (303, "/return")
            assert await visit.post("delete", "reply=" + "0" * 32) == (303, "/return")
            assert await visit.post("close") == (303, "/return")

        at(drop, work)
        assert len(drop.store.blobs) == 1


class TestWhileSomethingIsSent:
    def test_the_mailbox_is_not_closed_and_the_page_says_why(self, drop: Drop) -> None:
        async def work(visit: Visit) -> None:
            visit.session.uploads = 1

            status, page = await visit.get("/mailbox/close")

            assert status == 200
            assert "Something is still being sent" in page
            assert await visit.post("close") == (303, "/mailbox/close")

        at(drop, work)
        assert len(drop.store.blobs) == 1

    def test_by_another_visit_of_the_same_words_it_is_not_closed_either(self, drop: Drop) -> None:
        async def work(visit: Visit) -> None:
            sessions = visit.client.app[SESSIONS]
            with sessions.uploading(sessions.begin(visit.session.codename)):
                assert "Something is still being sent" in (await visit.get("/mailbox/close"))[1]
                assert await visit.post("close") == (303, "/mailbox/close")

        at(drop, work)
        assert len(drop.store.blobs) == 1


class TestAFullMailbox:
    @pytest.mark.parametrize("language", list(languages()))
    @pytest.mark.parametrize("text", ["Yes.", "x" * 300, "<" * 500])
    def test_every_page_of_it_is_as_long_as_any_other_page(
        self, drop: Drop, language: str, text: str
    ) -> None:
        async def work(visit: Visit) -> None:
            keys = drop.deriving.keys
            wordy = max(Reason, key=lambda reason: len(words_for(reason).what))
            for day in range(1, 29):
                event = MailboxEvent(f"2026-09-{day:02}", "recording", str(wordy))
                await note(event, sender_of(keys), drop.store)
                name = random_name()
                sealed = seal_reply(
                    Reply(f"2026-09-{day:02}", text),
                    to=public_key_of(keys.reply_seed),
                    mailbox_id=keys.mailbox_id,
                    name=name,
                )
                drop.store.blobs[f"replies/{keys.mailbox_id.hex()}/{name}"] = sealed

            for number in range(2, 6):
                _, page = await visit.get(f"/{language}/mailbox/{number}")
                assert len(page.encode()) == PAGE_SIZE
            _, page = await visit.get(f"/{language}/mailbox")
            assert len(page.encode()) == PAGE_SIZE

        at(drop, work)


class TestFailures:
    def test_a_busy_drop_is_no_empty_mailbox(self, drop: Drop) -> None:
        drop.deriving.busy = True

        async def work(visit: Visit) -> None:
            for answer in (
                await visit.get("/mailbox"),
                await visit.post("delete", "reply=" + "0" * 32),
                await visit.post("close"),
            ):
                assert answer[0] == 503
                assert "We are busy just now" in answer[1]

        at(drop, work)
        assert len(drop.store.blobs) == 1

    def test_a_store_that_fails_is_no_empty_mailbox(self) -> None:
        async def work(visit: Visit) -> None:
            for answer in (await visit.get("/mailbox"), await visit.post("close")):
                assert answer[0] == 503
                assert "get at your mailbox" in answer[1]
                assert "Input/output" not in answer[1]

        at(Drop(store=BrokenStore()), work)


class TestClosing:
    def test_ends_in_a_page_that_reloads_and_clears_the_browser(self, drop: Drop) -> None:
        async def work(visit: Visit) -> None:
            assert await visit.post("close") == (303, "/mailbox/closed")
            for _ in range(2):
                response = await visit.client.get("/mailbox/closed")
                assert "Your mailbox is closed" in await response.text()
                assert response.headers["Clear-Site-Data"] == '"cache", "cookies", "storage"'
            status, page = await visit.post("close")
            assert status == 403
            assert "come back with them" in page

        at(drop, work)
        assert drop.store.blobs == {}

    def test_a_second_click_while_the_first_is_at_work_harms_nothing(self, drop: Drop) -> None:
        async def work(visit: Visit) -> None:
            first, second = await asyncio.gather(visit.post("close"), visit.post("close"))

            assert {first[0], second[0]} <= {303, 403}

        at(drop, work)
        assert drop.store.blobs == {}
