"""One suite that every store must pass."""

import asyncio
import errno
import os
import stat
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

import pytest
from engines import QUICK, store_in

from server.errors import NoSuchObject, StoreFailed, StoreFull
from server.store import Store, random_name, small
from server.store.local import LocalStore
from server.store.memory import MemoryStore
from server.store.s3 import S3Store

MAILBOX = "0123456789abcdef" * 2
TODAY = datetime.now(UTC).date()
LARGE = bytes(range(256)) * 2000
"""Several parts, or blocks, to any store."""


Opening = Callable[[], AbstractAsyncContextManager[Store]]


@pytest.fixture(
    params=["local", "memory", pytest.param("s3", marks=pytest.mark.xdist_group("engine"))]
)
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Opening:
    """What opens an empty store, and in the same test the same one again."""
    for kind in ("drops", "mailboxes", "replies"):
        (tmp_path / kind).mkdir()
    if request.param == "s3":
        settings = request.getfixturevalue("engine").bucket(tmp_path)
        return lambda: store_in(tmp_path, settings)
    store = LocalStore(tmp_path) if request.param == "local" else MemoryStore(TODAY)
    return lambda: nullcontext(store)


async def read(store: Store, name: str) -> bytes:
    return b"".join([block async for block in store.get(name)])


async def names(store: Store, prefix: str) -> list[str]:
    return [name async for name in store.names(prefix)]


