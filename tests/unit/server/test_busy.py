"""Pages, when too many want the same thing: calm, and nobody else's visit is harmed."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import ClientSession, DummyCookieJar, web
from aiohttp.test_utils import TestClient, TestServer
from webside import web_side

from crypto.codename import SourceKeys, new_codename, words_of
from server.pages.parts import DERIVER, LOOKING, READING, SESSIONS
from server.sessions import Session, Sessions
from server.turns import Turns

BUSY = "We are busy just now."
Client = TestClient[web.Request, web.Application]


def at(work: Callable[[Client, Session], Awaitable[None]]) -> None:
    """Do `work` in a visit to pages at which nobody can wait for codenames and mailboxes."""

    async def run() -> None:
        app = web_side()
        app[READING], app[LOOKING] = (Turns(1, longest_queue=0) for _ in range(2))
        session = app[SESSIONS].begin(new_codename())
        async with TestClient(TestServer(app), cookies={"visit": session.cookie}) as client:
            await work(client, session)

    asyncio.run(run())


async def told(client: Client, method: str, path: str, **more: Any) -> tuple[int, bool]:
    """Return the status, and whether the page says that we are busy."""
    async with client.request(method, path, allow_redirects=False, **more) as answer:
        return answer.status, BUSY in await answer.text()


async def crowd_at(client: Client, *paths: str) -> None:
    """Ask for these pages, again and again, each time as somebody else."""
    async with ClientSession(cookie_jar=DummyCookieJar()) as crowd:
        for path in paths * 5:
            async with crowd.get(client.make_url(path)) as page:
                assert page.status == 200


def test_a_new_visit_is_refused_while_every_other_sends_something() -> None:
    async def work(client: Client, session: Session) -> None:
        sessions = client.app[SESSIONS]
        sessions._most = 1
        client.session.cookie_jar.clear()

        with sessions.uploading(session):
            assert await told(client, "GET", "/codename") == (503, True)
            assert await told(client, "GET", "/return") == (200, False)
            assert await told(client, "GET", "/") == (200, False)
        assert await told(client, "GET", "/codename") == (200, False)

    at(work)


def test_whoever_types_their_words_is_not_ended_by_a_crowd_that_asks_for_pages() -> None:
    async def work(client: Client, _session: Session) -> None:
        client.app[SESSIONS]._most = 4
        client.session.cookie_jar.clear()
        async with client.get("/return") as page:
            token = re.findall('action="/return/([^"]+)"', await page.text())[0]

        await crowd_at(client, "/return", "/codename")
        form = {"codename": words_of(new_codename())}

        assert await told(client, "POST", "/return/" + "0" * 64, data=form) == (403, False)
        assert await told(client, "POST", f"/return/{token}", data=form) == (303, False)
        assert await told(client, "GET", "/mailbox") == (200, False)

    at(work)


def test_nor_while_the_keys_of_these_words_are_made() -> None:
    async def work(client: Client, session: Session) -> None:
        client.app[SESSIONS]._most = 4
        begun, crowd_was_there = asyncio.Event(), asyncio.Event()

        deriver: Any = client.app[DERIVER]

        async def slowly(_codename: bytes, *, whose: object) -> SourceKeys:
            begun.set()
            await crowd_was_there.wait()
            keys: SourceKeys = deriver.keys
            return keys

        deriver.keys_of = slowly
        form = {"codename": words_of(new_codename())}
        entering = told(client, "POST", f"/return/{session.token}", data=form)
        entered = asyncio.create_task(entering)
        await begun.wait()
        await crowd_at(client, "/codename")
        crowd_was_there.set()

        assert await entered == (303, False)
        assert await told(client, "GET", "/mailbox") == (200, False)

    at(work)


def test_typed_words_are_read_by_so_many_at_once_and_the_visit_goes_on() -> None:
    async def work(client: Client, session: Session) -> None:
        path, form = f"/return/{session.token}", {"codename": words_of(new_codename())}

        async with client.app[READING].turn("somebody"):
            assert await told(client, "POST", path, data=form) == (503, True)
        assert await told(client, "POST", path, data=form) == (303, False)

    at(work)


def test_mailboxes_are_looked_into_by_so_many_at_once() -> None:
    async def work(client: Client, session: Session) -> None:
        close = f"/mailbox/{session.token}/close"

        async with client.app[LOOKING].turn("somebody"):
            assert await told(client, "GET", "/mailbox") == (503, True)
            assert await told(client, "POST", close) == (503, True)
        assert await told(client, "GET", "/mailbox") == (200, False)

    at(work)


def test_a_mailbox_has_one_turn_however_many_visits_ask_for_it() -> None:
    async def look(sessions: Sessions, client: Client, keys: SourceKeys) -> bool:
        visit = sessions.begin(new_codename())
        visit.keys = asyncio.get_running_loop().create_future()
        visit.keys.set_result(keys)
        cookies = {"Cookie": f"visit={visit.cookie}"}
        async with client.get("/mailbox", headers=cookies) as answer:
            return BUSY in await answer.text()

    async def work(client: Client, _session: Session) -> None:
        looking, sessions = client.app[LOOKING], client.app[SESSIONS]
        looking._longest_queue = 2
        client.session.cookie_jar.clear()
        crowded, other = (
            SourceKeys(bytes([n]) * 16, bytes(32), bytes(32), "two words") for n in (1, 2)
        )

        async with looking.turn("somebody"):
            waiting = [
                asyncio.create_task(look(sessions, client, keys))
                for keys in (crowded, crowded, other)
            ]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)

        assert [await task for task in waiting] == [False, True, False]

    at(work)
