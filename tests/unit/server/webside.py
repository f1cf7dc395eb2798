"""The web side of a drop alone: no gpg, no sandbox, and keys for everyone at once."""

import os
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from crypto.codename import SourceKeys
from server.app import build_app
from server.config import Config
from server.journal import Journal
from server.pipeline import Parts
from server.store.memory import MemoryStore


class Deriving:
    """One source's keys, whatever the codename."""

    def __init__(self) -> None:
        self.keys = SourceKeys(os.urandom(16), os.urandom(32), os.urandom(32), "two words")

    async def keys_of(self, codename: bytes, *, whose: object = None) -> SourceKeys:
        return self.keys


def web_side() -> web.Application:
    """Return the pages, over an empty store in memory; nothing can be sent."""
    nothing: Any = None
    deriver: Any = Deriving()
    parts = Parts(nothing, nothing, nothing, MemoryStore())
    return build_app(
        Config(), parts=parts, deriver=deriver, journal=Journal(), now=lambda: datetime.now(UTC)
    )
