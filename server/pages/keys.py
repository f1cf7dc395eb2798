"""The newsroom's keys: whom a recording is sealed to, to compare, and to encrypt something to."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

from aiohttp import web

from server.pages.parts import PARTS, padded, page
from server.sealing import Shown

_MOST_IN_PAGE: Final = 8 * 1024
"""Bytes of armoured keys that a page has room for, in any language; the download has them all."""


class _Key(NamedTuple):
    """One key as the page shows it; `ends` is a day, and `block` empty where there is no room."""

    name: str
    fingerprint: str
    ends: str
    block: str


async def show(request: web.Request) -> web.Response:
    """Show each key that recordings are sealed to now: name, fingerprint, last day, the key."""
    shown = await request.app[PARTS].sealer.shown()
    return page(request, "keys.html", here="/keys", keys=list(_keys(shown)))


async def download(request: web.Request) -> web.Response:
    """Hand out all of them as one file."""
    shown = await request.app[PARTS].sealer.shown()
    if not shown.together:
        raise web.HTTPNotFound
    # gpg and its like pass over what follows the last line of an armoured block (RFC 9580, 6.2).
    return web.Response(
        body=padded(shown.together.encode()),
        content_type="application/pgp-keys",
        headers={"Content-Disposition": 'attachment; filename="newsroom-keys.asc"'},
    )


def _keys(shown: Shown) -> Iterator[_Key]:
    room = _MOST_IN_PAGE
    for key, block in zip(shown.keys, shown.blocks, strict=True):
        fits = len(block) <= room
        room -= len(block) if fits else 0
        digits = key.fingerprint
        yield _Key(
            name=key.name,
            fingerprint=" ".join(digits[at : at + 4] for at in range(0, len(digits), 4)),
            ends=datetime.fromtimestamp(key.expires, UTC).date().isoformat() if key.expires else "",
            block=block if fits else "",
        )
