"""Visits, in memory only: a cookie's random value, the codename, what each form shown is at.

A visit ends when a person ends it, when it was idle too long, when memory holds too many, or with
the process. Of too many, the idlest goes first of those that were only shown a codename, as long as
they are more than half: that costs nobody anything. Those that a desk has answered go last. Long
before, what reads is forgotten: a codename under which something may lie, and the keys made from
it, last as long as somebody is there. What is left of it can only send, so that whoever writes a
message slowly, or leaves a tab alone for an hour, loses nothing. Looking at progress, as a page
left open does by itself, is not being there.

Whoever comes back has no visit before their words were read, or a crowd asking for that page would
end the visits of all others who type. Their token is made from their cookie, which holds nothing.
"""

import asyncio
import hmac
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

from crypto.codename import SourceKeys
from server.errors import Busy
from server.progress import Form
from server.sender import Sender

COOKIE: Final = "visit"
_TOKEN_BYTES: Final = 32
_MOST_FORMS: Final = 16
_COOKIE: Final = re.compile(r"[\w-]{43}", re.ASCII)


class _Rank(IntEnum):
    SHOWN = 0
    USED = 1
    ANSWERED = 2


def _token() -> str:
    return secrets.token_urlsafe(_TOKEN_BYTES)


@dataclass(slots=True, eq=False)
class Session:
    """One visit. `codename` is empty until one is shown or typed, and again once it is forgotten.

    `token` goes with each small form; a form to send with has a token of its own. `keys` and
    `sender` are being made once they are needed. `has_reply` is whether a desk has answered in the
    mailbox, None until somebody has looked.
    """

    codename: bytes
    cookie: str = field(default_factory=_token)
    token: str = field(default_factory=_token)
    keys: asyncio.Future[SourceKeys] | None = None
    sender: asyncio.Future[Sender] | None = None
    has_reply: bool | None = None
    uploads: int = 0
    last_seen: float = 0.0
    _forms: OrderedDict[str, Form] = field(default_factory=OrderedDict)

    def token_is(self, untrusted_token: str) -> bool:
        """Compare in constant time."""
        return secrets.compare_digest(untrusted_token.encode(), self.token.encode())

    def new_form(self) -> str:
        """Return the token of a form that is shown now; the oldest that isn't sent makes room."""
        for token, form in list(self._forms.items()):
            if len(self._forms) < _MOST_FORMS:
                break
            if not form.is_sending:
                del self._forms[token]
        token = _token()
        self._forms[token] = Form()
        return token

    def form(self, untrusted_token: str) -> Form | None:
        """Return the form with this token; None when this visit has no such form."""
        return self._forms.get(untrusted_token)

    @property
    def rank(self) -> _Rank:
        """How much would be lost with this visit."""
        if self.has_reply:
            return _Rank.ANSWERED
        return _Rank.SHOWN if self.sender is None else _Rank.USED

    @property
    def can_send(self) -> bool:
        """Whether there is a codename to send under, or what is left of one."""
        return bool(self.codename or self.sender)

    def has_words_of(self, other: "Session") -> bool:
        """Whether both have one codename, as far as what is left of it tells."""
        if self.codename and self.codename == other.codename:
            return True
        mine, others = _made(self.sender), _made(other.sender)
        return mine is not None and mine == others

    def forget_reading(self) -> None:
        """Forget what opens the mailbox; a codename under which nothing was sent yet stays."""
        self.keys = None
        if _made(self.sender) is not None:
            self.codename = b""


def failed(made: asyncio.Future[Any]) -> bool:
    """Say whether something was to be made, and was not."""
    return made.done() and (made.cancelled() or made.exception() is not None)


def _made(sender: asyncio.Future[Sender] | None) -> Sender | None:
    return None if sender is None or not sender.done() or failed(sender) else sender.result()


