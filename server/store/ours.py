"""Keep a store to the drop that it belongs to, however many front ends the drop has.

A mailbox lies where the codename and the drop's salt say. A front end with another salt would take
things in, and no source would ever find them again. So the store says under which salt it was
filled, by the name of one object:

    salts/<the first 16 bytes of HMAC-SHA-256(salt, "tapedrop store 1"), in hex>

The salt is 256 random bits: whoever holds the store learns nothing from it (RFC 2104). What the
object holds is that purpose and a line feed. Its number is the version of all that the store keeps,
so that a later one is refused by every verb; what there was before the first is read as the first.
"""

import hmac
import re
from typing import Final

from crypto.errors import NewerVersion
from server.errors import NoSuchObject, NotFit, StoreFailed
from server.store import Store, small

_PURPOSE: Final = b"tapedrop store 1"
_FOLDER: Final = "salts/"
_MARK: Final = re.compile(rb"tapedrop store ([1-9][0-9]{0,5})\n")
_NEWEST: Final = 1
_LONGEST: Final = 64


async def known_store(store: Store) -> None:
    """Return when what the store keeps can be read. Raises NewerVersion, NotFit, StoreFailed."""
    for name in await _marks(store):
        said = b""
        try:
            async for block in store.get(name):
                said += block[:_LONGEST]
        except NoSuchObject:  # the bucket was emptied meanwhile
            continue
        version = _MARK.fullmatch(said)
        if version is None:
            raise NotFit([f"the store's mark {name} is spoilt: it must say what made the store"])
        if int(version[1]) > _NEWEST:
            raise NewerVersion(f"the store, {said.decode().strip()}")


async def ours_only(store: Store, salt: bytes) -> None:
    """Mark a store that is new as ours. Raises NotFit when it is another's, StoreFailed."""
    ours = _mark(salt)
    if not await _marks(store):
        try:
            await store.put(ours, small(_PURPOSE + b"\n"))
        except StoreFailed:
            # Another front end may have put it a moment ago; nothing is ever put twice.
            if ours not in await _marks(store):
                raise
    await not_another_s(store, salt)


async def not_another_s(store: Store, salt: bytes) -> None:
    """Mark nothing. Raises NotFit when the store is another drop's, StoreFailed."""
    ours, marks = _mark(salt), await _marks(store)
    if not marks <= {ours}:
        begun = "another salt" if ours not in marks else "several salts"
        raise NotFit(
            [f"the store was begun with {begun}; every front end of a drop needs the same salt"]
        )


def _mark(salt: bytes) -> str:
    return _FOLDER + hmac.digest(salt, _PURPOSE, "sha256")[:16].hex()


async def _marks(store: Store) -> set[str]:
    return {mark async for mark in store.names(_FOLDER)}
