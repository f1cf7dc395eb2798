"""A store in memory: small, real, and gone with the process."""

from collections.abc import AsyncIterator, Sequence
from datetime import date

from server.errors import NoSuchObject
from server.store import Blob, Listed
from server.threads import in_thread


class MemoryStore:
    """Keeps blobs in a dictionary; all of them are of one `day`."""

    def __init__(self, day: date = date.min) -> None:
        self.day = day
        self.blobs: dict[str, bytes] = {}

    async def put(self, name: str, blob: Blob) -> None:
        blocks: list[bytes] = []
        await in_thread(blob, blocks.append)
        self.blobs[name] = b"".join(blocks)

    async def get(self, name: str) -> AsyncIterator[bytes]:
        if name not in self.blobs:
            raise NoSuchObject("no such object")
        yield self.blobs[name]

    async def names(self, prefix: str) -> AsyncIterator[str]:
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
        self.blobs.pop(name, None)
