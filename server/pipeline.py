"""Carry one recording from the wire to the store: arrive → spool → scrub → seal → store.

Start here: `take_in` is the whole of the server's work, the rest of the folder is what it calls.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from crypto.manifest import NOT_READ, Condition, Manifest, RemovedValue, Source
from scrub import Cleaned, SandboxUnavailable, ScrubError, Value, WorkerFailed, render
from server.arrive import Message, Recording, Uncleanable, arrive
from server.errors import TooLarge
from server.progress import Item, Step
from server.scrubbing import Scrubber
from server.sealing import Sealer
from server.sender import Sender
from server.spool import Held, Notebook, Spool
from server.store import Store, random_name

_BLOCK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Parts:
    """What the pipeline works with."""

    spool: Spool
    scrubber: Scrubber
    sealer: Sealer
    store: Store


async def take_in(
    recording: Recording,
    *,
    uncleanable: Uncleanable,
    source: asyncio.Future[Sender],
    parts: Parts,
    item: Item,
) -> Condition:
    """Carry one recording from the wire to the store; return how it was kept.

    `item` is told which step it is at, for whoever waits; what it knows was kept already, when the
    same form was sent before, is not kept twice.

    It is in the store, and synced, when this returns. Nothing but sealed bytes outlives this call,
    however it ends. Raises ServerError, ScrubError, CryptoError: nothing of it was kept.
    """
    with parts.spool.hold() as held, parts.spool.notebook() as notebook:
        await arrive(recording, held, item)
        if (kept := item.kept_before()) is not None:
            return kept
        item.begin(Step.CLEANING)
        scrubbed = await _scrubbed(held, notebook, uncleanable, parts.scrubber)
        manifest = scrubbed.manifest(await asyncio.shield(source))
        async with parts.sealer.turn:
            item.begin(Step.ENCRYPTING)
            reader = held.reader()
            envelope = parts.sealer.envelope(scrubbed.blocks(reader), manifest)
            await parts.store.put(f"drops/{random_name()}", envelope)
    return manifest.condition


async def take_in_message(
    message: Message, *, source: asyncio.Future[Sender], parts: Parts, item: Item
) -> Condition:
    """Carry one message to the store, sealed as a recording is. Raises as `take_in` does."""
    if message.text is None:
        raise TooLarge("longer than a message may be")
    text = message.text.encode()
    item.read(text)
    if (kept := item.kept_before()) is not None:
        return kept
    manifest = _manifest(
        "message.txt", len(text), Condition.WRITTEN, "message", await asyncio.shield(source)
    )
    async with parts.sealer.turn:
        envelope = parts.sealer.envelope([text], manifest)
        await parts.store.put(f"drops/{random_name()}", envelope)
    return manifest.condition


@dataclass(frozen=True, slots=True)
class _Scrubbed:
    """A held recording and what may leave it: all of it when it was not cleaned."""

    size: int
    cleaned: Cleaned | None
    values: tuple[Value, ...] | None = ()
    """None where they are to be kept and could not be read."""

    def manifest(self, source: Sender) -> Manifest:
        """Describe it for the reporter; digest, day and newsroom are filled in when sealing."""
        if self.cleaned is None:
            return _manifest("recording.bin", self.size, Condition.UNCLEANED, "unknown", source)
        return _manifest(
            f"recording.{self.cleaned.format.extension}",
            self.cleaned.cuts.size,
            Condition.CLEANED,
            self.cleaned.format.name,
            source,
            removed={str(kind): times for kind, times in self.cleaned.findings.removed.items()},
            remains={str(kind): times for kind, times in self.cleaned.findings.remains.items()},
            values=_told(self.values),
        )

    def blocks(self, reader: BinaryIO) -> Iterable[bytes]:
        """Yield the bytes that go into the envelope."""
        if self.cleaned is not None:
            return render(self.cleaned.cuts, reader, block=_BLOCK)
        return iter(lambda: reader.read(_BLOCK), b"")


def _told(values: tuple[Value, ...] | None) -> tuple[RemovedValue, ...]:
    if values is None:  # or a reporter would believe that there were none
        return (NOT_READ,)
    return tuple(RemovedValue(str(kind), *told) for kind, *told in values)


async def _scrubbed(
    held: Held, notebook: Notebook, uncleanable: Uncleanable, scrubber: Scrubber
) -> _Scrubbed:
    try:
        cleaned = await scrubber.clean(held, notebook)
    except (WorkerFailed, SandboxUnavailable):
        # A fault of ours, or an attack: neither is what the source agreed to send unclean.
        raise
    except ScrubError:
        if uncleanable is Uncleanable.REFUSE:
            raise
        return _Scrubbed(held.size, None)
    return _Scrubbed(held.size, cleaned, await scrubber.values(held))


def _manifest(
    name: str,
    size: int,
    condition: Condition,
    format_name: str,
    source: Sender,
    *,
    removed: dict[str, int] | None = None,
    remains: dict[str, int] | None = None,
    values: tuple[RemovedValue, ...] = (),
) -> Manifest:
    return Manifest(
        name=name,
        size=size,
        condition=condition,
        format=format_name,
        day="",
        source=Source(
            pseudonym=source.pseudonym,
            mailbox_id=source.mailbox_id.hex(),
            reply_key=source.reply_key.hex(),
        ),
        newsroom_digest="",
        recipients=0,
        removed=removed or {},
        remains=remains or {},
        values=values,
    )
