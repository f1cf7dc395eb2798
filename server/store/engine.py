"""Reach an S3-compatible engine, and see whether it may hold a drop.

The client asks nobody but the endpoint it is given, and says no more than it must: settings of
other programs (~/.aws, the environment, proxies) are not read, credentials come from one file and
are never asked of the network, and the program's name stands without version or system.

    access_key = "..."
    secret_key = "..."      a TOML file that only its owner can read
"""

import asyncio
import ssl
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession
from botocore.configprovider import (
    BOTOCORE_DEFAUT_SESSION_VARIABLES,
    ConfigValueStore,
    ConstantProvider,
)
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from server.config import StoreSettings
from server.errors import NoSuchObject, NotFit, StoreFailed, StoreFull

FAILURES: Final = (
    BotoCoreError,
    ClientError,
    ResponseParserError,
    aiohttp.ClientError,
    TimeoutError,
    OSError,
    KeyError,  # an answer that lacks what S3 promises
)
_FULL: Final = {"QuotaExceeded", "InsufficientStorage", "EntityTooLarge", "StorageFull"}
_UNKNOWN_CALL: Final = {"NotImplemented", "MethodNotAllowed"}
_NEVER_LOCKED: Final = {"ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration"}
_STALE: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How often a request is tried, with growing pauses, how long each step may take, and how much
    one request carries.
    """

    tries: int = 4
    connect_seconds: float = 10
    read_seconds: float = 30
    request_seconds: float = 120
    part_bytes: int = 8 * 1024 * 1024
    copied_whole_bytes: int = 4 * 1024 * 1024
    copied_part_bytes: int = 256 * 1024 * 1024
    names: int = 1000


USUAL: Final = Bounds()


@dataclass(slots=True)
class Bucket:
    """A bucket, with a client that may use it.

    `takes_conditions` is whether the engine knows `If-None-Match`; it is found out by asking.
    """

    client: Any
    name: str
    bounds: Bounds
    takes_conditions: bool = True


class _Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    access_key: str
    secret_key: str


@asynccontextmanager
async def connected(folder: Path, settings: StoreSettings, bounds: Bounds) -> AsyncIterator[Bucket]:
    """Have the bucket, and a client that may use it.

    Raises NotFit when its credentials, or its authority, can't be read.
    """
    key = _read_key(folder / settings.credentials)
    authority = _authority_fit(folder / settings.authority) if settings.authority else True
    async with _session().create_client(
        "s3",
        endpoint_url=settings.endpoint,
        region_name=settings.region,
        aws_access_key_id=key.access_key,
        aws_secret_access_key=key.secret_key,
        verify=authority,
        config=AioConfig(
            proxies={},
            signature_version="s3v4",
            # A bucket's name in a host name is a name that the resolver is told.
            s3={"addressing_style": "path", "payload_signing_enabled": False},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            ignore_configured_endpoint_urls=True,
            http_session_cls=_bounded(bounds.request_seconds),
            max_pool_connections=64,
            connect_timeout=bounds.connect_seconds,
            read_timeout=bounds.read_seconds,
            retries={"mode": "standard", "total_max_attempts": bounds.tries},
        ),
    ) as client:
        client.meta.events.register("before-send.s3", _say_only_our_name)
        yield Bucket(client, settings.bucket, bounds)


async def bucket_fit(bucket: Bucket) -> None:
    """Raise NotFit unless the bucket is there and forgets what is deleted; StoreFailed."""
    client, name = bucket.client, bucket.name
    try:
        await client.list_objects_v2(Bucket=name, MaxKeys=1)
    except ClientError as error:
        if _status(error) == 404:
            raise NotFit([f"the bucket {name} is missing; make it first"]) from None
        if _status(error) in {401, 403}:
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
        if code in _UNKNOWN_CALL | _NEVER_LOCKED or _status(error) in {405, 501}:
            return {}
        if _status(error) in {401, 403}:
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
            if _status(error) != 416:
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
        if _status(error) != 404:
            raise


@contextmanager
def failures_named() -> Iterator[None]:
    """Say whatever the client raises in the store's own words; they repeat nothing of a request."""
    try:
        yield
    except FAILURES as error:
        raise named(error) from None


def named(error: BaseException) -> StoreFailed:
    """Return the failure that an exception of the client's stands for."""
    match error:
        case ClientError():
            return _refused(error)
        case SSLError():
            why = "the store speaks no TLS, or its certificate is from nobody whom we trust"
            return StoreFailed(f"{why}: see store.endpoint and store.authority")
        case EndpointConnectionError():
            return StoreFailed("the store could not be reached: see store.endpoint")
        case _:
            return StoreFailed("the store could not be reached, or broke off")


def _refused(error: ClientError) -> StoreFailed:
    status = _status(error)
    if status == 404:
        return NoSuchObject("no such object")
    if status in {413, 507} or code_of(error) in _FULL:
        return StoreFull("the store has no room")
    return StoreFailed(f"the store answered {status}")


def code_of(error: ClientError) -> str:
    """Return the engine's word for what went wrong."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


@cache
def _session() -> AioSession:
    # One for all clients: it reads a megabyte of what S3 is called.
    session = AioSession()
    constants = {
        name: ConstantProvider(default)
        for name, (_, _, default, _) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    # Not a regular file, so neither is read.
    constants |= dict.fromkeys(("config_file", "credentials_file"), ConstantProvider("/dev/null"))
    session.register_component("config_store", ConfigValueStore(mapping=constants))
    return session


def _bounded(seconds: float) -> type[AIOHTTPSession]:
    """Return what sends requests, and gives each up after so long.

    aiohttp's own time-outs begin once a request is sent: an engine that stops reading in the middle
    of one would be waited for without end.
    """

    class Bounded(AIOHTTPSession):  # type: ignore[misc]
        async def send(self, request: Any) -> Any:
            try:
                async with asyncio.timeout(seconds):
                    return await super().send(request)
            except TimeoutError as error:
                raise ReadTimeoutError(endpoint_url=request.url, error=error) from None

    return Bounded


def _say_only_our_name(request: Any, **_: object) -> None:
    # Libraries, their versions, Python's and the system's would be said otherwise.
    request.headers["User-Agent"] = "tapedrop"


def _authority_fit(path: Path) -> str:
    """Return where the engine's authority lies. Raises NotFit unless a certificate is there."""
    try:
        ssl.create_default_context(cafile=path)
    except OSError:  # of which SSLError is one
        why = f"can't read a certificate in {path}, where store.authority says it is"
        raise NotFit([why]) from None
    return str(path)


def _read_key(path: Path) -> _Key:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise NotFit([f"others can read {path}; run: chmod 600 {path}"])
        return msgspec.toml.decode(path.read_bytes(), type=_Key)
    except OSError as error:
        why = f"can't read the store's credentials {path}: {error.strerror}"
        raise NotFit([why]) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Without a word of what is in it.
        why = f"{path} must be two lines of TOML: access_key and secret_key"
        raise NotFit([why]) from None
