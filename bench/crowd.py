"""Be many sources at once: each a visit of its own, through the pages and the form, as browsers do.

Slow ones send one recording each, at a steady rate. Fast ones send one after another, as quickly as
they are let, until `--seconds` are over. Every recording ends with a number of its own, and has an
artist's name in it. Prints `ready` when all have their form, then one line of JSON: every sending.
"""

import argparse
import asyncio
import json
import os
import re
import secrets
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Final
from urllib.parse import urlsplit

ARTIST: Final = b"Who Pressed Record"
NUMBER: Final = struct.Struct("<IIII")
"""What a recording ends with: its number, four times; eight samples of sound."""
_BLOCK: Final = 64 * 1024
_VISITS_AT_ONCE: Final = 16
_LIMIT_SECONDS: Final = 300
_ACTION: Final = re.compile(rb'action="(/send/[^"]+)"')
_BECAME: Final = re.compile(rb'data-became="([^"]+)"')


@dataclass
class Sent:
    """One sending: how large, when it began, when the last byte was taken, when the answer came.

    Times are seconds after all began. `became` is what the page says, or what went wrong.
    """

    kind: str
    source: int
    number: int
    size: int
    began: float = 0.0
    taken: float = 0.0
    answered: float = 0.0
    became: str = ""


class Recording:
    """A WAV of noise; the noise is one and the same, and is in memory once."""

    def __init__(self, size: int) -> None:
        artist = b"IART" + struct.pack("<I", len(ARTIST)) + ARTIST
        info = b"LIST" + struct.pack("<I", 4 + len(artist)) + b"INFO" + artist
        form = struct.pack("<HHIIHH", 1, 1, 48_000, 96_000, 2, 16)
        sound = (size - 44 - len(info)) // 2 * 2
        self.size = 44 + len(info) + sound
        head = b"RIFF" + struct.pack("<I", self.size - 8) + b"WAVEfmt " + struct.pack("<I", 16)
        self._head = head + form + info + b"data" + struct.pack("<I", sound)
        self._noise = memoryview(os.urandom(sound - NUMBER.size))

    def blocks(self, number: int) -> Iterator[bytes | memoryview]:
        """Yield the recording with this number."""
        yield self._head
        for start in range(0, len(self._noise), _BLOCK):
            yield self._noise[start : start + _BLOCK]
        yield NUMBER.pack(*[number] * 4)


class Source:
    """One visit."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._to = (parts.hostname or "", parts.port or 80)
        self._cookie = b""
        self._action = b""

    async def come(self) -> None:
        """Read the first page, take a codename, open the form."""
        await self._get(b"/")
        page = await self._get(b"/codename")
        cookie = re.search(rb"Set-Cookie: ([^;\r]+)", page)
        assert cookie, "no visit began"
        self._cookie = cookie[1]
        await self.open_form()

    async def open_form(self) -> None:
        """Open the form anew."""
        action = _ACTION.search(await self._get(b"/send"))
        assert action, "no form was shown"
        self._action = action[1]

    async def send(self, recording: Recording, sent: Sent, start: float, rate: float) -> None:
        """Send it at `rate` bytes a second (0: as fast as it goes), and read what became of it."""
        boundary = secrets.token_hex(16).encode()
        before = _part(boundary, b'name="uncleanable"') + b"refuse\r\n"
        before += _part(boundary, b'name="recordings"; filename="a.wav"')
        after = b"\r\n--" + boundary + b"--\r\n"
        length = len(before) + recording.size + len(after)
        headers = b"Content-Type: multipart/form-data; boundary=%b\r\nContent-Length: %d\r\n"
        head = self._head(b"POST", self._action, headers % (boundary, length))
        with closing(_connection(slow=bool(rate))) as line:
            loop = asyncio.get_running_loop()
            await loop.sock_connect(line, self._to)
            sent.began = time.monotonic() - start
            due = time.monotonic()
            await loop.sock_sendall(line, head + before)
            for block in recording.blocks(sent.number):
                await loop.sock_sendall(line, block)
                if rate:
                    # What was lost while nobody read is not made up for: a circuit has one speed.
                    due = max(due + len(block) / rate, time.monotonic())
                    await asyncio.sleep(due - time.monotonic())
            await loop.sock_sendall(line, after)
            sent.taken = time.monotonic() - start
            answer = await _read(line)
        sent.answered = time.monotonic() - start
        assert answer.startswith(b"HTTP/1.1 303"), answer[:40]
        page = await self._get(self._action + b"/result")
        sent.became = b" ".join(_BECAME.findall(page)).decode()

    async def _get(self, path: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        with closing(_connection()) as line:
            await loop.sock_connect(line, self._to)
            await loop.sock_sendall(line, self._head(b"GET", path))
            page = await _read(line)
        assert page.startswith(b"HTTP/1.1 200"), page[:40]
        return page

    def _head(self, method: bytes, path: bytes, headers: bytes = b"") -> bytes:
        cookie = b"Cookie: %b\r\n" % self._cookie if self._cookie else b""
        first = b"%b %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" % (method, path)
        return first + cookie + headers + b"\r\n"


def _part(boundary: bytes, said: bytes) -> bytes:
    return b"--" + boundary + b"\r\nContent-Disposition: form-data; " + said + b"\r\n\r\n"


def _connection(*, slow: bool = False) -> socket.socket:
    line = socket.socket()
    line.setblocking(False)
    if slow:  # or megabytes would wait in the kernel, and look as if they had been sent
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BLOCK)
    return line


async def _read(line: socket.socket) -> bytes:
    answer = bytearray()
    while block := await asyncio.get_running_loop().sock_recv(line, _BLOCK):
        answer += block
    return bytes(answer)


async def _attempt(
    source: Source, recording: Recording, sent: Sent, start: float, rate: float
) -> None:
    try:
        async with asyncio.timeout(_LIMIT_SECONDS):
            await source.send(recording, sent, start, rate)
    except (OSError, AssertionError) as error:
        sent.became = f"{type(error).__name__} {error}"


async def _crowd(options: argparse.Namespace) -> list[Sent]:
    slow, fast = Recording(options.slow_bytes), Recording(options.fast_bytes)
    sources = [Source(options.address) for _ in range(options.slow + options.fast)]
    turn = asyncio.Semaphore(_VISITS_AT_ONCE)

    async def come(source: Source) -> None:
        async with turn:
            await source.come()

    await asyncio.gather(*map(come, sources))
    print("ready", flush=True)
    sys.stdin.readline()
    everything: list[Sent] = []
    start = time.monotonic()

    def another(kind: str, source: int, size: int) -> Sent:
        everything.append(Sent(kind, source, len(everything), size))
        return everything[-1]

    async def send_slowly(number: int) -> None:
        sent = another("slow", number, slow.size)
        await _attempt(sources[number], slow, sent, start, options.rate)

    async def send_fast(number: int) -> None:
        while time.monotonic() - start < options.seconds:
            sent = another("fast", number, fast.size)
            await _attempt(sources[number], fast, sent, start, 0)
            await sources[number].open_form()

    slowly = map(send_slowly, range(options.slow))
    await asyncio.gather(*slowly, *map(send_fast, range(options.slow, len(sources))))
    return everything


def main() -> None:
    """Send everything; print what became of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--slow", type=int, required=True)
    parser.add_argument("--slow-bytes", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True, help="bytes a second of a slow one")
    parser.add_argument("--fast", type=int, required=True)
    parser.add_argument("--fast-bytes", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    everything = asyncio.run(_crowd(parser.parse_args()))
    print(json.dumps([asdict(sent) for sent in everything]), flush=True)


if __name__ == "__main__":
    main()