class TestEveryStore:
    def test_gives_back_what_was_put(self, opening: Opening) -> None:
        async def run() -> None:
            async with opening() as store:
                name = f"drops/{random_name()}"
                blocks = [os.urandom(300_000) for _ in range(4)]

                def blob(sink: Callable[[bytes], None]) -> None:
                    for block in blocks:
                        sink(block)

                await store.put(name, blob)

                assert await read(store, name) == b"".join(blocks)

        asyncio.run(run())

    def test_keeps_nothing_of_a_blob_that_fails(self, opening: Opening) -> None:
        async def run() -> None:
            async with opening() as store:

                def blob(sink: Callable[[bytes], None]) -> None:
                    sink(b"half of it")
                    raise ZeroDivisionError

                with pytest.raises(ZeroDivisionError):
                    await store.put(f"drops/{random_name()}", blob)

                assert await names(store, "drops/") == []

        asyncio.run(run())

    def test_lists_below_one_folder_only(self, opening: Opening) -> None:
        async def run() -> None:
            async with opening() as store:
                mine = f"mailboxes/{MAILBOX}/{random_name()}"
                other = f"mailboxes/{'f' * 32}/{random_name()}"
                for name in (mine, other, f"drops/{random_name()}"):
                    await store.put(name, small(b"x"))

                assert await names(store, f"mailboxes/{MAILBOX}/") == [mine]
                assert await names(store, f"replies/{MAILBOX}/") == []
                assert len(await names(store, "mailboxes/")) == 2

        asyncio.run(run())

    def test_lists_more_than_a_page_whole_and_once(self, opening: Opening) -> None:
        async def run() -> None:
            async with opening() as store:
                pages = 2 * (QUICK.names if isinstance(store, S3Store) else 1000)
                put = {f"replies/{MAILBOX}/{random_name()}" for _ in range(pages + 3)}
                for name in put:
                    await store.put(name, small(b"x"))

                listed = await names(store, "replies/")

                assert len(listed) == len(put)
                assert set(listed) == put

        asyncio.run(run())

    def test_tells_of_each_object_its_size_and_its_day(self, opening: Opening) -> None:
        async def run() -> None:
            async with opening() as store:
                name = f"drops/{random_name()}"
                await store.put(name, small(b"four"))

                [listed] = [each async for each in store.listed("drops/")]

                assert (listed.name, listed.size) == (name, 4)
                assert listed.day in (TODAY, datetime.now(UTC).date())

        asyncio.run(run())

    def test_forgets_what_is_deleted_and_does_not_mind_twice(self, opening: Opening) -> None:
        async def run() -> None:
            async with opening() as store:
                name = f"drops/{random_name()}"
                await store.put(name, small(b"x"))

                await store.delete(name)
                await store.delete(name)

                with pytest.raises(NoSuchObject):
                    await read(store, name)

        asyncio.run(run())

    def test_never_replaces_an_object(self, opening: Opening) -> None:
        async def run() -> None:
            async with opening() as store:
                name = f"drops/{random_name()}"
                await store.put(name, small(b"first"))

                with pytest.raises(StoreFailed):
                    await store.put(name, small(b"second"))

                assert await read(store, name) == b"first"

        asyncio.run(run())

    def test_takes_no_name_or_folder_that_is_not_its_own(self, opening: Opening) -> None:
        async def run() -> None:
            async with opening() as store:
                for name in ("drops/../../etc/passwd", "drops/ABC", "", "drops/" + "a" * 31):
                    with pytest.raises(StoreFailed):
                        await store.put(name, small(b"x"))
                    with pytest.raises(StoreFailed):
                        await read(store, name)
                    with pytest.raises(StoreFailed):
                        await store.delete(name)
                for prefix in ("", "drops", "drops/a", "other/"):
                    with pytest.raises(StoreFailed):
                        await names(store, prefix)

        asyncio.run(run())

    def test_shows_nothing_before_it_is_whole(self, opening: Opening) -> None:
        async def run() -> None:
            async with opening() as store:
                name = f"drops/{random_name()}"
                loop, seen = asyncio.get_running_loop(), threading.Event()

                def blob(sink: Callable[[bytes], None]) -> None:
                    sink(LARGE)
                    asyncio.run_coroutine_threadsafe(look(), loop)
                    assert seen.wait(60)
                    sink(b"the end")

                async def look() -> None:
                    listed.extend(await names(store, "drops/"))
                    seen.set()

                listed: list[str] = []
                await store.put(name, blob)

                assert listed == []
                assert await read(store, name) == LARGE + b"the end"

        asyncio.run(run())

    def test_takes_many_at_once(self, opening: Opening) -> None:
        async def run() -> None:
            async with opening() as store:
                blobs = {f"drops/{random_name()}": LARGE[: size * 60_000] for size in range(8)}
                await asyncio.gather(*(store.put(name, small(blobs[name])) for name in blobs))

                got = await asyncio.gather(*(read(store, name) for name in blobs))

                assert got == list(blobs.values())

        asyncio.run(run())

    def test_lets_a_reader_stop_early(self, opening: Opening) -> None:
        async def run() -> None:
            async with opening() as store:
                name = f"drops/{random_name()}"
                await store.put(name, small(LARGE))

                for _ in range(3):
                    reading = store.get(name)
                    assert LARGE.startswith(await anext(reading))
                    await reading.aclose()  # type: ignore[attr-defined]

                assert await read(store, name) == LARGE

        asyncio.run(run())

    def test_keeps_nothing_of_what_is_cancelled(self, opening: Opening) -> None:
        async def run() -> None:
            async with opening() as store:
                begun, loop = asyncio.Event(), asyncio.get_running_loop()
                ended = threading.Event()

                def blob(sink: Callable[[bytes], None]) -> None:
                    loop.call_soon_threadsafe(begun.set)
                    # Memory has no notion of being cancelled: this ends as soon as it may.
                    while not ended.is_set():
                        sink(LARGE)

                putting = asyncio.create_task(store.put(f"drops/{random_name()}", blob))
                await begun.wait()
                putting.cancel()
                loop.call_later(0.05, ended.set)
                with pytest.raises(asyncio.CancelledError):
                    await putting

                assert await names(store, "drops/") == []

        asyncio.run(run())

    def test_says_the_same_after_rewriting(self, opening: Opening) -> None:
        async def run() -> None:
            async with opening() as store:
                put = {f"drops/{random_name()}": LARGE[:size] for size in (1, 5000, len(LARGE))}
                for name, blob in put.items():
                    await store.put(name, small(blob))

                assert await store.rewrite([*put, f"drops/{random_name()}"]) == 0

                assert {name: await read(store, name) for name in put} == put
                sizes = {each.name: each.size async for each in store.listed("drops/")}
                assert sizes == {name: len(blob) for name, blob in put.items()}

        asyncio.run(run())


