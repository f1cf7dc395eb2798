"""A source's mailbox: what became of each thing they sent, readable with the codename only.

One event is one object, padded, sealed and never rewritten:

    inside    JSON {"version", "day", "kind", "outcome"}, spaces up to 4,048 bytes
    held      4,096 bytes: `crypto/chunks.py` under the mailbox key, the object's name bound to it

It never names a drop, and its day is all it knows of time.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Final

from crypto.chunks import HEAD_SIZE, TAG_SIZE, held, hold
from crypto.codename import SourceKeys
from crypto.errors import CryptoError, NewerVersion, Tampered
from crypto.reply import open_reply
from server.errors import StoreFailed
from server.store import Store, random_name, small

EVENT_SIZE: Final = 4096
VERSION: Final = "tapedrop event 1"
_PURPOSE: Final = "mailbox event"
_LARGEST_REPLY: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class MailboxEvent:
    """`kind` is recording or message; `outcome` is cleaned, uncleaned, written or a reason."""

    day: str
    kind: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What a reporter wrote back; `name` is what the store calls it."""

    name: str
    text: str


async def note(event: MailboxEvent, keys: SourceKeys, store: Store) -> None:
    """Add one event to the mailbox. Raises StoreFailed."""
    name = random_name()
    inside = json.dumps({"version": VERSION} | asdict(event)).encode()
    inside = inside.ljust(EVENT_SIZE - HEAD_SIZE - TAG_SIZE)
    sealed = hold(inside, keys.mailbox_key, purpose=_PURPOSE, name=name)
    await store.put(f"mailboxes/{keys.mailbox_id.hex()}/{name}", small(sealed))


async def events(keys: SourceKeys, store: Store) -> list[MailboxEvent]:
    """Return what the mailbox holds, oldest day first. Raises StoreFailed.

    What doesn't open is left out: whoever could put it there could also have taken it away.
    """
    found = []
    async for name, sealed in _objects(f"mailboxes/{keys.mailbox_id.hex()}/", EVENT_SIZE, store):
        try:
            said = json.loads(held(sealed, keys.mailbox_key, purpose=_PURPOSE, name=name))
        except Tampered:
            continue
        if said.pop("version") != VERSION:
            raise NewerVersion("mailbox event")
        found.append(MailboxEvent(**said))
    return sorted(found, key=lambda event: event.day)


async def replies(keys: SourceKeys, store: Store) -> list[Reply]:
    """Return the replies that open with this codename. Raises StoreFailed."""
    found = []
    async for name, sealed in _objects(f"replies/{keys.mailbox_id.hex()}/", _LARGEST_REPLY, store):
        try:
            text = open_reply(
                sealed, reply_seed=keys.reply_seed, mailbox_id=keys.mailbox_id, name=name
            )
        except CryptoError:
            continue
        found.append(Reply(name, text))
    return found


async def _objects(prefix: str, largest: int, store: Store) -> AsyncIterator[tuple[str, bytes]]:
    async for path in store.names(prefix):
        sealed = bytearray()
        async for block in store.get(path):
            sealed += block
            if len(sealed) > largest:
                raise StoreFailed("an object is larger than it can be")
        yield path.removeprefix(prefix), bytes(sealed)
