"""Who is let in to the pages: the one browser that was given the key, and only by its own hand.

    token     32 hex digits, in the first address that is opened, and good once
    cookie    another 32, HttpOnly, SameSite=Strict: whoever has it came with the token
    form      HMAC of the cookie, in every form: a page of somebody else's can't write one

Whatever is asked under another name than 127.0.0.1 is refused (another site's name may be pointed
here: DNS rebinding), and so is whatever a browser says that another site began (Fetch metadata,
W3C). Other users of this machine see the port, and get no further.
"""

import secrets
from collections.abc import Mapping
from hmac import compare_digest
from hmac import digest as hmac
from typing import Final

from aiohttp import web

COOKIE: Final = "desk"
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # With nothing at all, Firefox would send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Server": "Tapedrop desk",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_OURS: Final = {"same-origin", "none"}


class Door:
    """The door of one desk's pages, for as long as they are open."""

    def __init__(self) -> None:
        self.token: str | None = secrets.token_hex(16)
        """What opens it once; None when it was used."""
        self._cookie = secrets.token_hex(16)
        self._form_key = secrets.token_bytes(32)
        self.host = ""
        """The name and port that it is asked under; set once it listens."""

    def is_asked_rightly(self, headers: Mapping[str, str]) -> bool:
        """Say whether a request came to us by our own name, and not from another site's page."""
        if headers.get("Host") != self.host:
            return False
        if headers.get("Sec-Fetch-Site", "none") not in _OURS:
            return False
        return headers.get("Origin", f"http://{self.host}") == f"http://{self.host}"

    def enter(self, untrusted_token: str) -> str | None:
        """Return the cookie for who brings the token, which is good no more; None else."""
        if self.token is None or not _same(untrusted_token, self.token):
            return None
        self.token = None
        return self._cookie

    def knows(self, untrusted_cookie: str | None) -> bool:
        """Say whether this is the browser that was let in."""
        return untrusted_cookie is not None and _same(untrusted_cookie, self._cookie)

    @property
    def form_token(self) -> str:
        """What every form of ours holds."""
        return hmac(self._form_key, self._cookie.encode(), "sha256").hex()

    def wrote(self, untrusted_form_token: object) -> bool:
        """Say whether a form is one of ours."""
        return isinstance(untrusted_form_token, str) and _same(
            untrusted_form_token, self.form_token
        )


DOOR: Final = web.AppKey("door", Door)


def _same(untrusted: str, ours: str) -> bool:
    # compare_digest takes no other letters than ASCII as text.
    return compare_digest(untrusted.encode("utf-8", "surrogateescape"), ours.encode())
