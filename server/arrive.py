"""Take the form apart as it streams in, and bring recordings to the spool.

The form is multipart/form-data (RFC 7578) with parts in the order in which it shows them:

    uncleanable   "refuse" or "send": what to do with a recording that can't be cleaned
    message       text, may be empty
    recordings    files, any number up to the limit; an untouched file field is one without a name

Number, size and order are held to while the parts stream. The names and types that a browser
declares are not used for anything, and not kept.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from aiohttp import BodyPartReader, ClientPayloadError, MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from server.config import Limits
from server.errors import BrokenForm, CutOff, Empty, TooLarge, TooMany
from server.spool import Held
from server.threads import in_thread

BLOCK: Final = 256 * 1024
_LONGEST_CHOICE: Final = 16
_MOST_PARTS_BESIDE: Final = 8


class Uncleanable(StrEnum):
    """The source's choice about a recording that can't be cleaned."""

    REFUSE = "refuse"
    SEND = "send"


@dataclass(frozen=True, slots=True)
class Message:
    """What the source wrote."""

    text: str


@dataclass(frozen=True, slots=True)
class Recording:
    """One file, not yet read."""

    part: BodyPartReader
    largest_bytes: int


async def parts(
    request: web.Request, limits: Limits
) -> AsyncIterator[Uncleanable | Message | Recording]:
    """Yield the form's parts as they arrive; read a recording to its end before asking for more.

    Raises BrokenForm, TooMany, CutOff; TooLarge for a message that is too long.
    """
    try:
        reader = await request.multipart()
    except (ValueError, KeyError, AssertionError):
        raise BrokenForm("not a form") from None
    recordings = 0
    for _ in range(limits.max_recordings + _MOST_PARTS_BESIDE):
        part = await _next(reader)
        if part is None:
            return
        match part.name:
            case "uncleanable":
                yield await _choice(part)
            case "message":
                text = await _text(part, limits.max_message_bytes)
                if text.strip():
                    yield Message(text)
            case "recordings":
                if not await _is_untouched(part):
                    recordings += 1
                    if recordings > limits.max_recordings:
                        raise TooMany("too many recordings")
                    yield Recording(part, limits.max_recording_bytes)
            case _:
                raise BrokenForm("a part that the form doesn't have")
    raise TooMany("too many parts")


async def arrive(recording: Recording, held: Held) -> None:
    """Bring a recording to the spool, and finish it there.

    While one block is encrypted and written, the next is received. Raises TooLarge, Empty, CutOff,
    SpoolFailed; the form's next part then still arrives.
    """
    writing: asyncio.Task[None] | None = None
    try:
        async for blocks in _gathered(recording.part):
            if writing is not None:
                await writing
            if held.size + _size(blocks) > recording.largest_bytes:
                raise TooLarge("larger than a recording may be")
            writing = asyncio.create_task(in_thread(_write, held, blocks))
    finally:
        # Nobody may close the spool while a thread still writes to it.
        if writing is not None:
            await writing
    if not held.size:
        raise Empty("nothing in it")
    await in_thread(held.finish)


async def _gathered(part: BodyPartReader) -> AsyncIterator[list[bytes]]:
    """Yield what arrives in lists of at least BLOCK bytes, but for the last."""
    blocks: list[bytes] = []
    async for block in _read(part):
        blocks.append(block)
        if _size(blocks) >= BLOCK:
            yield blocks
            blocks = []
    yield blocks


async def _read(part: BodyPartReader) -> AsyncIterator[bytes]:
    # An empty block is no end: only the boundary is, and a body without one was cut off.
    while not part.at_eof():
        try:
            block = await part.read_chunk(BLOCK)
        except _BROKEN:
            raise CutOff("the connection ended before the part did") from None
        if block:
            yield block


async def _next(reader: MultipartReader) -> BodyPartReader | None:
    try:
        part = await reader.next()
    except _BROKEN:
        raise CutOff("the connection ended before the form did") from None
    if part is None or isinstance(part, BodyPartReader):
        return part
    raise BrokenForm("a form within the form")


async def _choice(part: BodyPartReader) -> Uncleanable:
    try:
        return Uncleanable(await _text(part, _LONGEST_CHOICE))
    except ValueError:
        raise BrokenForm("a choice that the form doesn't have") from None


async def _text(part: BodyPartReader, largest_bytes: int) -> str:
    text = bytearray()
    async for block in _read(part):
        text += block
        if len(text) > largest_bytes:
            raise TooLarge("longer than a message may be")
    return text.decode("utf-8", "replace")


async def _is_untouched(part: BodyPartReader) -> bool:
    """Say whether this is a file field that nothing was chosen in: no name, and no content."""
    if part.filename:
        return False
    async for _ in _read(part):
        raise BrokenForm("a recording without a name")
    return True


def _size(blocks: list[bytes]) -> int:
    return sum(map(len, blocks))


def _write(held: Held, blocks: list[bytes]) -> None:
    for block in blocks:
        held.write(block)


_BROKEN: Final = (
    ClientPayloadError,
    HttpProcessingError,
    ConnectionError,
    asyncio.IncompleteReadError,
    RuntimeError,
    ValueError,
    web.RequestPayloadError,
)
