"""Two front ends that write the same store anew in the same night, and sources beside them."""

import asyncio
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from engines import Engine, store_in

from server.config import Config
from server.errors import NoSuchObject
from server.store import Store, random_name, small
from server.store.local import LocalStore
from server.store.opening import open_store

MAILBOX = "0123456789abcdef" * 2
NOON_YESTERDAY = 1_795_176_000


def some_names(number: int) -> Iterator[str]:
    for _ in range(number):
        yield f"drops/{random_name()}"
        yield f"mailboxes/{MAILBOX}/{random_name()}"


async def contents(store: Store, names: list[str]) -> dict[str, bytes]:
    found = {}
    for name in names:
        try:
            found[name] = b"".join([block async for block in store.get(name)])
        except NoSuchObject:
            continue
    return found


class TestAFolder:
    def test_loses_nothing_that_is_kept_and_brings_back_nothing_that_is_deleted(
        self, tmp_path: Path
    ) -> None:
        root = tmp_path / "store"
        for kind in ("drops", "mailboxes", "replies"):
            (root / kind).mkdir(parents=True)
        names = list(some_names(100))
        deleted = set(names[::3])
        one, other = LocalStore(root), LocalStore(root)

        async def night() -> dict[str, bytes]:
            for name in names:
                await one.put(name, small(name.encode()))
                os.utime(root / name, (NOON_YESTERDAY, NOON_YESTERDAY))

            async def sources() -> None:
                for name in deleted:
                    await other.delete(name)

            orders = (random.Random(seed).sample(names, len(names)) for seed in (1, 2))
            first, second = (
                store.rewrite(order) for store, order in zip((one, other), orders, strict=True)
            )
            await asyncio.gather(first, second, sources())
            return await contents(one, names)

        kept = asyncio.run(night())

        assert kept == {name: name.encode() for name in names if name not in deleted}
        asyncio.run(opened_and_closed(tmp_path))
        assert list((root / "anew").iterdir()) == []


@pytest.mark.xdist_group("engine")
class TestABucket:
    def test_loses_nothing(self, tmp_path: Path, engine: Engine) -> None:
        settings = engine.bucket(tmp_path)
        names = list(some_names(8))

        async def night() -> dict[str, bytes]:
            async with store_in(tmp_path, settings) as one, store_in(tmp_path, settings) as other:
                for name in names:
                    await one.put(name, small(name.encode()))
                await asyncio.gather(one.rewrite(names), other.rewrite(names[::-1]))
                return await contents(other, names)

        assert asyncio.run(night()) == {name: name.encode() for name in names}


async def opened_and_closed(folder: Path) -> None:
    """Begin again, as after a crash."""
    async with open_store(folder, Config()):
        pass
