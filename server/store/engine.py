"""Reach an S3-compatible engine.

The client asks nobody but the endpoint it is given, and says no more than it must: settings of
other programs (~/.aws, the environment, proxies) are not read, credentials come from one file and
are never asked of the network, and the program's name stands without version or system.

    access_key = "..."
    secret_key = "..."      a TOML file that only its owner can read
"""

import asyncio
import ssl
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession
from botocore.configprovider import (
    BOTOCORE_DEFAUT_SESSION_VARIABLES,
    ConfigValueStore,
    ConstantProvider,
)
from botocore.exceptions import ReadTimeoutError

from server.config import StoreSettings
from server.errors import NotFit


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
