"""What a bucket is asked besides objects: whether it may hold a drop, and what was never ended."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from botocore.exceptions import ClientError

from server.errors import NotFit
from server.store.engine import Bucket
from server.store.failures import FAILURES, code_of, failures_named, named, status_of

_UNKNOWN_CALL: Final = {"NotImplemented", "MethodNotAllowed"}
_NEVER_LOCKED: Final = {"ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration"}
_STALE: Final = timedelta(days=1)


async def bucket_fit(bucket: Bucket) -> None:
    """Raise NotFit unless the bucket is there and forgets what is deleted; StoreFailed."""
    client, name = bucket.client, bucket.name
    try:
        await client.list_objects_v2(Bucket=name, MaxKeys=1)
    except ClientError as error:
        if status_of(error) == 404:
            raise NotFit([f"the bucket {name} is missing; make it first"]) from None
        if status_of(error) in {401, 403}:
            why = "the store refuses these credentials; or this machine's clock is wrong"
            raise NotFit([why]) from None
        raise named(error) from None
    except FAILURES as error:
        raise named(error) from None
    problems = []
    versioning = await _asked("versioning", client.get_bucket_versioning, name)
    # Also where it is suspended, what is deleted leaves a marker with its second.
    if versioning.get("Status"):
        problems.append(f"the bucket {name} keeps old versions: nothing in it would be forgotten")
    locking = await _asked("object lock", client.get_object_lock_configuration, name)
    if locking.get("ObjectLockConfiguration"):
        problems.append(f"the bucket {name} has object lock: nothing in it would be forgotten")
    logging = await _asked("logging", client.get_bucket_logging, name)
    if logging.get("LoggingEnabled"):
        problems.append(f"the bucket {name} keeps a log of who asks for what, and when")
    if problems:
        raise NotFit(problems)


async def _asked(
    what: str, ask: Callable[..., Awaitable[dict[str, Any]]], name: str
) -> dict[str, Any]:
    """Return the engine's answer; nothing from one that doesn't know what it is asked about."""
    try:
        return await ask(Bucket=name)
    except ClientError as error:
        code = code_of(error)
        if code in _UNKNOWN_CALL | _NEVER_LOCKED or status_of(error) in {405, 501}:
            return {}
        if status_of(error) in {401, 403}:
            why = f"these credentials can't see whether the bucket {name} has {what}; allow it"
            raise NotFit([why]) from None
        raise named(error) from None
    except FAILURES as error:
        raise named(error) from None


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of an object without its content: `size` in bytes, and the marks we gave it."""

    size: int
    marks: dict[str, str]


async def look(bucket: Bucket, key: str) -> Found:
    """Return what is there under that name, once a byte of it was read. Raises NoSuchObject.

    Not by HEAD: Swift answers one for what is missing with a body, which the next answer on that
    connection is then taken for.
    """
    client, place = bucket.client, {"Bucket": bucket.name, "Key": key}
    with failures_named():
        try:
            answer = await client.get_object(**place, Range="bytes=0-0")
        except ClientError as error:
            if status_of(error) != 416:
                raise
            answer = await client.get_object(**place)  # nothing has no first byte
        async with answer["Body"] as body:
            await body.read()
        size = answer.get("ContentRange", "").rpartition("/")[2] or answer["ContentLength"]
        return Found(int(size), answer["Metadata"])


async def forget_stale_uploads(bucket: Bucket) -> None:
    """Give up what was begun more than a day ago and never ended: a crash left it."""
    before = datetime.now(UTC) - _STALE
    with failures_named():
        for upload in await pending_uploads(bucket):
            if upload["Initiated"] < before:
                await end_upload(bucket, upload["Key"], upload["UploadId"])


async def pending_uploads(bucket: Bucket, prefix: str = "") -> list[dict[str, Any]]:
    """Return the uploads in parts that were begun and not ended."""
    found: list[dict[str, Any]] = []
    marker: dict[str, str] = {}
    while True:
        page = await bucket.client.list_multipart_uploads(
            Bucket=bucket.name, Prefix=prefix, **marker
        )
        found += page.get("Uploads", ())
        before = marker
        marker = {
            "KeyMarker": page.get("NextKeyMarker", ""),
            "UploadIdMarker": page.get("NextUploadIdMarker", ""),
        }
        if not page.get("IsTruncated") or marker == before:
            return found


async def end_upload(bucket: Bucket, key: str, upload_id: str) -> None:
    """Throw the parts of an upload away; one that has ended is no error."""
    try:
        await bucket.client.abort_multipart_upload(Bucket=bucket.name, Key=key, UploadId=upload_id)
    except ClientError as error:
        if status_of(error) != 404:
            raise
