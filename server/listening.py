"""Listen on the one address of the settings, for one drop in one folder."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Final

from aiohttp import StreamReader, web

from server.config import Circuits, Connections, Listen
from server.connections import OpenConnections
from server.errors import NotFit
from server.proxy_line import TakesLine

_LINE_SECONDS: Final = 10  # tor writes its line as soon as it has connected
_MOST_AHEAD: Final = 2  # requests at a time; no browser sends a second before it is answered
_LONGEST_HEAD: Final = 32 * 1024  # of a request; a browser's are below 2 KiB
_BACKLOG: Final = 512  # connections that wait to be accepted; tor drops the stream over that


class Protocol(web.RequestHandler):
    """aiohttp's side of a connection, but for three things.

    It has no error page of its own: aiohttp answers what isn't HTTP with its name, its version,
    the second, and the request line. No browser sends such a thing: the connection is closed
    without a word. It doesn't hold on to a page that was sent, for as long as the connection
    waits for another request: the page may show a codename, or a reply. And it has a place among
    all connections, and an end: a step of a visitor's, which aiohttp would wait for as long as it
    takes, may take so many seconds (`limits`).

    `circuit` is the number of the Tor circuit that it came by, where tor tells.
    """

    __slots__ = (
        "_answered",
        "_asked",
        "_head",
        "_last_body",
        "_limits",
        "_room",
        "_too_late",
        "_wire",
        "circuit",
    )

    def __init__(
        self,
        server: web.Server,
        *,
        room: OpenConnections,
        limits: Connections,
        circuit: int | None = None,
    ) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # how aiohttp turns it off
            auto_decompress=False,
            lingering_time=limits.refused_seconds,
            keepalive_timeout=limits.idle_seconds,
        )
        self.circuit = circuit
        self._room = room
        self._limits = limits
        self._wire: asyncio.Transport | None = None
        self._too_late: dict[str, asyncio.TimerHandle] = {}
        self._asked = self._answered = 0  # requests
        self._head = 0  # bytes of a request that has begun, and isn't whole
        self._last_body: StreamReader | None = None  # of the request answered last

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a place, or close where there is none."""
        assert isinstance(transport, asyncio.Transport)
        if not self._room.begin(transport, self.circuit):
            transport.abort()
            return
        self._wire = transport
        # So that `pause_writing` is called whenever something is left to be fetched.
        transport.set_write_buffer_limits(high=0)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give the place back."""
        for step in list(self._too_late):
            self._in_time(step)
        if self._wire is not None:
            self._room.end(self._wire)
            self._wire = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Have aiohttp read it; hold the head of a request to its limits."""
        if self._wire is None:
            return
        super().data_received(data)
        if self._request_count > self._asked:
            self._asked = self._request_count
            self._head = 0
            self._in_time("head")
            self._room.works(self._wire)
            if self._asked - self._answered > _MOST_AHEAD:
                self._wire.abort()
        elif self._waits_for_a_head() and data:
            self._begin("head", self._limits.head_seconds)
            self._head += len(data)
            if self._head > _LONGEST_HEAD:
                self._wire.abort()

    def _waits_for_a_head(self) -> bool:
        """Say whether what arrives is no part of a body, be it one that we only listen to."""
        return self._asked == self._answered and (
            self._last_body is None or self._last_body.is_eof()
        )

    def pause_writing(self) -> None:
        """Wait for an answer to be fetched."""
        super().pause_writing()
        self._begin("answer", self._limits.answer_seconds)

    def resume_writing(self) -> None:
        """Go on: it was fetched."""
        self._in_time("answer")
        super().resume_writing()

    @asynccontextmanager
    async def small_form(self) -> AsyncIterator[None]:
        """Wait for a small form; it may be what gives way. Raises ConnectionError when late."""
        if self._wire is None:
            raise ConnectionAbortedError
        self._room.waits(self._wire)
        try:
            async with asyncio.timeout(self._limits.small_form_seconds):
                yield
        except TimeoutError:
            raise ConnectionAbortedError from None
        if self._wire is not None:
            self._room.works(self._wire)

    def keep_place(self) -> None:
        """Keep the connection, whoever else comes, until what it sends is answered."""
        if self._wire is not None:
            self._room.keeps_its_place(self._wire)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer, and forget what stands in it."""
        self._answered += 1
        self._last_body = request.content
        if not request.content.is_eof() and not self._still_listens(request):
            self._lingering_time = 0.0
        if self._wire is not None:
            self._room.waits(self._wire)
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            if isinstance(resp, web.Response):
                resp.body = None

    def _still_listens(self, request: web.BaseRequest) -> bool:
        """Say whether to take the rest of what was refused: a browser shows no answer before that.

        Not in chunks, as no browser sends: reading them costs us more than writing them costs.
        """
        in_chunks = request.content_length is None
        return self._wire is not None and not in_chunks and self._room.listens(self._wire)

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002
        status: int = 500,  # noqa: ARG002
        exc: BaseException | None = None,  # noqa: ARG002
        message: str | None = None,  # noqa: ARG002
    ) -> web.StreamResponse:
        """Close the connection."""
        raise ConnectionAbortedError

    def _begin(self, step: str, seconds: float) -> None:
        """End the connection unless the step, if it hasn't begun before, is done in time."""
        if self._wire is not None and step not in self._too_late:
            end = self._loop.call_later(seconds, self._wire.abort)
            self._too_late[step] = end

    def _in_time(self, step: str) -> None:
        if step in self._too_late:
            self._too_late.pop(step).cancel()


