"""What the store over S3 promises while its engine fails, and networks with it."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from engines import QUICK, Engine, store_in
from engines.faults import Fault, Proxy, proxy_to

from server.errors import StoreFailed
from server.store import random_name, small
from server.store.bucket import pending_uploads
from server.store.engine import connected
from server.store.s3 import S3Store

pytestmark = pytest.mark.xdist_group("engine")

ONCE = replace(QUICK, tries=1, read_seconds=3, request_seconds=10)
SMALL = b"sealed" * 100
LARGE = os.urandom(2 * QUICK.part_bytes + 1000)
NAME = f"drops/{random_name()}"

Body = Callable[[Proxy, S3Store], Awaitable[None]]


def behind_a_proxy(tmp_path: Path, engine: Engine, body: Body, *, tries: int = 1) -> None:
    """Run `body` with a store that reaches its engine through the proxy; see what is left."""

    async def run() -> None:
        made = await asyncio.to_thread(engine.bucket, tmp_path)
        async with proxy_to(engine.port) as proxy:
            settings = engine.settings(made.bucket, port=proxy.port)
            async with store_in(tmp_path, settings, replace(ONCE, tries=tries)) as store:
                proxy.fine()
                await body(proxy, store)
        async with connected(tmp_path, made, QUICK) as bucket:
            assert await pending_uploads(bucket) == []

    asyncio.run(run())


async def held(store: S3Store) -> dict[str, bytes]:
    """Return everything that is listed, read whole."""
    names = [name async for name in store.names("drops/")]
    return {name: b"".join([block async for block in store.get(name)]) for name in names}


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "in parts"])
@pytest.mark.parametrize("fault", Fault)
class TestOneRequestThatFails:
    def test_leaves_what_was_acknowledged_whole_and_nothing_half(
        self, tmp_path: Path, engine: Engine, fault: Fault, content: bytes
    ) -> None:
        async def body(proxy: Proxy, store: S3Store) -> None:
            await store.put(NAME, small(content))
            requests = len(proxy.requests)
            assert await held(store) == {NAME: content}
            for nth in range(requests):
                proxy.fine()
                await store.delete(NAME)
                proxy.only(nth, fault)
                acknowledged = True
                try:
                    await store.put(NAME, small(content))
                except StoreFailed:
                    acknowledged = False
                proxy.fine()
                # What failed may be there as a whole, when the engine had it and couldn't say so.
                there = await held(store)
                assert there == {NAME: content} or (not acknowledged and there == {})

        behind_a_proxy(tmp_path, engine, body)
