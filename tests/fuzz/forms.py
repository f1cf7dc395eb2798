"""What becomes of any bytes as a form: our parts in our order, or one of three words.

fault     another exception; no end; a recording or message that doesn't stand in the bytes as
          it arrived, up to its boundary; another answer when the network cuts it otherwise;
          another answer than a strict reading (RFC 7578, RFC 2046, 5.1.1) where that has one
"""

import asyncio
import re
import warnings
import zlib
from functools import cache
from random import Random
from typing import Any
from unittest.mock import patch

from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol
from multidict import CIMultiDict, CIMultiDictProxy
from wire import END, part

from fuzz.mutate import Seed
from fuzz.outcome import Fault
from server.arrive import Message, Recording, Uncleanable, arrive, parts
from server.config import Limits
from server.errors import BrokenForm, CutOff, Empty, TooLarge, TooMany
from server.progress import Item

LIMITS = Limits(max_recordings=3, max_recording_bytes=3000, max_message_bytes=200)
HEADERS = CIMultiDictProxy(CIMultiDict({"Content-Type": "multipart/form-data; boundary=edge"}))
HELD_BACK = 8192
TURNS = 10_000  # of the loop for one form; none needs a tenth of them
MARK = re.compile(rb"--edge|\r\n|[\w-]+(?=[=:])")

_PART = re.compile(
    rb'Content-Disposition: form-data; name="(\w+)"(?:; filename="([\w. ]*)")?'
    rb"(?:\r\nContent-Type: [\w/.-]+)?"
)

Outcome = list[object]
"""Each part in its order: a choice, (None, text), bytes, "empty" or "too large"; then "broken"."""


@cache
def seeds() -> tuple[Seed, ...]:
    """Return forms as browsers send them, and some that none does."""
    choice, message = part("uncleanable", b"send"), part("message", "Hör zu.\r\n".encode())
    sound = part("recordings", b"RIFF" + bytes(range(256)) * 4, file_name="a b.wav")
    lookalike = part("recordings", b"\r\n--edg\r\n--\r\n-" * 40, file_name="x")
    typed = sound.replace(b"\r\n\r\n", b"\r\nContent-Type: audio/wav\r\n\r\n", 1)
    untouched = part("recordings", b"").replace(b'"recordings"', b'"recordings"; filename=""')
    encoded = sound.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1)
    nested = sound.replace(b"\r\n\r\n", b"\r\nContent-Type: multipart/x; boundary=b\r\n\r\n", 1)
    forms = {
        "whole": choice + message + typed + sound,
        "message": choice + message + untouched,
        "lookalike": choice + lookalike + sound,
        "limits": choice
        + part("message", b"x" * 201)
        + part("recordings", b"x" * 3001, file_name="x"),
        "many": choice + part("recordings", b"x", file_name="x") * 4,
        "encoded": choice + encoded + nested,
        "charset": part("_charset_", b"utf-7") + choice + message,
    }
    return tuple(_seed(name, form + END) for name, form in forms.items())


def _seed(name: str, form: bytes) -> Seed:
    marks = tuple(mark.start() for mark in MARK.finditer(form))
    return Seed(f"multipart {name}", form, marks, seeds)


def outcome(form: bytes) -> str:
    """Return "whole" or "broken"; raise Fault, or what the reader let through."""
    became = read(form, [form])
    if read(form, _cut(form)) != became:
        raise Fault("it depends on how the network cuts it")
    for one in became:
        content = one[1].encode() if isinstance(one, tuple) else one
        if isinstance(content, bytes) and b"\n" + content + b"\r\n--edge" not in form:
            raise Fault("something arrived that was not sent")
    strict = expected(form)
    if strict is not None and strict != became:
        raise Fault("a strict reading says otherwise")
    return "broken" if became[-1:] == ["broken"] else "whole"


def read(form: bytes, pieces: list[bytes]) -> Outcome:
    """Return what the drop makes of a form that arrives in these pieces."""
    with warnings.catch_warnings(), patch("server.arrive.in_thread", _here):
        warnings.simplefilter("ignore")  # aiohttp warns of headers; the drop keeps none of it
        return asyncio.run(_read(pieces))


