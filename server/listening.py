"""Listen on the one address of the settings, for one drop in one folder."""

import asyncio
import fcntl
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from server.config import Circuits, Listen
from server.errors import NotFit
from server.proxy_line import TakesLine

_LINE_SECONDS: Final = 10  # tor writes its line as soon as it has connected


class Protocol(web.RequestHandler):
    """aiohttp's side of a connection, but for two things.

    It has no error page of its own: aiohttp answers what isn't HTTP with its name, its version,
    the second, and the request line. No browser sends such a thing: the connection is closed
    without a word. And it doesn't hold on to a page that was sent, for as long as the connection
    waits for another request: the page may show a codename, or a reply.

    `circuit` is the number of the Tor circuit that it came by, where tor tells.
    """

    __slots__ = ("circuit",)

    def __init__(self, *given: Any, circuit: int | None = None, **settings: Any) -> None:
        super().__init__(*given, **settings)
        self.circuit = circuit

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer, and forget what stands in it."""
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            if isinstance(resp, web.Response):
                resp.body = None

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002
        status: int = 500,  # noqa: ARG002
        exc: BaseException | None = None,  # noqa: ARG002
        message: str | None = None,  # noqa: ARG002
    ) -> web.StreamResponse:
        """Close the connection."""
        raise ConnectionAbortedError


def circuit_of(request: web.Request) -> int | None:
    """Return the Tor circuit that a request came by, 32 bits; None where tor isn't asked to tell.

    To be held in memory while it is needed, and nowhere else.
    """
    protocol = request.protocol
    return protocol.circuit if isinstance(protocol, Protocol) else None


def lock(folder: Path) -> int:
    """Keep any other process from serving this folder; return the descriptor that holds it.

    Raises NotFit when one does already: two would take each other's socket.
    """
    descriptor = os.open(folder / "serving.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise NotFit([f"the drop in {folder} is running already"]) from None
    return descriptor


async def listen(
    protocol: Callable[[int | None], Protocol], folder: Path, settings: Listen
) -> tuple[asyncio.Server, str]:
    """Begin to listen; return the server and its address. Raises NotFit, SettingsRefused.

    `protocol` is called for each connection, with the Tor circuit that it came by, if tor tells.
    """
    loop = asyncio.get_running_loop()
    begin: Callable[[], asyncio.Protocol] = partial(protocol, None)
    if settings.circuits is Circuits.HAPROXY:
        begin = partial(TakesLine, protocol, seconds=_LINE_SECONDS)
    path = folder / settings.unix
    try:
        if settings.tcp:
            host, port = settings.address()
            server = await loop.create_server(begin, host, port)
            host, port = server.sockets[0].getsockname()[:2]
            return server, f"http://{host}:{port}/"
        if path.exists() and not path.is_socket():
            raise NotFit([f"{path} is in the way of the socket"])
        path.unlink(missing_ok=True)
        server = await loop.create_unix_server(begin, path)
        # The socket's group may connect: tor's, where tor is another user.
        path.chmod(0o660)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise NotFit([f"can't listen on {settings.tcp or path}: {why}"]) from None
    return server, f"unix:{path}"
