"""Where sealed objects rest: a flat store of opaque blobs under random names.

    drops/<random>                  one sealed envelope
    mailboxes/<mailbox>/<random>    one event of a source's
    replies/<mailbox>/<random>      one reply, sealed at the desk
    salts/<fingerprint>             under which salt all of it was stored (`ours.py`); once

No index, no links between objects, nothing that can be opened here.
"""

import re
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol

NAME: Final = re.compile(
    r"(drops|salts)/[0-9a-f]{32}|(mailboxes|replies)/[0-9a-f]{32}/[0-9a-f]{32}"
)
PREFIX: Final = re.compile(r"(drops|salts)/|(mailboxes|replies)/([0-9a-f]{32}/)?")
"""What an object, and a folder of them, may be called; every store refuses anything else."""

Blob = Callable[[Callable[[bytes], None]], None]
"""Something that writes itself, block by block, to the sink it is handed; may block for long."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a listing tells of it: `size` in bytes, and the day (UTC) that it was put on.

    `is_fresh` is whether what holds it may still know the second that it was put.
    """

    name: str
    size: int
    day: date
    is_fresh: bool


class Store(Protocol):
    """Put, get, list and delete blobs. Every method raises StoreFailed, or its leaf.

    Listings take memory for one page of names, however many there are. They come in no order, but
    what lies in one folder comes together; what is put, deleted or written anew meanwhile may be
    missing.
    """

    async def put(self, name: str, blob: Blob) -> None:
        """Keep `blob`; once this returns, it survives a crash.

        Nothing is kept if it raises; what the blob itself raises comes out as it is.
        """

    def get(self, name: str) -> AsyncIterator[bytes]:
        """Yield the blob in blocks. Raises NoSuchObject."""

    def names(self, prefix: str) -> AsyncIterator[str]:
        """Yield the names that begin with `prefix`, a folder's name with its slash."""

    def listed(self, prefix: str) -> AsyncIterator[Listed]:
        """Yield them with what is known of each."""

    async def rewrite(self, names: Sequence[str]) -> int:
        """End a day: write these objects anew, in this order, with no time finer than a day.

        Each stays under its name, whole, at every moment. What isn't there, or was rewritten
        before, is left alone; so is what there is no room for, and its number is returned. One
        that fails keeps no other from being rewritten.
        """

    async def delete(self, name: str) -> None:
        """Forget the blob; deleting what isn't there is not an error."""


def random_name() -> str:
    """Return 128 random bits as 32 hex digits: what every object is called."""
    return secrets.token_hex(16)


def small(blob: bytes) -> Blob:
    """Return a blob that is held whole."""
    return lambda sink: sink(blob)
