"""A store in memory: small, real, and gone with the process."""

import re
from collections.abc import AsyncIterator, Sequence
from datetime import date

from server.errors import NoSuchObject, StoreFailed
from server.store import NAME, PREFIX, Blob, Listed
from server.threads import in_thread


class MemoryStore:
    """Keeps blobs in a dictionary; all of them are of one `day`."""

    def __init__(self, day: date = date.min) -> None:
        self.day = day
        self.blobs: dict[str, bytes] = {}

    async def put(self, name: str, blob: Blob) -> None:
        _check(name, NAME)
        if name in self.blobs:
            raise StoreFailed("there is an object of that name")
        blocks: list[bytes] = []
        await in_thread(blob, blocks.append)
        self.blobs[name] = b"".join(blocks)

    async def get(self, name: str) -> AsyncIterator[bytes]:
        _check(name, NAME)
        if name not in self.blobs:
            raise NoSuchObject("no such object")
        yield self.blobs[name]

    async def names(self, prefix: str) -> AsyncIterator[str]:
        _check(prefix, PREFIX)
        for name in sorted(self.blobs):
            if name.startswith(prefix):
                yield name

    async def listed(self, prefix: str) -> AsyncIterator[Listed]:
        async for name in self.names(prefix):
            yield Listed(name, len(self.blobs[name]), self.day, is_fresh=False)

    async def rewrite(self, names: Sequence[str]) -> int:  # noqa: ARG002
        """Do nothing: memory keeps no times."""
        return 0

    async def delete(self, name: str) -> None:
        _check(name, NAME)
        self.blobs.pop(name, None)


def _check(name: str, pattern: re.Pattern[str]) -> None:
    if not pattern.fullmatch(name):
        raise StoreFailed("not a name of the store's")
