"""Open the store that the settings name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from server.config import Config, Engine
from server.errors import NotFit
from server.store import Store
from server.store.local import LocalStore
from server.store.ours import known_store


@asynccontextmanager
async def open_store(folder: Path, config: Config) -> AsyncIterator[Store]:
    """Have the store of the drop that lives in `folder`, without what a crash left in it.

    Raises NotFit, NewerVersion, StoreFailed.
    """
    async with open_to_look(folder, config) as store:
        if isinstance(store, LocalStore):
            store.clear()
        yield store


@asynccontextmanager
async def open_to_look(folder: Path, config: Config) -> AsyncIterator[Store]:
    """Have the same, as it is. Raises NotFit, NewerVersion, StoreFailed."""
    if config.store.engine is Engine.FOLDER:
        root = folder / config.places.store
        if not root.is_dir():
            # Or there would be nothing to export, and every mailbox would be closed.
            raise NotFit([f"the folder {root} is missing"])
        local = LocalStore(root, kept_free=config.admission.store_floor_bytes)
        await known_store(local)
        yield local
        return
    try:
        # Only here: most drops need none of what this brings along.
        from server.store.s3 import open_s3
    except ImportError:
        raise NotFit(["the store is s3, which needs: pip install 'tapedrop[s3]'"]) from None
    async with open_s3(folder, config.store) as store:
        await known_store(store)
        yield store
