"""Real S3-compatible engines on loopback, for what must hold over a real store."""

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from server.config import Engine as Kind
from server.config import StoreSettings
from server.store.engine import Bounds, connected
from server.store.s3 import S3Store, open_s3

_SWIFT: Final = Path(__file__).with_name("swift_here.py")
QUICK: Final = Bounds(
    tries=2,
    connect_seconds=30,
    read_seconds=30,
    part_bytes=128 * 1024,
    copied_whole_bytes=64 * 1024,
    copied_part_bytes=256 * 1024,
    names=10,
)
"""Less patience than a drop has, and small steps: what takes several is soon there."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answers at `port` of 127.0.0.1."""

    port: int
    access_key: str
    secret_key: str

    def bucket(self, folder: Path, *, port: int = 0) -> StoreSettings:
        """Make a bucket, and the file with its credentials below `folder`; return the settings.

        `port` is where a proxy in front of the engine answers.
        """
        credentials = folder / "credentials/store.toml"
        credentials.parent.mkdir(mode=0o700, exist_ok=True)
        credentials.touch(mode=0o600)
        lines = f'access_key = "{self.access_key}"\nsecret_key = "{self.secret_key}"\n'
        credentials.write_text(lines)
        settings = self.settings(f"drop-{uuid4().hex}")
        asyncio.run(_make_bucket(folder, settings))
        return self.settings(settings.bucket, port=port)

    def settings(self, bucket: str, *, port: int = 0) -> StoreSettings:
        """Return the settings of a drop that keeps its objects here."""
        endpoint = f"http://127.0.0.1:{port or self.port}"
        return StoreSettings(engine=Kind.S3, endpoint=endpoint, bucket=bucket)


def as_toml(settings: StoreSettings) -> str:
    """Return the lines that belong into tapedrop.toml."""
    return (
        f'[store]\nengine = "s3"\nendpoint = "{settings.endpoint}"\nbucket = "{settings.bucket}"\n'
    )


@asynccontextmanager
async def store_in(
    folder: Path, settings: StoreSettings, bounds: Bounds = QUICK
) -> AsyncIterator[S3Store]:
    """Have the store, with less patience and smaller steps than a drop has."""
    async with open_s3(folder, settings, bounds) as store:
        yield store


async def _make_bucket(folder: Path, settings: StoreSettings) -> None:
    async with connected(folder, settings, QUICK) as bucket:
        await bucket.client.create_bucket(Bucket=bucket.name)


class Swift:
    """OpenStack Swift, as Debian has it, in a process of its own."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="td-swift-"))
        self._process: subprocess.Popen[Any] = subprocess.Popen(
            ["/usr/bin/python3", _SWIFT, self._folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "swift did not start; setup/machine.sh test installs it"
        self.engine = Engine(int(line), "test:tester", "testing")

    def close(self) -> None:
        """End it, and forget what it holds."""
        self._process.kill()
        self._process.communicate()
        shutil.rmtree(self._folder, ignore_errors=True)
