"""A small form that breaks off, or takes too long, is no fault of ours: no page has failed."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from webside import web_side

from server.config import Connections, Listen
from server.listening import listen
from server.pages.parts import JOURNAL, SESSIONS
from server.serve import _protocol


@pytest.mark.parametrize("patience_seconds", [0, 3600], ids=["too late", "broken off"])
def test_a_small_form_that_never_comes_whole_is_not_counted(
    patience_seconds: int, tmp_path: Path
) -> None:
    async def send_half() -> None:
        app = web_side()
        runner = web.AppRunner(app)
        await runner.setup()
        server = runner.server
        assert server is not None
        begin = _protocol(runner, Connections(small_form_seconds=patience_seconds))
        listener, address = await listen(begin, tmp_path, Listen(tcp="127.0.0.1:0"))
        session = app[SESSIONS].begin(b"")
        port = int(address.rstrip("/").rpartition(":")[2])
        reading, writing = await asyncio.open_connection("127.0.0.1", port)
        head = f"POST /return/{session.token} HTTP/1.1\r\nHost: x\r\nCookie: visit={session.cookie}"
        writing.write(f"{head}\r\nContent-Length: 90\r\n\r\ncodename=a".encode())
        if patience_seconds:
            while not any(each._current_request for each in server.connections):  # noqa: ASYNC110
                await asyncio.sleep(0)
            writing.close()
        assert await reading.read() == b""
        while server.connections:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert not app[JOURNAL]._counts
        writing.close()
        listener.close()
        await runner.cleanup()

    asyncio.run(asyncio.wait_for(send_half(), 30))
