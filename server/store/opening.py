"""Open the store that the settings name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from server.config import Config
from server.store import Store
from server.store.local import LocalStore


@asynccontextmanager
async def open_store(folder: Path, config: Config) -> AsyncIterator[Store]:
    """Have the store of the drop that lives in `folder`. Raises NotFit, StoreFailed."""
    store = LocalStore(folder / config.places.store)
    store.clear()
    yield store