class Sessions:
    """Every visit there is."""

    def __init__(
        self,
        *,
        idle_seconds: float,
        reading_idle_seconds: float,
        most: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._idle_seconds = idle_seconds
        self._reading_idle_seconds = reading_idle_seconds
        self._most = most
        self._clock = clock
        self._key = secrets.token_bytes(_TOKEN_BYTES)
        self._by_cookie: dict[str, Session] = {}
        self._ranks: tuple[OrderedDict[Session, None], ...] = tuple(OrderedDict() for _ in _Rank)

    def begin(self, codename: bytes) -> Session:
        """Begin a visit; another that sends nothing makes room. Raises Busy if all send."""
        if len(self._by_cookie) >= self._most:
            self.end(self._least_missed())
        session = Session(codename)
        self._by_cookie[session.cookie] = session
        self._touch(session)
        return session

    def cookie_before(self, untrusted_cookie: str | None) -> str:
        """Return the cookie of whoever has no visit yet: what they have, if it may be ours."""
        cookie = untrusted_cookie or ""
        return cookie if _COOKIE.fullmatch(cookie) else _token()

    def token_before(self, cookie: str) -> str:
        """Return the token that goes with the form of whoever has no visit yet."""
        return hmac.digest(self._key, cookie.encode(), "sha256").hex()

    def find(self, untrusted_cookie: str | None, *, only_looking: bool = False) -> Session | None:
        """Return the visit that this cookie names, unless it is over.

        Finding it is being there, unless somebody is `only_looking`.
        """
        session = self._by_cookie.get(untrusted_cookie or "")
        if session is None or not self._lasts(session):
            return None
        if not only_looking:
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
        if self._by_cookie.get(session.cookie) is session:
            del self._by_cookie[session.cookie]
        self._leave_rank(session)
        session.forget_reading()

    def is_sent_to(self, session: Session) -> bool:
        """Say whether anything is on its way under the words of this visit, in whichever visit."""
        return any(each.uploads and each.has_words_of(session) for each in self._by_cookie.values())

    def end_all_of(self, session: Session) -> None:
        """Forget every visit with the words of this one, and this one."""
        same = [each for each in self._by_cookie.values() if each.has_words_of(session)]
        for each in same:
            self.end(each)
        self.end(session)

    def follow(self, before: Session, again: Session) -> None:
        """Let the visit `again` take the place of the one `before`, in which its words were typed.

        Where they are the words of the visit before, that one goes on, with its forms and what it
        is sending, under the new cookie and with the right to read; otherwise it ends.
        """
        lasts = before.cookie in self._by_cookie
        if not lasts or not before.has_words_of(again):
            self.end(before)
            return
        del self._by_cookie[before.cookie]
        self._leave_rank(again)
        before.cookie = again.cookie
        before.codename, before.keys, before.sender = again.codename, again.keys, again.sender
        self._by_cookie[before.cookie] = before
        self._touch(before)

    def mailboxes(self) -> set[bytes]:
        """Return the ids of the mailboxes in which somebody is, or into which something comes."""
        senders = (_made(session.sender) for session in self._by_cookie.values())
        return {sender.mailbox_id for sender in senders if sender is not None}

    def forget_idle(self) -> None:
        """Forget what the clock says is to be forgotten; to be called now and then."""
        for session in list(self._by_cookie.values()):
            self._lasts(session)

    def _lasts(self, session: Session) -> bool:
        idle_seconds = 0.0 if session.uploads else self._clock() - session.last_seen
        if idle_seconds > self._reading_idle_seconds:
            session.forget_reading()
        if idle_seconds > self._idle_seconds:
            self.end(session)
        return idle_seconds <= self._idle_seconds

    def _touch(self, session: Session) -> None:
        session.last_seen = self._clock()
        if self._by_cookie.get(session.cookie) is session:
            self._leave_rank(session)
            self._ranks[session.rank][session] = None

    def _leave_rank(self, session: Session) -> None:
        for rank in self._ranks:
            rank.pop(session, None)

    def _least_missed(self) -> Session:
        """Return the visit to forget when there are too many. Raises Busy when all send.

        Each rank is ordered by when somebody was last there, so this looks no further than past
        those that send: looking at every visit for each new one would cost whoever floods us
        little, and us much.
        """
        shown, used, answered = self._ranks
        many_shown = 2 * len(shown) > self._most
        for rank in (shown, used, answered) if many_shown else (used, shown, answered):
            idlest = next((each for each in rank if not each.uploads), None)
            if idlest is not None:
                return idlest
        raise Busy("every visit sends something")
