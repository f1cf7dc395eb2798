"""Say what a client of an S3-compatible engine raises in the store's own words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, SSLError
from botocore.parsers import ResponseParserError

from server.errors import NoSuchObject, StoreFailed, StoreFull

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
    status = status_of(error)
    if status == 404:
        return NoSuchObject("no such object")
    if status in {413, 507} or code_of(error) in _FULL:
        return StoreFull("the store has no room")
    return StoreFailed(f"the store answered {status}")


def code_of(error: ClientError) -> str:
    """Return the engine's word for what went wrong."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: ClientError) -> int:
    """Return the status (RFC 9110) that the engine answered; 0 where it didn't answer."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
