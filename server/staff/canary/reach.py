"""Reach the drop from outside its own process: through tor, or on this machine while there is none.

Through tor a connection goes by name (SOCKS5, RFC 1928), so that nothing here looks the name up,
and under a user name of its own (RFC 1929), for which tor builds a circuit of its own.
"""

import re
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from python_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError, ProxyType
from python_socks.sync import Proxy

from server.config import Circuits, Config
from server.errors import CantReach, SettingsRefused

_URL: Final = re.compile(
    r"http://([a-z2-7]{56}\.onion|127\.0\.0\.1|\[::1\]|localhost)(:[0-9]{1,5})?/?"
)
_SOCKS: Final = re.compile(r"(127\.0\.0\.1|\[::1\]):([0-9]{1,5})")
_HIGHEST_PORT: Final = 65_535
_HTTP: Final = 80
_PATIENCE_SECONDS: Final = 300.0
"""For one step. tor gives a circuit to an onion service two minutes, and sealing takes its time."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the drop is: `where` for people, `host` as a browser names it, and the way there."""

    where: str
    host: str
    connect: Callable[[], socket.socket]


def place_of(folder: Path, config: Config, *, url: str = "", socks: str = "") -> Place:
    """Return where sources reach the drop; `url` and `socks` stand in for the settings.

    Without either, it is the onion address; without that, where the drop listens. Raises
    SettingsRefused.
    """
    url = url or config.tor.onion
    if url:
        return _by_url(url, socks, config)
    if config.listen.tcp:
        host, port = config.listen.address()
        if not port:
            hint = "say where it listens, as serve does: --url http://127.0.0.1:PORT"
            raise SettingsRefused("listen.tcp takes any free port", hint=hint)
        return _by_url(f"http://{f'[{host}]' if ':' in host else host}:{port}", socks, config)
    path = folder / config.listen.unix
    line = _circuit_line() if config.listen.circuits is Circuits.HAPROXY else b""
    return Place(str(path), "localhost", lambda: _through_unix(path, line))


def _by_url(url: str, socks: str, config: Config) -> Place:
    if not _URL.fullmatch(url):
        hint = "write it as http://….onion, or http://127.0.0.1:PORT"
        raise SettingsRefused("that is no address that a drop can have", hint=hint)
    parts = urlsplit(url)
    host, port = parts.hostname or "", _port(parts.netloc.rpartition("]")[2], _HTTP)
    if host.endswith(".onion") or socks:
        proxy = _SOCKS.fullmatch(socks or config.tor.socks)
        if proxy is None:
            hint = "write it as 127.0.0.1:9050"
            raise SettingsRefused("tor's SOCKS port must be on this machine", hint=hint)
        way = (proxy[1].strip("[]"), _port(f":{proxy[2]}", 0))
        # Of this visit alone, so that all of it comes by one circuit, which nothing else does.
        nobody = secrets.token_hex(16)
        return Place(url, parts.netloc, lambda: _through_socks(host, port, way, nobody))
    return Place(url, parts.netloc, lambda: directly(host, port))


def _port(said: str, usual: int) -> int:
    port = int(said.rpartition(":")[2]) if ":" in said else usual
    if not 0 < port <= _HIGHEST_PORT:
        raise SettingsRefused(f"{port} is no port")
    return port


def _through_socks(host: str, port: int, way: tuple[str, int], nobody: str) -> socket.socket:
    proxy = Proxy(ProxyType.SOCKS5, *way, username=nobody, password=nobody, rdns=True)
    try:
        connection = proxy.connect(host, port, timeout=_PATIENCE_SECONDS)
    except ProxyTimeoutError:
        raise CantReach("tor took too long") from None
    except ProxyConnectionError:
        raise CantReach(f"nothing answers at tor's SOCKS port {way[0]}:{way[1]}") from None
    except ProxyError as error:
        raise CantReach(f"tor finds no way to it ({error})") from None
    connection.settimeout(_PATIENCE_SECONDS)
    return connection


def directly(host: str, port: int) -> socket.socket:
    """Return a connection to a port on this machine. Raises CantReach."""
    try:
        return socket.create_connection((host, port), timeout=_PATIENCE_SECONDS)
    except OSError as error:
        raise CantReach(f"{host}:{port}: {_reason(error)}") from None


def _through_unix(path: Path, line: bytes) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(_PATIENCE_SECONDS)
        connection.connect(str(path))
        connection.sendall(line)
    except OSError as error:
        connection.close()
        raise CantReach(f"{path}: {_reason(error)}") from None
    return connection


def _circuit_line() -> bytes:
    """Return what tor says first (`server/proxy_line.py`), of a circuit that is made up."""
    high, low = secrets.randbelow(1 << 16), secrets.randbelow(1 << 16)
    return f"PROXY TCP6 fc00:dead:beef:4dad::{high:x}:{low:x} ::1 {low} {_HTTP}\r\n".encode()


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
