"""What of a visit can still be reached, once it was answered or is over."""

import asyncio
import gc
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web
from webside import web_side

from crypto.codename import new_codename, words_of
from server.config import Connections, Listen
from server.listening import listen
from server.pages.parts import SESSIONS
from server.serve import _protocol


class TestAConnectionThatStaysOpen:
    def test_holds_neither_the_page_it_brought_nor_the_words_that_were_typed(
        self, tmp_path: Path
    ) -> None:
        asyncio.run(self._holds(tmp_path))

    async def _holds(self, folder: Path) -> None:
        app = web_side()
        runner = web.AppRunner(app)
        await runner.setup()
        begin = _protocol(runner, Connections())
        listener, address = await listen(begin, folder, Listen(tcp="127.0.0.1:0"))
        session = app[SESSIONS].begin(new_codename())
        typed = {"codename": words_of(new_codename())}
        async with ClientSession(cookies={"visit": session.cookie}) as browser:
            async with browser.get(f"{address}codename") as shown:
                assert "</ol>" in await shown.text()
            assert [each for each in alive(web.Response) if each.body] == []
            back = f"{address}return/{session.token}"
            async with browser.post(back, data=typed, allow_redirects=False) as answer:
                assert answer.headers["Location"] == "/mailbox"

            # Both went over one connection, and it is open still.
            assert len(runner.server.connections if runner.server else ()) == 1
            assert [each for each in alive(web.Request) if each._read_bytes] == []
        listener.close()
        await runner.cleanup()


def alive(kind: type[Any]) -> list[Any]:
    """Return every object of this kind that something still leads to."""
    gc.collect()
    return [each for each in gc.get_objects() if isinstance(each, kind)]
