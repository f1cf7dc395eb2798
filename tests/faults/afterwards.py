"""What must hold once a drop has failed: looked at from outside, with gpg and tar."""

import asyncio
import json
import re
import tarfile
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from drops import Drop
from engines import QUICK

from crypto.codename import SourceKeys, codename_from, derive
from crypto.reply import Reply, public_key_of, seal_reply
from faults.crowd import PLANTED, digest
from server.config import Engine, read_config
from server.mailbox import Mailbox, look
from server.store import Store, random_name, small
from server.store.bucket import pending_uploads
from server.store.engine import connected
from server.store.opening import open_store

_PATIENCE_SECONDS = 60
_OBJECT = r"store/(drops|rested|salts|(mailboxes|replies)/[0-9a-f]{32})/[0-9a-f]{32}"
_FOLDER = r"store/(salts|anew|rested|spare(/[0-9a-f]{32})?|(mailboxes|replies)/[0-9a-f]{32})"
_IN_STORE = re.compile(f"{_OBJECT}|{_FOLDER}|serving.lock|tapedrop.sock")
_PLANTED_ANYHOW = (PLANTED, PLANTED.decode().encode("utf-16-le"), PLANTED.hex().encode())


@dataclass
class Kept:
    """Everything in the store, by name, and what was seen of it."""

    drop: Drop
    seen: set[str] = field(default_factory=set)
    replies: dict[str, str] = field(default_factory=dict)
    """Whose each reply is that was put there, by its name."""

    def reply(self, codename: str) -> None:
        """Put a reply into a mailbox, as `replies import` does."""
        keys, name = self.keys(codename), random_name()
        to = public_key_of(keys.reply_seed)
        text = Reply("2026-11-20", PLANTED.decode())
        sealed = seal_reply(text, to=to, mailbox_id=keys.mailbox_id, name=name)
        path = f"replies/{keys.mailbox_id.hex()}/{name}"

        async def put(store: Store) -> None:
            await store.put(path, small(sealed))

        self._with_store(put)
        self.replies[name] = codename

    def look_at_new_objects(self) -> None:
        """See that nothing new in the store is in the clear."""

        async def read(store: Store) -> None:
            for folder in ("drops/", "mailboxes/", "replies/"):
                async for name in store.names(folder):
                    if name not in self.seen:
                        content = b"".join([block async for block in store.get(name)])
                        assert content, f"{name} is empty"
                        assert not in_the_clear(content), name
                        self.seen.add(name)

        self._with_store(read)

    @cached_property
    def names(self) -> set[str]:
        """The name of every object, at the end."""
        found: set[str] = set()

        async def listed(store: Store) -> None:
            for folder in ("drops/", "mailboxes/", "replies/"):
                found.update([name async for name in store.names(folder)])

        self._with_store(listed)
        return found

    def opened(self, folder: Path) -> Iterator[tuple[str, str]]:
        """Open every envelope; yield what each holds is known by, and whose mailbox it names."""
        envelopes = folder / "envelopes"
        envelopes.mkdir()

        async def fetch(store: Store) -> None:
            async for name in store.names("drops/"):
                content = b"".join([block async for block in store.get(name)])
                (envelopes / name.removeprefix("drops/")).write_bytes(content)

        self._with_store(fetch)
        for envelope in sorted(envelopes.iterdir()):
            try:
                inside = self.drop.newsroom.opened(envelope)
                manifest = json.loads(inside[next(n for n in inside if n == "manifest.json")])
            except (tarfile.TarError, StopIteration, ValueError) as error:
                raise AssertionError(f"{envelope.name} does not open: {error!r}") from None
            content = inside[manifest["name"]]
            assert digest(content) == manifest["sha256"]
            yield digest(content), manifest["source"]["mailbox_id"]

    def events(self, codename: str) -> int:
        """Return how many things a mailbox tells of; see that everything in it opens."""
        keys = self.keys(codename)
        found: list[Mailbox] = []

        async def read(store: Store) -> None:
            found.append(await look(keys, store))

        self._with_store(read)
        assert len(found[0].events) == len(self.of(codename, "mailboxes"))
        assert len(found[0].letters) == len(self.of(codename, "replies"))
        return len(found[0].events)

    def of(self, codename: str, *folders: str) -> set[str]:
        """Return the names of what lies in a mailbox."""
        folders = tuple(f"{folder}/{self.id_of(codename)}/" for folder in folders)
        return {name for name in self.names if name.startswith(folders)}

    def unfinished(self) -> int:
        """Return how many objects were begun in parts, in a bucket; after a day they are gone."""
        settings = read_config(self.drop.config).store

        async def pending() -> int:
            async with connected(self.drop.folder, settings, QUICK) as bucket:
                return len(await pending_uploads(bucket))

        return 0 if settings.engine is Engine.FOLDER else asyncio.run(pending())

    def id_of(self, codename: str) -> str:
        """Return what a mailbox is called."""
        return self.keys(codename).mailbox_id.hex()

    def keys(self, codename: str) -> SourceKeys:
        """Return a codename's keys at this drop."""
        return _keys(codename, (self.drop.folder / "credentials/salt").read_bytes())

    def _with_store(self, work: Callable[[Store], Coroutine[None, None, None]]) -> None:
        async def run() -> None:
            config = read_config(self.drop.config)
            async with open_store(self.drop.folder, config) as store:
                await work(store)

        asyncio.run(run())


@lru_cache
def _keys(codename: str, salt: bytes) -> SourceKeys:
    return derive(codename_from(codename), salt)


def in_the_clear(content: bytes) -> bool:
    """Say whether something planted can be read in it."""
    return any(planted in content for planted in _PLANTED_ANYHOW)


@dataclass(frozen=True)
class Disk:
    """Where a drop may write, as it was before anybody came."""

    drop: Drop
    home: Path
    temporary: Path
    before: frozenset[str]

    @classmethod
    def of(cls, drop: Drop, folder: Path) -> "Disk":
        """Look at a drop that has not run yet, and give it a home and a temporary folder."""
        home, temporary = folder / "home", folder / "tmp"
        home.mkdir()
        temporary.mkdir()
        return cls(drop, home, temporary, frozenset(_files(drop.folder)))

    @property
    def environment(self) -> dict[str, str]:
        """Where the drop is to believe that it lives."""
        return {"HOME": str(self.home), "TMPDIR": str(self.temporary)}

    def left_over(self) -> list[str]:
        """Return what lies there and belongs to nothing."""
        found = [name for name in _files(self.drop.folder) if name not in self.before]
        strange = [name for name in found if not _IN_STORE.fullmatch(name)]
        return strange + _files(self.home) + _files(self.temporary)

    def clear_text(self) -> list[str]:
        """Return the files of the drop that something planted can be read in."""
        files = [path for path in self.drop.folder.rglob("*") if path.is_file()]
        return [str(path) for path in files if in_the_clear(path.read_bytes())]


def _files(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*")]


def family_of(session: int) -> list[int]:
    """Return the processes of a session (setsid(2)): a drop's, where `setsid` started it."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                after_name = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            state, belongs = after_name[0], int(after_name[3])
            if belongs == session and state != "Z":
                found.append(int(folder.name))
    return found


def wait_until_gone(session: int) -> None:
    """Wait for the last process that a drop has started. Nobody ends them from outside."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while family := family_of(session):
        assert time.monotonic() < deadline, f"processes {family} outlive their drop"
        time.sleep(0.01)
