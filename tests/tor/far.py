"""Come to an onion through a tor, as a source does: by name, over SOCKS (RFC 1928, RFC 1929).

Whoever comes under one user name comes by one circuit; another name has another.
"""

import http.client
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar
from urllib.parse import urlsplit

from form import Browser
from python_socks import ProxyError, ProxyTimeoutError, ProxyType
from python_socks.sync import Proxy
from tornet import Tor

T = TypeVar("T")
PATIENCE_SECONDS = 120.0
"""tor gives a circuit to an onion service two minutes."""
_FORGET_SECONDS = 25.0
_SOON_SECONDS = 180.0


def through(
    tor: Tor, host: str, user: str, *, port: int = 80, seconds: float = PATIENCE_SECONDS
) -> socket.socket:
    """Return a connection to an onion. Raises NotThere, after `seconds` at the latest."""
    name, _, socks = tor.socks.rpartition(":")
    proxy = Proxy(ProxyType.SOCKS5, name, int(socks), username=user, password=user, rdns=True)
    try:
        connection = proxy.connect(host, port, timeout=seconds)
    except (ProxyError, ProxyTimeoutError) as error:
        raise NotThere(str(error)) from None
    assert isinstance(connection, socket.socket)
    connection.settimeout(PATIENCE_SECONDS)
    return connection


class NotThere(Exception):
    """tor finds no way to it."""


class Source(Browser):
    """One visit through tor, by a circuit of its own."""

    def __init__(
        self, tor: Tor, address: str, *, user: str = "", seconds: float = PATIENCE_SECONDS
    ) -> None:
        super().__init__(address)
        self.seconds = seconds
        self.tor = tor
        self.user = user or secrets.token_hex(8)

    def connection(self) -> http.client.HTTPConnection:
        """Return a new connection to the drop, not opened yet."""
        host = urlsplit(self.address).hostname or ""
        connection = http.client.HTTPConnection(host)
        connection.sock = through(self.tor, host, self.user, seconds=self.seconds)
        return connection


def sooner_or_later(attempt: Callable[[], T], *, by: Tor | None = None) -> T:
    """Return what comes of it, once it no longer fails: descriptors are on their way for seconds.

    A tor asks each directory for a descriptor once in 15 minutes, and an onion that was started
    anew has another: `by`, the one by which it comes, is told now and then to ask as if never
    before, not so often that it hurts what is on its way. Raises the last NotThere.
    """
    begun = forgot = time.monotonic()
    while time.monotonic() < begun + _SOON_SECONDS:
        with suppress(NotThere, OSError, http.client.HTTPException):
            return attempt()
        if by is not None and time.monotonic() >= forgot + _FORGET_SECONDS:
            forgot = time.monotonic()
            by.ask("SIGNAL", "NEWNYM")
        time.sleep(0.2)
    return attempt()
