"""What the store over S3 owes to its engine's ways; that it is a store is `test_store.py`."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from engines import QUICK, Engine, store_in
from engines.faults import Answer, Fault, Proxy, one_byte_of, proxy_to, refusal

from server.config import Config, StoreSettings
from server.config import Engine as Kind
from server.errors import NotFit, StoreFailed, StoreFull
from server.store import random_name, small
from server.store.bucket import look, pending_uploads
from server.store.engine import Bounds, Bucket, connected
from server.store.opening import open_store
from server.store.s3 import S3Store

pytestmark = pytest.mark.xdist_group("engine")

LARGE = os.urandom(2 * QUICK.part_bytes + 1000)
ONCE = replace(QUICK, tries=1)

Body = Callable[[Proxy, S3Store], Awaitable[None]]


def with_store(tmp_path: Path, engine: Engine, body: Body, bounds: Bounds = ONCE) -> None:
    """Run `body` with a store that reaches its engine through the proxy."""

    async def run() -> None:
        made = await asyncio.to_thread(engine.bucket, tmp_path)
        async with proxy_to(engine.port) as proxy:
            settings = engine.settings(made.bucket, port=proxy.port)
            async with store_in(tmp_path, settings, bounds) as store:
                proxy.fine()
                await body(proxy, store)

    asyncio.run(run())


async def read(store: S3Store, name: str) -> bytes:
    return b"".join([block async for block in store.get(name)])


def opened(tmp_path: Path, settings: StoreSettings) -> None:
    """Open the store, as a drop that starts would."""

    async def run() -> None:
        async with store_in(tmp_path, settings):
            pass

    asyncio.run(run())


class TestOpening:
    def test_a_bucket_that_is_missing_is_named(self, tmp_path: Path, engine: Engine) -> None:
        engine.bucket(tmp_path)

        with pytest.raises(NotFit, match="the bucket nowhere is missing"):
            opened(tmp_path, engine.settings("nowhere"))

    def test_credentials_that_the_engine_refuses_are_said_to_be(
        self, tmp_path: Path, engine: Engine
    ) -> None:
        settings = engine.bucket(tmp_path)
        credentials = tmp_path / settings.credentials
        credentials.write_text(f'access_key = "{engine.access_key}"\nsecret_key = "another"\n')

        with pytest.raises(NotFit, match="refuses these credentials"):
            opened(tmp_path, settings)

    def test_credentials_that_others_can_read_are_not_used(
        self, tmp_path: Path, engine: Engine
    ) -> None:
        settings = engine.bucket(tmp_path)
        (tmp_path / settings.credentials).chmod(0o640)

        with pytest.raises(NotFit, match="others can read"):
            opened(tmp_path, settings)

    def test_credentials_are_asked_of_nobody(
        self, tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings = engine.bucket(tmp_path)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", engine.access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", engine.secret_key)
        (tmp_path / settings.credentials).unlink()

        with pytest.raises(NotFit, match="can't read the store's credentials"):
            opened(tmp_path, settings)

    @pytest.mark.parametrize("lines", ["", "access_key = 1\nsecret_key = 2", "secret", "\xff"])
    def test_a_file_that_is_no_credentials_is_refused_without_repeating_it(
        self, tmp_path: Path, engine: Engine, lines: str
    ) -> None:
        settings = engine.bucket(tmp_path)
        (tmp_path / settings.credentials).write_text(lines, "latin-1")

        with pytest.raises(NotFit, match=r"must be two lines of TOML: access_key and secret_key$"):
            opened(tmp_path, settings)

    @pytest.mark.parametrize(
        ("asked", "said", "why"),
        [
            (
                "?versioning",
                "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
                "keeps old versions",
            ),
            (
                "?versioning",
                "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>",
                "keeps old versions",
            ),
            (
                "?object-lock",
                "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>"
                "</ObjectLockConfiguration>",
                "has object lock",
            ),
            (
                "?logging",
                "<BucketLoggingStatus><LoggingEnabled><TargetBucket>b</TargetBucket>"
                "</LoggingEnabled></BucketLoggingStatus>",
                "keeps a log",
            ),
        ],
    )
    def test_a_bucket_that_would_not_forget_is_refused(
        self, tmp_path: Path, engine: Engine, asked: str, said: str, why: str
    ) -> None:
        with pytest.raises(NotFit, match=why):
            self.opened_when(tmp_path, engine, asked, ("200 OK", said))

    def test_one_that_does_not_let_itself_be_asked_is_refused(
        self, tmp_path: Path, engine: Engine
    ) -> None:
        said = refusal("403 Forbidden", "AccessDenied")
        with pytest.raises(NotFit, match=r"can't see whether the bucket .* has versioning"):
            self.opened_when(tmp_path, engine, "?versioning", said)

    @pytest.mark.parametrize(
        "said",
        [
            refusal("501 Not Implemented", "NotImplemented"),
            refusal("405 Method Not Allowed", "MethodNotAllowed"),
            refusal("404 Not Found", "ObjectLockConfigurationNotFoundError"),
        ],
    )
    def test_an_engine_that_knows_no_object_lock_is_fine(
        self, tmp_path: Path, engine: Engine, said: Answer
    ) -> None:
        self.opened_when(tmp_path, engine, "?object-lock", said)

    def opened_when(self, tmp_path: Path, engine: Engine, asked: str, said: Answer) -> None:
        async def run() -> None:
            made = await asyncio.to_thread(engine.bucket, tmp_path)
            async with proxy_to(engine.port) as proxy:
                proxy.choose = lambda request: said if asked in request else None
                async with store_in(tmp_path, engine.settings(made.bucket, port=proxy.port)):
                    pass

        asyncio.run(run())

    def test_what_speaks_s3_is_only_needed_by_a_drop_that_asks_for_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "server.store.s3", None)
        config = Config(store=StoreSettings(engine=Kind.S3))

        async def run() -> None:
            async with open_store(tmp_path, config):
                pass

        with pytest.raises(NotFit, match=r"pip install 'tapedrop\[s3\]'"):
            asyncio.run(run())

    def test_an_engine_that_is_away_is_a_failure_of_the_store(
        self, tmp_path: Path, engine: Engine
    ) -> None:
        settings = engine.bucket(tmp_path)

        with pytest.raises(StoreFailed, match=r"see store\.endpoint"):
            opened(tmp_path, msgspec.structs.replace(settings, endpoint="http://127.0.0.1:1"))

    def test_an_engine_without_a_certificate_that_is_trusted_is_told_from_one_that_is_away(
        self, tmp_path: Path, engine: Engine
    ) -> None:
        settings = engine.bucket(tmp_path)
        endpoint = settings.endpoint.replace("http:", "https:")

        with pytest.raises(StoreFailed, match="certificate"):
            opened(tmp_path, msgspec.structs.replace(settings, endpoint=endpoint))

    @pytest.mark.parametrize("content", [None, b"no certificate"])
    def test_an_authority_that_cannot_be_read_is_named(
        self, tmp_path: Path, engine: Engine, content: bytes | None
    ) -> None:
        settings = engine.bucket(tmp_path)
        if content is not None:
            (tmp_path / "ca.pem").write_bytes(content)

        with pytest.raises(NotFit, match=r"ca\.pem, where store\.authority says"):
            opened(tmp_path, msgspec.structs.replace(settings, authority="ca.pem"))

    def test_uploads_that_a_crash_left_are_ended_after_a_day(
        self, tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def run() -> None:
            settings = await asyncio.to_thread(engine.bucket, tmp_path)
            async with connected(tmp_path, settings, QUICK) as bucket:
                place = {"Bucket": bucket.name, "Key": f"drops/{random_name()}"}
                await bucket.client.create_multipart_upload(**place)
                async with store_in(tmp_path, settings):
                    assert len(await pending_uploads(bucket)) == 1

                monkeypatch.setattr("server.store.bucket._STALE", -timedelta(minutes=1))
                async with store_in(tmp_path, settings):
                    assert await pending_uploads(bucket) == []

        asyncio.run(run())


class TestAsking:
    def test_says_nothing_of_this_machine_and_heeds_nothing_that_lies_about(
        self, tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home = tmp_path / "home"
        (home / ".aws").mkdir(parents=True)
        (home / ".aws/config").write_text("[default]\nregion = nowhere\nsdk_ua_app_id = other\n")
        for name, value in {
            "HOME": str(home),
            "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
            "AWS_PROFILE": "nobody",
            "HTTP_PROXY": "http://127.0.0.1:1",
            "AWS_EXECUTION_ENV": "newsroom",
        }.items():
            monkeypatch.setenv(name, value)

        async def body(proxy: Proxy, store: S3Store) -> None:
            await store.put(f"drops/{random_name()}", small(b"sealed"))
            for head in proxy.heads:
                lines = dict(
                    line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if line
                )
                agents = {lines[name] for name in lines if "agent" in name.lower()}
                assert agents == {"tapedrop"}
                assert "/us-east-1/s3/" in lines["Authorization"]

        with_store(tmp_path, engine, body)

    def test_a_failure_that_passes_is_not_noticed(self, tmp_path: Path, engine: Engine) -> None:
        async def body(proxy: Proxy, store: S3Store) -> None:
            name = f"drops/{random_name()}"
            proxy.only(2, Fault.SLOW_DOWN)

            await store.put(name, small(LARGE))

            assert await read(store, name) == LARGE

        with_store(tmp_path, engine, body, QUICK)

    @pytest.mark.parametrize(
        "said",
        [
            refusal("507 Insufficient Storage", "InsufficientStorage"),
            refusal("413 Content Too Large", "EntityTooLarge"),
            refusal("403 Forbidden", "QuotaExceeded"),
        ],
    )
    def test_a_store_without_room_is_told_from_one_that_fails(
        self, tmp_path: Path, engine: Engine, said: Answer
    ) -> None:
        async def body(proxy: Proxy, store: S3Store) -> None:
            proxy.choose = lambda request: said if request.startswith("PUT") else None

            with pytest.raises(StoreFull):
                await store.put(f"drops/{random_name()}", small(b"sealed"))

        with_store(tmp_path, engine, body)

    def test_an_answer_that_breaks_off_goes_on_where_it_ended(
        self, tmp_path: Path, engine: Engine
    ) -> None:
        async def body(proxy: Proxy, store: S3Store) -> None:
            name = f"drops/{random_name()}"
            await store.put(name, small(LARGE))
            proxy.only(0, Fault.HALF_ANSWER)

            assert await read(store, name) == LARGE
            assert len(proxy.requests) == 2

        with_store(tmp_path, engine, body)

    def test_an_answer_that_brings_nothing_is_not_asked_for_without_end(
        self, tmp_path: Path, engine: Engine
    ) -> None:
        async def body(proxy: Proxy, store: S3Store) -> None:
            name = f"drops/{random_name()}"
            await store.put(name, small(LARGE))
            proxy.fine()
            proxy.choose = lambda _request: Fault.ONLY_HEAD

            with pytest.raises(StoreFailed, match="broke off"):
                await read(store, name)
            assert len(proxy.requests) < 10

        with_store(tmp_path, engine, body)

    def test_what_the_engine_holds_less_of_than_it_was_sent_is_not_acknowledged(
        self, tmp_path: Path, engine: Engine
    ) -> None:
        async def body(proxy: Proxy, store: S3Store) -> None:
            def shorter_once_complete(request: str) -> Answer | None:
                complete = any(each.startswith("POST") for each in proxy.requests[1:-1])
                asked = complete and request.startswith("GET")
                return one_byte_of(len(LARGE) - 1) if asked else None

            proxy.choose = shorter_once_complete

            with pytest.raises(StoreFailed, match="another length"):
                await store.put(f"drops/{random_name()}", small(LARGE))

        with_store(tmp_path, engine, body)

    def test_an_engine_that_goes_silent_is_not_waited_for_without_end(
        self, tmp_path: Path, engine: Engine
    ) -> None:
        async def body(proxy: Proxy, store: S3Store) -> None:
            silent = lambda request: Fault.SILENCE if request.startswith("PUT") else None  # noqa: E731
            proxy.choose = silent

            with pytest.raises(StoreFailed):
                await store.put(f"drops/{random_name()}", small(LARGE))

        with_store(tmp_path, engine, body, replace(ONCE, request_seconds=0.3))

    def test_an_upload_that_is_cancelled_leaves_no_parts(
        self, tmp_path: Path, engine: Engine
    ) -> None:
        async def body(proxy: Proxy, store: S3Store) -> None:
            parts = asyncio.Event()

            def choose(request: str) -> None:
                if "partNumber=2" in request:
                    parts.set()

            def blob(sink: Callable[[bytes], None]) -> None:
                while True:
                    sink(LARGE)

            proxy.choose = choose  # type: ignore[assignment]
            putting = asyncio.create_task(store.put(f"drops/{random_name()}", blob))
            await parts.wait()
            putting.cancel()
            with suppress(asyncio.CancelledError):
                await putting

            assert await pending_uploads(store.bucket) == []
            assert [each async for each in store.listed("drops/")] == []

        with_store(tmp_path, engine, body)


class TestRewriting:
    @pytest.mark.parametrize("content", [b"sealed", LARGE], ids=["small", "in parts"])
    def test_is_done_once_and_changes_no_byte(
        self, tmp_path: Path, engine: Engine, content: bytes
    ) -> None:
        async def body(proxy: Proxy, store: S3Store) -> None:
            name = f"drops/{random_name()}"
            await store.put(name, small(content))

            assert await store.rewrite([name, f"drops/{random_name()}"]) == 0
            assert await read(store, name) == content
            assert "put" not in (await look(store.bucket, name)).marks

            proxy.fine()
            assert await store.rewrite([name]) == 0
            assert not any(request.startswith("PUT") for request in proxy.requests)

        with_store(tmp_path, engine, body)

    def test_one_that_fails_keeps_no_other_from_it(self, tmp_path: Path, engine: Engine) -> None:
        async def body(proxy: Proxy, store: S3Store) -> None:
            names = [f"drops/{random_name()}" for _ in range(3)]
            for name in names:
                await store.put(name, small(b"sealed"))
            proxy.only(3, Fault.ERROR)

            with pytest.raises(StoreFailed):
                await store.rewrite(names)

            marks = [(await look(store.bucket, name)).marks for name in names]
            assert [("rewritten" in each) for each in marks] == [True, False, True]

        with_store(tmp_path, engine, body)

    def test_what_is_deleted_while_it_is_written_anew_does_not_come_back(
        self, tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def body(_proxy: Proxy, store: S3Store) -> None:
            async def copied_late(bucket: Bucket, key: str) -> None:
                await store.delete(key)
                await bucket.client.put_object(Bucket=bucket.name, Key=key, Body=b"sealed")

            monkeypatch.setattr("server.store.s3.write_anew", copied_late)
            name = f"drops/{random_name()}"
            await store.put(name, small(b"sealed"))

            assert await store.rewrite([name]) == 0

            assert [each async for each in store.names("drops/")] == []

        with_store(tmp_path, engine, body)