def circuit_of(request: web.Request) -> int | None:
    """Return the Tor circuit that a request came by, 32 bits; None where tor isn't asked to tell.

    To be held in memory while it is needed, and nowhere else.
    """
    protocol = request.protocol
    return protocol.circuit if isinstance(protocol, Protocol) else None


def keep_place(request: web.Request) -> None:
    """Let the connection of an upload that was admitted never give way to a new one."""
    protocol = request.protocol
    if isinstance(protocol, Protocol):
        protocol.keep_place()


async def small_body(request: web.Request) -> bytes:
    """Return the body of a small form, whose length was checked. Raises ConnectionError if late."""
    protocol = request.protocol
    async with protocol.small_form() if isinstance(protocol, Protocol) else nullcontext():
        # Not by `request.read`, which keeps what it read for as long as the connection lasts.
        return await request.content.read()


async def listen(
    protocol: Callable[[int | None], Protocol],
    folder: Path,
    settings: Listen,
    *,
    fd: int | None = None,
) -> tuple[asyncio.Server, str]:
    """Begin to listen; return the server and its address. Raises NotFit, SettingsRefused.

    `protocol` is called for each connection, with the Tor circuit that it came by, if tor tells.
    `fd` is a unix socket that somebody else made, and keeps while we are started anew.
    """
    loop = asyncio.get_running_loop()
    begin: Callable[[], asyncio.Protocol] = partial(protocol, None)
    if settings.circuits is Circuits.HAPROXY:
        begin = partial(TakesLine, protocol, seconds=_LINE_SECONDS)
    path = folder / settings.unix
    try:
        if fd is not None:
            # Not by create_unix_server: from Python 3.13 on it would remove the socket at the end.
            server = await loop.create_server(begin, sock=_unix_socket(fd), backlog=_BACKLOG)
            return server, f"fd:{fd}"
        if settings.tcp:
            host, port = settings.address()
            server = await loop.create_server(begin, host, port, backlog=_BACKLOG)
            host, port = server.sockets[0].getsockname()[:2]
            return server, f"http://{host}:{port}/"
        if path.exists() and not path.is_socket():
            raise NotFit([f"{path} is in the way of the socket"])
        path.unlink(missing_ok=True)
        server = await loop.create_unix_server(begin, path, backlog=_BACKLOG)
        # The socket's group may connect: tor's, where tor is another user.
        path.chmod(0o660)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise NotFit([f"can't listen on {settings.tcp or path}: {why}"]) from None
    return server, f"unix:{path}"


def _unix_socket(fd: int) -> socket.socket:
    """Return the unix socket that a descriptor is. Raises NotFit.

    It is another descriptor of the same socket: the one that was handed stays open.
    """
    try:
        handed = socket.socket(fileno=os.dup(fd))
    except OSError:
        raise NotFit(
            [f"descriptor {fd} is no socket: --fd needs a socket unit of systemd's"]
        ) from None
    if (handed.family, handed.type) != (socket.AF_UNIX, socket.SOCK_STREAM):
        handed.close()
        raise NotFit([f"descriptor {fd} is no unix socket: the drop is reached through tor only"])
    return handed
