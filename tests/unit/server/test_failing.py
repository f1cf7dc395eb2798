"""A page that fails in a way that nobody foresaw."""

import asyncio

from aiohttp.test_utils import TestClient, TestServer
from webside import web_side

from server.events import PageFailed
from server.pages.parts import JOURNAL, PAGE_SIZE


def test_it_says_so_calmly_and_names_no_cause() -> None:
    async def fail() -> None:
        app = web_side()  # which has no sealer, so no keys
        async with TestClient(TestServer(app)) as client, client.get("/keys") as answer:
            page = await answer.text()

        assert answer.status == 500
        assert "Something went wrong on our side." in page
        assert "NoneType" not in page
        assert len(page.encode()) == PAGE_SIZE
        assert PageFailed() in app[JOURNAL]._counts

    asyncio.run(fail())