class TestTheLocalStore:
    @pytest.mark.parametrize(
        "name", ["drops/../../etc/passwd", "drops/ABC", "/etc/passwd", "drops/" + "a" * 31, ""]
    )
    def test_takes_no_name_that_is_not_its_own(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(StoreFailed):
            asyncio.run(LocalStore(tmp_path).put(name, small(b"x")))

    def test_a_mailbox_that_was_emptied_leaves_no_folder_behind(self, tmp_path: Path) -> None:
        (tmp_path / "mailboxes").mkdir()
        store, names = LocalStore(tmp_path), [f"mailboxes/{MAILBOX}/{random_name()}" for _ in "ab"]
        for name in names:
            asyncio.run(store.put(name, small(b"x")))

        asyncio.run(store.delete(names[0]))
        assert (tmp_path / names[1]).exists()
        asyncio.run(store.delete(names[1]))

        assert list((tmp_path / "mailboxes").iterdir()) == []

    def test_one_that_is_closed_while_something_comes_is_made_anew(self, tmp_path: Path) -> None:
        (tmp_path / "mailboxes").mkdir()
        name = f"mailboxes/{MAILBOX}/{random_name()}"

        def blob(sink: Callable[[bytes], None]) -> None:
            sink(b"x")
            (tmp_path / name).parent.rmdir()

        asyncio.run(LocalStore(tmp_path).put(name, blob))

        assert (tmp_path / name).read_bytes() == b"x"

    @pytest.mark.parametrize("size", [0, 1, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1])
    def test_what_just_fills_a_block_comes_back_whole(self, tmp_path: Path, size: int) -> None:
        (tmp_path / "drops").mkdir()
        store, name = LocalStore(tmp_path), f"drops/{random_name()}"
        asyncio.run(store.put(name, small(bytes(size))))

        assert asyncio.run(read(store, name)) == bytes(size)

    def test_objects_are_for_the_owner_only(self, tmp_path: Path) -> None:
        name = f"mailboxes/{MAILBOX}/{random_name()}"
        (tmp_path / "mailboxes").mkdir()
        asyncio.run(LocalStore(tmp_path).put(name, small(b"x")))

        assert (tmp_path / name).stat().st_mode & 0o077 == 0
        assert (tmp_path / name).parent.stat().st_mode & 0o077 == 0

    def test_an_upload_that_is_cancelled_leaves_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "drops").mkdir()

        async def run() -> None:
            begun = asyncio.Event()
            loop = asyncio.get_running_loop()

            def blob(sink: Callable[[bytes], None]) -> None:
                loop.call_soon_threadsafe(begun.set)
                while True:
                    sink(b"more and more")

            putting = asyncio.create_task(LocalStore(tmp_path).put(f"drops/{random_name()}", blob))
            await begun.wait()
            putting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await putting

        asyncio.run(run())
        assert list((tmp_path / "drops").iterdir()) == []

    def test_nothing_is_there_when_its_name_could_not_be_synced(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = LocalStore(tmp_path)
        (tmp_path / "drops").mkdir()
        sync = os.fsync

        def failing(descriptor: int) -> None:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                raise OSError(errno.EIO, "Input/output error")
            sync(descriptor)

        monkeypatch.setattr(os, "fsync", failing)

        with pytest.raises(StoreFailed):
            asyncio.run(store.put(f"drops/{random_name()}", small(b"sealed")))

        assert list((tmp_path / "drops").iterdir()) == []

    @pytest.mark.parametrize(
        "kind", ["drops/", "mailboxes/" + "1" * 32 + "/", "replies/" + "1" * 32 + "/"]
    )
    def test_an_empty_folder_is_a_store_for_everything(self, tmp_path: Path, kind: str) -> None:
        name = kind + random_name()

        asyncio.run(LocalStore(tmp_path).put(name, small(b"sealed")))

        assert (tmp_path / name).read_bytes() == b"sealed"

    def test_a_folder_that_is_gone_is_a_failure_not_a_full_disk(self, tmp_path: Path) -> None:
        with pytest.raises(StoreFailed) as failed:
            asyncio.run(LocalStore(tmp_path / "gone").put(f"drops/{random_name()}", small(b"")))

        assert not isinstance(failed.value, StoreFull)
