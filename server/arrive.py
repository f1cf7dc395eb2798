"""Take the form apart as it streams in, and bring recordings to the spool.

The form is multipart/form-data (RFC 7578) with parts in the order in which it shows them:

    uncleanable   "refuse" or "send": what to do with a recording that can't be cleaned; once
    message       text, may be empty; once
    recordings    files, any number up to the limit; an untouched file field is one without a name

Number and size are held to while the parts stream, and that the choice comes before what it is
about. The names and types that a browser declares are not used for anything, and not kept.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from aiohttp import BodyPartReader, ClientPayloadError, MultipartReader, StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict, CIMultiDictProxy

from crypto.chunks import SPOOL_CHUNK
from server.config import Limits
from server.errors import BrokenForm, CutOff, Empty, TooLarge, TooMany
from server.progress import Item
from server.spool import Held
from server.threads import in_thread

_BLOCK: Final = 64 * 1024
_HELD_BACK: Final = 64 * 1024
_LONGEST_CHOICE: Final = 16


class Uncleanable(StrEnum):
    """The source's choice about a recording that can't be cleaned."""

    REFUSE = "refuse"
    SEND = "send"


@dataclass(frozen=True, slots=True)
class Message:
    """What the source wrote; None when it was longer than a message may be."""

    text: str | None


@dataclass(frozen=True, slots=True)
class Recording:
    """One file, not yet read."""

    part: BodyPartReader
    largest_bytes: int


@asynccontextmanager
async def body_of(request: web.Request) -> AsyncIterator[StreamReader]:
    """Have the request's body, readable to its last byte also where the connection breaks.

    It then ends as if nothing more had been sent. aiohttp's own reader lets go at once of all that
    it still holds, and there may be whole recordings in it.
    """
    body = StreamReader(request.protocol, _HELD_BACK, loop=asyncio.get_running_loop())
    moving = asyncio.create_task(_move(request.content, body))
    try:
        yield body
    finally:
        moving.cancel()
        await asyncio.gather(moving, return_exceptions=True)


async def _move(content: StreamReader, body: StreamReader) -> None:
    try:
        async for block in content.iter_any():
            body.feed_data(block)  # pauses the connection while too much waits
            del block  # it isn't held here until another comes
    except _BROKEN_OFF:
        pass
    finally:
        body.feed_eof()


async def parts(
    headers: Mapping[str, str], body: StreamReader, limits: Limits
) -> AsyncIterator[Uncleanable | Message | Recording]:
    """Yield the form's parts as they arrive; read a recording to its end before asking for more.

    Raises BrokenForm, TooMany, CutOff.
    """
    form = _form(headers, body)
    seen: set[str] = set()
    recordings = 0
    while (part := await _next(form, body)) is not None:
        name = part.name or ""
        if name in seen or (name == "uncleanable" and recordings):
            raise BrokenForm("a part twice, or in the wrong place")
        match name:
            case "uncleanable":
                seen.add(name)
                yield await _choice(part)
            case "message":
                seen.add(name)
                text = await _text(part, limits.max_message_bytes)
                if text is None or text.strip():
                    yield Message(text)
            case "recordings":
                recordings += 1
                if recordings > limits.max_recordings:
                    raise TooMany("too many recordings")
                if not await _is_untouched(part):
                    yield Recording(part, limits.max_recording_bytes)
            case _:
                raise BrokenForm("a part that the form doesn't have")


async def read_to_the_end(body: StreamReader) -> None:
    """Take what is still coming and keep none of it.

    A browser shows an answer only once it has sent everything; the length was checked before.
    """
    async for _ in body.iter_any():
        pass


async def arrive(recording: Recording, held: Held, item: Item) -> None:
    """Bring a recording to the spool, and finish it there; `item` is told how much is here.

    One chunk of it is in memory, and while that is encrypted and written, some of the next waits
    in `body_of`. Raises TooLarge, Empty, CutOff, SpoolFailed; the form's next part then still
    arrives.
    """
    chunk, filled = memoryview(bytearray(SPOOL_CHUNK)), 0
    async for block in _read(recording.part):
        item.arrived(item.size + len(block))
        if item.size > recording.largest_bytes:
            raise TooLarge("larger than a recording may be")
        start = 0
        while start < len(block):
            if filled == SPOOL_CHUNK:  # more follows, so it isn't the last
                await in_thread(_write, held, chunk, item)
                filled = 0
            step = min(len(block) - start, SPOOL_CHUNK - filled)
            chunk[filled : filled + step] = block[start : start + step]
            start, filled = start + step, filled + step
        del block  # or it would be in memory until another comes, and many sources are slow
    if not filled:
        raise Empty("nothing in it")
    await in_thread(_write_last, held, chunk[:filled], item)


async def _read(part: BodyPartReader) -> AsyncIterator[bytes]:
    # An empty block is no end: only the boundary is, and a body without one was cut off.
    while not part.at_eof():
        try:
            block = await part.read_chunk(_BLOCK)
        except (*_BROKEN_OFF, *_BROKEN_FORM):
            raise CutOff("the connection ended before the part did") from None
        if block:
            yield block
        del block


class _Form(MultipartReader):
    """The parts of a form, each a plain stream of bytes, whatever it declares itself to be.

    aiohttp would take a file of type multipart/… apart, and hold some encodings back. It would also
    look through whatever stands before the first part, line after line: no browser writes anything
    there, and lines of nothing cost us a thousand times what they cost who sends them.
    """

    async def _read_until_first_boundary(self) -> None:
        await self._read_boundary()

    def _get_part_reader(self, headers: CIMultiDictProxy[str]) -> BodyPartReader:
        disposition = headers.get("Content-Disposition", "")
        plain = CIMultiDictProxy(CIMultiDict({"Content-Disposition": disposition}))
        part = super()._get_part_reader(plain)
        assert isinstance(part, BodyPartReader)
        return part


def _form(headers: Mapping[str, str], body: StreamReader) -> _Form:
    try:
        return _Form(headers, body)
    except (ValueError, KeyError, AssertionError):
        raise BrokenForm("not a form") from None


async def _next(form: _Form, body: StreamReader) -> BodyPartReader | None:
    try:
        part = await form.next()
    except _BROKEN_OFF:
        raise CutOff("the connection ended before the form did") from None
    except _BROKEN_FORM:
        if body.at_eof():
            raise CutOff("the form ended before its last boundary") from None
        raise BrokenForm("not laid out as a form") from None
    assert part is None or isinstance(part, BodyPartReader)
    return part


async def _choice(part: BodyPartReader) -> Uncleanable:
    try:
        return Uncleanable(await _text(part, _LONGEST_CHOICE) or "")
    except ValueError:
        raise BrokenForm("a choice that the form doesn't have") from None


async def _text(part: BodyPartReader, largest_bytes: int) -> str | None:
    """Return a part's text; None, having read it to its end, when there is more than may be."""
    text = bytearray()
    size = 0
    async for block in _read(part):
        size += len(block)
        if size <= largest_bytes:
            text += block
    return text.decode("utf-8", "replace") if size <= largest_bytes else None


async def _is_untouched(part: BodyPartReader) -> bool:
    """Say whether this is a file field that nothing was chosen in: no name, and no content."""
    if part.filename:
        return False
    async for _ in _read(part):
        raise BrokenForm("a recording without a name")
    return True


def _write(held: Held, chunk: memoryview, item: Item) -> None:
    item.read(chunk)
    held.write_chunk(chunk)


def _write_last(held: Held, chunk: memoryview, item: Item) -> None:
    item.read(chunk)
    held.write(chunk)
    held.finish()


_BROKEN_OFF: Final = (
    ClientPayloadError,
    ConnectionError,
    asyncio.IncompleteReadError,
    web.RequestPayloadError,
)
_BROKEN_FORM: Final = (HttpProcessingError, RuntimeError, ValueError)
