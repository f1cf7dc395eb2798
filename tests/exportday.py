"""Export days for tests: a store in small blocks that breaks off, a stick, a desk that looks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from intake.arriving.stick import StickBag, bags_in
from intake.errors import NoBag
from server.staff.sticks.export import Exported, export
from server.store.local import LocalStore
from server.store.memory import MemoryStore

BLOCK = 1000
FIRST, SECOND, THIRD = (f"drops/{digit * 32}" for digit in "123")


class Pulled(Exception):
    """Whatever ends an export in the middle."""


class Blocks(MemoryStore):
    """A store that gives small blocks, and may fail after so many."""

    def __init__(self, *names: str, size: int = 5 * BLOCK + 7, block: int = BLOCK) -> None:
        super().__init__()
        self.blobs = {name: bytes([int(name[-1], 16)]) * size for name in names}
        self.block = block
        self.left: int | None = None

    async def get(self, name: str) -> AsyncIterator[bytes]:
        async for blob in super().get(name):
            for start in range(0, len(blob), self.block):
                if self.left is not None:
                    if not self.left:
                        raise Pulled
                    self.left -= 1
                yield blob[start : start + self.block]


@dataclass
class Day:
    """One drop's export days, onto one stick: `folder`/stick, unless said otherwise."""

    folder: Path
    store: MemoryStore | LocalStore
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    newsroom: tuple[str, ...] = ("A" * 40,)
    stick: Path = field(default=Path())

    def __post_init__(self) -> None:
        self.stick = self.folder / "stick" if self.stick == Path() else self.stick
        self.receipts = self.folder / "receipts"
        self.receipts.mkdir(exist_ok=True)

    def export(self, progress: Callable[[str, int, int], None] = lambda *_: None) -> Exported:
        return asyncio.run(
            export(
                self.store,
                self.stick,
                export_key=self.key,
                newsroom=self.newsroom,
                day=date(2026, 11, 21),
                receipts=self.receipts,
                progress=progress,
            )
        )

    def broken_off(self, blocks: int) -> Path:
        """Begin an export that ends after so many blocks; return the unfinished bag."""
        assert isinstance(self.store, Blocks)
        self.store.left = blocks
        with pytest.raises(Pulled):
            self.export()
        self.store.left = None
        (part,) = self.parts()
        return part

    def parts(self) -> list[Path]:
        return sorted(self.stick.glob("TAPEDROP/*.part"))

    def bags(self) -> list[dict[str, bytes]]:
        """Return what a desk finds on the stick: each bag's envelopes, all as they were signed."""
        try:
            folders = bags_in(self.stick)
        except NoBag:
            return []
        return [self._bag(folder) for folder in folders]

    def _bag(self, folder: Path) -> dict[str, bytes]:
        found = {}
        with StickBag(folder, self.key.public_key()) as bag:
            for envelope in bag.envelopes:
                content = b"".join(map(bytes, bag.blocks(envelope)))
                assert sha256(content).digest() == envelope.digest
                found[f"drops/{envelope.name.removesuffix('.gpg')}"] = content
        return found


def pull_when(what: str) -> Callable[[str, int, int], None]:
    """Return what ends an export once it is at this."""

    def pull(now: str, _passed: int, _total: int) -> None:
        if now == what:
            raise Pulled

    return pull


def blobs(day: Day) -> dict[str, bytes]:
    assert isinstance(day.store, MemoryStore)
    return day.store.blobs