async def _read(pieces: list[bytes]) -> Outcome:
    wire = Wire()
    body = StreamReader(wire, HELD_BACK, loop=asyncio.get_running_loop())
    sending = asyncio.create_task(wire.send(pieces, body))
    became: Outcome = []
    try:
        async for one in parts(HEADERS, body, LIMITS):
            match one:
                case Uncleanable():
                    became.append(one)
                case Message():
                    # What isn't UTF-8 was changed on purpose, so it can't be looked for.
                    text = one.text
                    became.append(
                        None
                        if text is None or "\N{REPLACEMENT CHARACTER}" in text
                        else (None, text)
                    )
                case Recording():
                    became.append(await _arrived(one))
    except (BrokenForm, TooMany, CutOff):
        became.append("broken")
    finally:
        sending.cancel()
    if wire.stuck:
        raise Fault("it never ends")
    return became


async def _arrived(recording: Recording) -> object:
    held = Held()
    try:
        await arrive(recording, held, Item("recording"))  # type: ignore[arg-type]  # all it uses
    except Empty:
        return "empty"
    except TooLarge:
        return "too large"
    return bytes(held.content)


class Held:
    """A spool's place for one recording, in memory."""

    def __init__(self) -> None:
        self.content = bytearray()

    def write(self, chunk: bytearray) -> None:
        self.content += chunk

    write_chunk = write

    def finish(self) -> None:
        pass


class Wire(BaseProtocol):
    """A connection that waits while too much is held back, as a real one does."""

    def __init__(self) -> None:
        super().__init__(asyncio.get_running_loop())
        self.transport = asyncio.Transport()
        self.waits = self.stuck = False

    def pause_reading(self) -> None:
        self.waits = True

    def resume_reading(self, resume_parser: bool = True) -> None:
        self.waits = False

    async def send(self, pieces: list[bytes], body: StreamReader) -> None:
        turns = 0
        for piece in pieces:
            while self.waits and turns < TURNS:
                turns += 1
                await asyncio.sleep(0)
            body.feed_data(piece)
            await asyncio.sleep(0)
        self.stuck = turns == TURNS
        body.feed_eof()


async def _here(work: Any, *arguments: object) -> Any:
    return work(*arguments)


def _cut(form: bytes) -> list[bytes]:
    """Return the form in pieces, cut anywhere, but the same each time."""
    chance = Random(zlib.crc32(form))
    longest = chance.choice((1 if len(form) < 500 else 30, 300, 4000))
    pieces, start = [], 0
    while start < len(form):
        end = start + chance.randint(1, longest)
        pieces.append(form[start:end])
        start = end
    return pieces


def expected(form: bytes) -> Outcome | None:
    """Return what a form laid out to the letter holds; None for any other.

    Shares no code with the reader: it has the whole form, and cuts it at the boundaries.
    """
    first, *rest = (b"\r\n" + form).split(b"\r\n--edge")
    if first or not rest or rest[-1] not in (b"--", b"--\r\n"):
        return None
    became: Outcome = []
    names: list[bytes] = []
    for piece in rest[:-1]:
        head, found, content = piece.partition(b"\r\n\r\n")
        match = _PART.fullmatch(head.removeprefix(b"\r\n"))
        if not found or not head.startswith(b"\r\n") or match is None or match[1] == b"_charset_":
            return None
        one = _one(match[1], match[2], content, names)
        names.append(match[1])
        if one == "broken":
            return [*became, one]
        became += [] if one == "nothing" else [one]
    return became


def _one(name: bytes, file_name: bytes | None, content: bytes, before: list[bytes]) -> object:
    """Return what one part of a well laid out form is to become."""
    if name == b"uncleanable":
        known = content in (b"refuse", b"send")
        allowed = known and not {b"uncleanable", b"recordings"} & set(before)
        return Uncleanable(content.decode()) if allowed else "broken"
    if name == b"message":
        return "broken" if name in before else _text(content)
    if name != b"recordings" or before.count(name) == LIMITS.max_recordings:
        return "broken"
    if not file_name:
        return "broken" if content else "nothing"
    if len(content) > LIMITS.max_recording_bytes:
        return "too large"
    return content or "empty"


def _text(content: bytes) -> object:
    text = content.decode("utf-8", "replace")
    if len(content) > LIMITS.max_message_bytes:
        return None
    if not text.strip():
        return "nothing"
    return None if "\N{REPLACEMENT CHARACTER}" in text else (None, text)
