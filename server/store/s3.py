"""A store in a bucket of any S3-compatible engine.

An object is seen by nobody before the engine has acknowledged the whole of it, and only then is it
said to be kept. A crash may leave an upload in parts that never ended: `forget_stale_uploads` ends
those. Whoever runs the engine learns sizes, names and, to the second, when each is asked for.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

from server.config import StoreSettings
from server.errors import NoSuchObject, StoreFailed, StoreFull
from server.store import NAME, PREFIX, Blob, Listed
from server.store.bucket import bucket_fit, forget_stale_uploads
from server.store.engine import USUAL, Bounds, Bucket, connected
from server.store.failures import FAILURES, failures_named
from server.store.parts import Upload, write_anew
from server.threads import in_thread

_BLOCK: Final = 256 * 1024
_RESUMED: Final = 5
_FRESH: Final = timedelta(days=7)


@asynccontextmanager
async def open_s3(
    folder: Path,
    settings: StoreSettings,
    bounds: Bounds = USUAL,
) -> AsyncIterator["S3Store"]:
    """Have the store in the bucket that the settings name. Raises NotFit, StoreFailed."""
    async with connected(folder, settings, bounds) as bucket:
        await bucket_fit(bucket)
        await forget_stale_uploads(bucket)
        store = S3Store(bucket)
        try:
            yield store
        finally:
            await store.settled()


class S3Store:
    """Keeps each blob as an object in a bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self._client = bucket.client
        self._ending: set[asyncio.Task[None]] = set()
        self._copied = ""
        self._deleted_meanwhile = False

    async def put(self, name: str, blob: Blob) -> None:
        upload = Upload(self.bucket, _key(name))
        if await upload.is_taken():
            raise StoreFailed("there is an object of that name")
        try:
            await in_thread(upload.write, blob, if_cancelled=upload.stop)
            await upload.finish()
        except BaseException:
            ending = asyncio.create_task(upload.abandon())
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
            await asyncio.shield(ending)
            raise

    async def get(self, name: str) -> AsyncIterator[bytes]:
        key = _key(name)
        body, size = await self._opened(key, 0)
        offset = resumed = 0
        try:
            while offset < size:
                if block := await _read(body):
                    offset, resumed = offset + len(block), 0
                    yield block
                    continue
                # The connection was cut; it goes on where it ended.
                body.close()
                resumed += 1
                if resumed > _RESUMED:
                    raise StoreFailed("the store broke off")
                body, _ = await self._opened(key, offset)
        finally:
            body.close()

    async def names(self, prefix: str) -> AsyncIterator[str]:
        async for each in self.listed(prefix):
            yield each.name

    async def listed(self, prefix: str) -> AsyncIterator[Listed]:
        if not PREFIX.fullmatch(prefix):
            raise StoreFailed("not a folder of the store")
        folder: dict[str, Any] = {"Bucket": self.bucket.name, "Prefix": prefix}
        folder["MaxKeys"] = self.bucket.bounds.names
        fresh_since = datetime.now(UTC) - _FRESH
        next_page: dict[str, str] = {}
        while True:
            with failures_named():
                page = await self._client.list_objects_v2(**folder, **next_page)
                found = [_listed(each, fresh_since) for each in page.get("Contents", ())]
                more = page.get("IsTruncated") and page["NextContinuationToken"]
            for each in found:
                if NAME.fullmatch(each.name):
                    yield each
            if not more:
                return
            next_page = {"ContinuationToken": more}

    async def rewrite(self, names: Sequence[str]) -> int:
        without_room, failed = 0, None
        for key in map(_key, names):
            try:
                await self._write_anew(key)
            except NoSuchObject:
                continue
            except StoreFull:
                without_room += 1
            except StoreFailed as error:
                failed = error
        if failed is not None:
            raise failed
        return without_room

    async def _write_anew(self, key: str) -> None:
        """Have the engine copy it, and delete it again where it was deleted meanwhile, by us."""
        self._copied, self._deleted_meanwhile = key, False
        try:
            await write_anew(self.bucket, key)
        finally:
            deleted, self._copied = self._deleted_meanwhile, ""
            if deleted:
                await self.delete(key)

    async def delete(self, name: str) -> None:
        self._deleted_meanwhile |= name == self._copied
        with failures_named():
            try:
                await self._client.delete_object(Bucket=self.bucket.name, Key=_key(name))
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                    raise

    async def settled(self) -> None:
        """Return once nothing that was given up is still being cleared away."""
        await asyncio.gather(*self._ending, return_exceptions=True)

    async def _opened(self, key: str, offset: int) -> tuple[Any, int]:
        """Return what comes from `offset` on, and how long the object is as a whole."""
        rest = {"Range": f"bytes={offset}-"} if offset else {}
        with failures_named():
            answer = await self._client.get_object(Bucket=self.bucket.name, Key=key, **rest)
            body, left = answer["Body"], answer["ContentLength"]
        if offset and not answer.get("ContentRange", "").startswith(f"bytes {offset}-"):
            body.close()
            raise StoreFailed("the store gave another part than it was asked for")
        return body, offset + left


async def _read(body: Any) -> bytes:
    try:
        block: bytes = await body.read(_BLOCK)
    except FAILURES:
        return b""
    return block


def _key(name: str) -> str:
    if not NAME.fullmatch(name):
        raise StoreFailed("not a name of the store's")
    return name


def _listed(found: dict[str, Any], fresh_since: datetime) -> Listed:
    put: datetime = found["LastModified"]
    return Listed(
        name=found["Key"],
        size=found["Size"],
        day=put.astimezone(UTC).date(),
        # Rewriting leaves the second of the rewriting behind; a mark inside tells the two apart.
        is_fresh=put > fresh_since,
    )
