"""A proxy on loopback in front of an engine, which does to requests what networks do."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from typing import Final

_HEAD_ENDS: Final = b"\r\n\r\n"
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_EXPECT: Final = b"\r\nexpect: 100-continue"
_PIECE: Final = 64 * 1024


class Fault(StrEnum):
    """What becomes of a request."""

    ERROR = "500"
    SLOW_DOWN = "503"
    SILENCE = "silence"
    HALF_BODY = "half the body arrives"
    LOST_ANSWER = "the answer is lost"
    HALF_ANSWER = "half the answer arrives"
    ONLY_HEAD = "only the answer's head arrives"


Answer = tuple[str, str]


def refusal(status: str, code: str) -> Answer:
    """Return S3's way to say no."""
    return status, f"<Error><Code>{code}</Code></Error>"


def one_byte_of(size: int) -> Answer:
    """Return the first byte of an object that is `size` bytes long."""
    return f"206 Partial Content\r\nContent-Range: bytes 0-0/{size}", "x"


_REFUSALS: Final = {
    Fault.ERROR: refusal("500 Internal Server Error", "InternalError"),
    Fault.SLOW_DOWN: refusal("503 Slow Down", "SlowDown"),
}


class Proxy:
    """Passes on one request a connection.

    `choose` is told each request's first line and says what becomes of it; a pair is what the
    proxy answers itself: status and body.
    """

    def __init__(self, behind: int) -> None:
        self.choose: Callable[[str], Fault | Answer | None] = lambda _request: None
        self.heads: list[bytes] = []
        self.port = 0
        self._behind = behind

    @property
    def requests(self) -> list[str]:
        """The first line of every request so far."""
        return [head.partition(b"\r\n")[0].decode() for head in self.heads]

    def only(self, nth: int, fault: Fault) -> None:
        """Do this to the nth request from now on, counted from 0, and to no other."""
        self.heads.clear()
        self.choose = lambda _request: fault if len(self.heads) == nth + 1 else None

    def fine(self) -> None:
        """Pass on everything."""
        self.heads.clear()
        self.choose = lambda _request: None

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, and close it."""
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                head = await reader.readuntil(_HEAD_ENDS)
                self.heads.append(head)
                chosen = self.choose(self.requests[-1])
                if chosen is Fault.SILENCE:
                    await reader.read()
                elif isinstance(chosen, tuple):
                    await _say(*chosen, writer)
                elif chosen in _REFUSALS:
                    await _say(*_REFUSALS[chosen], writer)
                else:
                    await self._pass_on(head, reader, writer, chosen)
        finally:
            writer.close()

    async def _pass_on(
        self,
        head: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        fault: Fault | None,
    ) -> None:
        answering, asking = await asyncio.open_connection("127.0.0.1", self._behind)
        try:
            start = head.lower().find(_EXPECT)
            if start >= 0:
                head = head[:start] + head[start + len(_EXPECT) :]
                writer.write(_CONTINUE)
            asking.write(head[: -len(_HEAD_ENDS)] + b"\r\nConnection: close" + _HEAD_ENDS)
            length = _length(head)
            if fault is Fault.HALF_BODY:
                await _copy(reader, asking, length // 2)
                return
            await _copy(reader, asking, length)
            answer = await answering.read(-1)
            if fault is Fault.LOST_ANSWER:
                return
            arrives: dict[Fault | None, int] = {
                Fault.HALF_ANSWER: len(answer) // 2,
                Fault.ONLY_HEAD: answer.find(_HEAD_ENDS) + len(_HEAD_ENDS),
            }
            writer.write(answer[: arrives.get(fault, len(answer))])
            await writer.drain()
        finally:
            asking.close()


@asynccontextmanager
async def proxy_to(behind: int) -> AsyncIterator[Proxy]:
    """Have a proxy in front of what listens at that port."""
    proxy = Proxy(behind)
    listening = await asyncio.start_server(proxy.answer, "127.0.0.1", 0)
    proxy.port = listening.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listening.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int) -> None:
    while length:
        piece = await reader.readexactly(min(length, _PIECE))
        writer.write(piece)
        await writer.drain()
        length -= len(piece)


async def _say(status: str, text: str, writer: asyncio.StreamWriter) -> None:
    body = text.encode()
    length = f"Content-Length: {len(body)}\r\nContent-Type: application/xml"
    writer.write(f"HTTP/1.1 {status}\r\n{length}\r\nConnection: close\r\n\r\n".encode() + body)
    await writer.drain()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0
