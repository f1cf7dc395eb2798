"""Keep a store to the drop that it belongs to, however many front ends the drop has.

A mailbox lies where the codename and the drop's salt say. A front end with another salt would take
things in, and no source would ever find them again. So the store says under which salt it was
filled, by the name of one object:

    salts/<the first 16 bytes of HMAC-SHA-256(salt, "tapedrop store 1"), in hex>

The salt is 256 random bits: whoever holds the store learns nothing from it (RFC 2104).
"""

import hmac
from typing import Final

from server.errors import NotFit, StoreFailed
from server.store import Store, small

_PURPOSE: Final = b"tapedrop store 1"
_FOLDER: Final = "salts/"


async def ours_only(store: Store, salt: bytes) -> None:
    """Mark a store that is new as ours. Raises NotFit when it is another's, StoreFailed."""
    ours = _FOLDER + hmac.digest(salt, _PURPOSE, "sha256")[:16].hex()
    if not await _marks(store):
        try:
            await store.put(ours, small(_PURPOSE + b"\n"))
        except StoreFailed:
            # Another front end may have put it a moment ago; nothing is ever put twice.
            if ours not in await _marks(store):
                raise
    marks = await _marks(store)
    if not marks <= {ours}:
        begun = "another salt" if ours not in marks else "several salts"
        raise NotFit(
            [f"the store was begun with {begun}; every front end of a drop needs the same salt"]
        )


async def _marks(store: Store) -> set[str]:
    return {mark async for mark in store.names(_FOLDER)}
