"""Send one object to an S3-compatible engine while it is being made.

    up to 8 MiB     one request, when all of it is there
    longer          parts of 8 MiB; one is sent while the next is filled, so two are held at most

10 000 parts, the most that S3 takes, are 83 GB. An engine checks what it is sent against its MD5,
and lets nobody see an object before the last request is answered.
"""

import asyncio
import hashlib
import io
import secrets
import threading
from base64 import b64encode
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any, Final

from botocore.exceptions import ClientError

from server.errors import NoSuchObject, StoreFailed
from server.store import Blob
from server.store.bucket import Found, end_upload, look, pending_uploads
from server.store.engine import Bucket
from server.store.failures import code_of, failures_named

_REWRITTEN: Final = "rewritten"
_TAKEN: Final = {"PreconditionFailed", "ConditionalRequestConflict"}
_NO_UPLOAD: Final = "NoSuchUpload"
_UNKNOWN: Final = "NotImplemented"
_ENDING_SECONDS: Final = 60


class Upload:
    """One object on its way. It is marked with random bits, to know it again.

    When the answer to a request is lost, the request is made anew, and the engine may well say that
    there is such an object: the one that came of the first time.
    """

    def __init__(self, bucket: Bucket, key: str) -> None:
        self._bucket = bucket
        self._client = bucket.client
        self._key = key
        self._place = {"Bucket": bucket.name, "Key": key}
        self._part_bytes = bucket.bounds.part_bytes
        self._mark = secrets.token_hex(8)
        self._loop = asyncio.get_running_loop()
        self._stopped = threading.Event()
        self._filling = io.BytesIO()
        self._size = 0
        self._sending: Future[None] | None = None
        self._running: asyncio.Task[Any] | None = None
        self._may_be_there = False
        self._in_parts = False
        self._id = ""
        self._begun_twice = False
        self._tags: list[dict[str, Any]] = []

    async def is_taken(self) -> bool:
        """Return whether there is an object of that name."""
        with suppress(NoSuchObject):
            await self._look()
            return True
        return False

    def write(self, blob: Blob) -> None:
        """Have the blob write itself; in a thread. Raises StoreFailed, and what the blob raises."""
        blob(self._take)
        self._wait()

    def stop(self) -> None:
        """Let the blob's next block be its last."""
        self._stopped.set()
        if self._sending is not None:
            self._sending.cancel()

    async def finish(self) -> None:
        """Send the rest, and see that the engine has all of it. Raises StoreFailed."""
        with failures_named():
            if not self._in_parts:
                await self._send_whole()
                return
            if self._filling.tell():
                await self._send_part(self._filling, _md5(self._filling))
            await self._complete()

    async def abandon(self) -> None:
        """Leave nothing behind, as far as the engine can be asked to."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        with suppress(StoreFailed, TimeoutError), failures_named():
            async with asyncio.timeout(_ENDING_SECONDS):
                if self._in_parts:
                    await self._end_uploads()
                if self._may_be_there and await self._is_ours():
                    await self._client.delete_object(**self._place)

    def _take(self, block: bytes) -> None:
        with memoryview(block) as rest:
            start = 0
            while start < len(rest):
                if self._stopped.is_set():
                    raise StoreFailed("stopped")
                room = self._part_bytes - self._filling.tell()
                start += self._filling.write(rest[start : start + room])
                if self._filling.tell() == self._part_bytes:
                    self._hand_over()
        self._size += len(block)

    def _hand_over(self) -> None:
        """Begin to send what is full, once the part before is there."""
        full, self._filling = self._filling, io.BytesIO()
        digest = _md5(full)
        self._wait()
        self._sending = asyncio.run_coroutine_threadsafe(self._meanwhile(full, digest), self._loop)
        if self._stopped.is_set():
            self._sending.cancel()

    def _wait(self) -> None:
        if self._sending is not None:
            try:
                with failures_named():
                    self._sending.result()
            except CancelledError:
                raise StoreFailed("stopped") from None

    async def _meanwhile(self, part: io.BytesIO, digest: str) -> None:
        self._running = asyncio.current_task()
        try:
            await self._send_part(part, digest)
        finally:
            self._running = None

    async def _send_part(self, part: io.BytesIO, digest: str) -> None:
        if not self._in_parts:
            self._in_parts = True
            begun = await self._client.create_multipart_upload(
                **self._place, Metadata={"put": self._mark}
            )
            self._id = begun["UploadId"]
            self._begun_twice = _was_retried(begun)
        number = len(self._tags) + 1
        part.seek(0)
        sent = await self._client.upload_part(
            **self._place, UploadId=self._id, PartNumber=number, Body=part, ContentMD5=digest
        )
        self._tags.append({"PartNumber": number, "ETag": sent["ETag"]})

    async def _send_whole(self) -> None:
        digest = _md5(self._filling)

        async def send(condition: dict[str, str]) -> None:
            self._filling.seek(0)
            await self._client.put_object(
                **self._place,
                **condition,
                Body=self._filling,
                ContentMD5=digest,
                Metadata={"put": self._mark},
            )

        self._may_be_there = True
        try:
            await self._on_condition(send)
        except ClientError as error:
            if code_of(error) not in _TAKEN or not await self._is_ours():
                raise
            # It came there the first time, when the answer was lost; this answer is the promise.
            await send({})

    async def _complete(self) -> None:
        async def complete(condition: dict[str, str]) -> None:
            await self._client.complete_multipart_upload(
                **self._place,
                **condition,
                UploadId=self._id,
                MultipartUpload={"Parts": self._tags},
            )

        self._may_be_there = True
        try:
            await self._on_condition(complete)
        except ClientError as error:
            # It ended the first time, when the answer was lost.
            if code_of(error) not in _TAKEN | {_NO_UPLOAD} or not await self._is_ours():
                raise
        if (await self._look()).size != self._size:
            raise StoreFailed("the store holds another length than it was sent")
        if self._begun_twice:
            await self._end_uploads()

    async def _on_condition(self, send: Callable[[dict[str, str]], Awaitable[None]]) -> None:
        """Send it on condition that nothing has the name, if the engine takes conditions."""
        if self._bucket.takes_conditions:
            try:
                return await send({"IfNoneMatch": "*"})
            except ClientError as error:
                if code_of(error) != _UNKNOWN:
                    raise
                self._bucket.takes_conditions = False
        return await send({})

    async def _look(self) -> Found:
        return await look(self._bucket, self._key)

    async def _is_ours(self) -> bool:
        with suppress(NoSuchObject):
            return (await self._look()).marks.get("put") == self._mark
        return False

    async def _end_uploads(self) -> None:
        """End every upload of this name, also one whose beginning was never answered."""
        if self._id:
            await end_upload(self._bucket, self._key, self._id)
        for upload in await pending_uploads(self._bucket, self._key):
            await end_upload(self._bucket, self._key, upload["UploadId"])


async def write_anew(bucket: Bucket, key: str) -> None:
    """Have the engine copy an object onto itself, with a mark that says so; once only.

    It is whole under its name all the while. A large one goes in parts: so no request takes long,
    and Ceph writes the content anew, where a copy as a whole gives only its first 4 MiB new times.
    Raises NoSuchObject, StoreFailed.
    """
    found = await look(bucket, key)
    if _REWRITTEN in found.marks:
        return
    place = {"Bucket": bucket.name, "Key": key}
    marks = {_REWRITTEN: "1"}
    with failures_named():
        if found.size > bucket.bounds.copied_whole_bytes:
            await _copy_in_parts(bucket, key, found.size, marks)
            return
        await bucket.client.copy_object(
            **place, CopySource=place, MetadataDirective="REPLACE", Metadata=marks
        )


async def _copy_in_parts(bucket: Bucket, key: str, size: int, marks: dict[str, str]) -> None:
    client, place = bucket.client, {"Bucket": bucket.name, "Key": key}
    begun = await client.create_multipart_upload(**place, Metadata=marks)
    upload = {**place, "UploadId": begun["UploadId"]}
    try:
        tags = []
        step = bucket.bounds.copied_part_bytes
        for number, start in enumerate(range(0, size, step), 1):
            end = min(start + step, size)
            copied = await client.upload_part_copy(
                **upload,
                PartNumber=number,
                CopySource=place,
                CopySourceRange=f"bytes={start}-{end - 1}",
            )
            tags.append({"PartNumber": number, "ETag": copied["CopyPartResult"]["ETag"]})
        await client.complete_multipart_upload(**upload, MultipartUpload={"Parts": tags})
    except BaseException:
        with suppress(StoreFailed), failures_named():
            await end_upload(bucket, key, begun["UploadId"])
        raise


def _was_retried(answer: dict[str, Any]) -> bool:
    return bool(answer["ResponseMetadata"].get("RetryAttempts"))


def _md5(part: io.BytesIO) -> str:
    """Return what the engine checks a part against: a slip on the way, not an attack."""
    digest = hashlib.md5(part.getbuffer(), usedforsecurity=False).digest()
    return b64encode(digest).decode()
