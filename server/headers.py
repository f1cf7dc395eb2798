"""The same headers on every answer: nothing runs, nothing is remembered, nothing tells of us.

A page stands alone, but for the form, which holds two frames, and what is shown inside them.
"""

from base64 import b64encode
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import Final

from aiohttp import web

FRAME_STYLE: Final = (Path(__file__).parent / "static" / "frame.css").read_text()
"""The style of the page that loads itself again and again, inside it, so that nothing else is."""

_STYLE_HASH: Final = b64encode(sha256(FRAME_STYLE.encode()).digest()).decode()
_POLICY: Final = (
    "default-src 'none'; style-src 'self'{style}; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-src {holds}; frame-ancestors {held_by}"
)
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_UNSAID: Final = ("Date", "ETag", "Last-Modified", "Server")


class Framing(Enum):
    """How a page stands to frames; the value is its Content-Security-Policy (CSP 3)."""

    ALONE = _POLICY.format(style="", holds="'none'", held_by="'none'")
    HOLDS = _POLICY.format(style="", holds="'self'", held_by="'none'")
    HELD = _POLICY.format(style=f" 'sha256-{_STYLE_HASH}'", holds="'none'", held_by="'self'")


FRAMING: Final = web.ResponseKey("framing", Framing)


async def set_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Set ours, and take off what would tell the version, or the clock to the second."""
    framing = response.get(FRAMING, Framing.ALONE)
    response.headers.update(_HEADERS)
    response.headers["Content-Security-Policy"] = framing.value
    response.headers["X-Frame-Options"] = "SAMEORIGIN" if framing is Framing.HELD else "DENY"
    for name in _UNSAID:
        response.headers.popall(name, None)
