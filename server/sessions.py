"""Visits, in memory only: a cookie's random value, the codename shown, the form's token.

A session ends when it was idle too long, when memory holds too many (the idlest goes first), or
with the process. Nothing about a visit is written anywhere.
"""

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from crypto.codename import SourceKeys

COOKIE: Final = "visit"
_TOKEN_BYTES: Final = 32


def _token() -> str:
    return secrets.token_urlsafe(_TOKEN_BYTES)


@dataclass(slots=True, eq=False)
class Session:
    """One visit. `codename` is empty until one is shown or typed; `keys` are being made once
    they are needed."""

    codename: bytes
    cookie: str = field(default_factory=_token)
    form_token: str = field(default_factory=_token)
    keys: asyncio.Future[SourceKeys] | None = None
    uploads: int = 0
    last_seen: float = 0.0

    def form_token_is(self, untrusted_token: str) -> bool:
        """Compare in constant time."""
        return secrets.compare_digest(untrusted_token.encode(), self.form_token.encode())


class Sessions:
    """Every visit there is."""

    def __init__(
        self,
        *,
        idle_seconds: float,
        most: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._idle_seconds = idle_seconds
        self._most = most
        self._clock = clock
        self._by_cookie: OrderedDict[str, Session] = OrderedDict()

    def begin(self, codename: bytes) -> Session:
        """Begin a visit; the idlest ones that send nothing make room."""
        self._forget_idle()
        for idlest in list(self._by_cookie.values()):
            if len(self._by_cookie) < self._most:
                break
            if not idlest.uploads:
                self.end(idlest)
        session = Session(codename, last_seen=self._clock())
        self._by_cookie[session.cookie] = session
        return session

    def find(self, untrusted_cookie: str | None) -> Session | None:
        """Return the visit that this cookie names, unless it is over; finding it is activity."""
        self._forget_idle()
        session = self._by_cookie.get(untrusted_cookie or "")
        if session is not None:
            self._touch(session)
        return session

    @contextmanager
    def uploading(self, session: Session) -> Iterator[None]:
        """Keep the visit alive while something is being sent, however slowly."""
        session.uploads += 1
        try:
            yield
        finally:
            session.uploads -= 1
            self._touch(session)

    def end(self, session: Session) -> None:
        """Forget the visit."""
        self._by_cookie.pop(session.cookie, None)

    def _touch(self, session: Session) -> None:
        session.last_seen = self._clock()
        if session.cookie in self._by_cookie:
            self._by_cookie.move_to_end(session.cookie)

    def _forget_idle(self) -> None:
        oldest_kept = self._clock() - self._idle_seconds
        for session in list(self._by_cookie.values()):
            if session.last_seen >= oldest_kept:
                break
            if not session.uploads:
                self.end(session)
