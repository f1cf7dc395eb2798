"""A store belongs to one drop: front ends of another one notice before they take anything in."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.errors import NotFit, StoreFailed
from server.store import Blob
from server.store.memory import MemoryStore
from server.store.ours import ours_only

SALT, ANOTHER = bytes(range(32)), bytes(32)


class RacedStore(MemoryStore):
    """A store that another front end begins on between our first look at it and our mark."""

    def __init__(self, salt: bytes) -> None:
        super().__init__()
        self._salt = salt
        self._raced = False

    async def names(self, prefix: str) -> AsyncIterator[str]:
        async for name in super().names(prefix):
            yield name
        if not self._raced:
            self._raced = True
            await ours_only(self, self._salt)


class NeverTwice(RacedStore):
    """One that refuses what is there already, as the engines do."""

    async def put(self, name: str, blob: Blob) -> None:
        if name in self.blobs:
            raise StoreFailed("File exists")
        await super().put(name, blob)


class TestOurs:
    def test_a_new_store_is_marked_once_and_tells_nothing_of_the_salt(self) -> None:
        store = MemoryStore()

        for _ in range(2):
            asyncio.run(ours_only(store, SALT))

        (name,) = store.blobs
        assert SALT.hex()[:16] not in name
        assert SALT not in store.blobs[name]

    def test_one_with_another_salt_is_refused_and_leaves_no_mark(self) -> None:
        store = MemoryStore()
        asyncio.run(ours_only(store, SALT))

        with pytest.raises(NotFit, match="begun with another salt"):
            asyncio.run(ours_only(store, ANOTHER))

        assert len(store.blobs) == 1

    def test_two_that_begin_with_one_salt_at_the_same_moment_both_start(self) -> None:
        store = NeverTwice(SALT)

        asyncio.run(ours_only(store, SALT))

        assert len(store.blobs) == 1

    def test_two_that_begin_with_different_salts_at_the_same_moment_both_stop(self) -> None:
        store = RacedStore(ANOTHER)

        for salt in (SALT, ANOTHER):
            with pytest.raises(NotFit, match="begun with several salts"):
                asyncio.run(ours_only(store, salt))
