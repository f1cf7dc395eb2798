"""The night's work on the store: delete what need not be kept, write the day's objects anew.

    drops        that enough desks have opened, and that are some days old
    replies      after their time; at once where the mailbox is gone
    mailboxes    into which nothing was sent or answered for long, with what lies in them
    the rest     of what came before today is written anew, in random order (`store/rewriting.py`)

Days are all that is known, and looking at a mailbox leaves no trace: whether a reply was read can't
be told. What arrives during the sweep is never touched: only what was listed as old enough is
deleted, object by object. So two sweeps at once, or one beside a source, do no harm.

Memory is bounded, whatever the store holds: one listing of each folder is followed; of drops to
delete and of names to write anew so many are held, and the others wait.
"""

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from itertools import islice
from typing import Final

from server.config import Keeping
from server.errors import NoSuchObject, StoreFailed
from server.store import Listed, Store
from server.threads import in_thread

_MOST_REWRITTEN: Final = 100_000
_MOST_DUE: Final = 50_000
"""Drops to delete that are looked for in one listing."""
_RANDOM: Final = secrets.SystemRandom()

Opened = Iterator[tuple[str, bytes]]
"""Drops that enough desks have opened: name, and SHA-256 of the envelope they opened."""


@dataclass(slots=True)
class Swept:
    """How many of each were deleted or written anew, or would be.

    `left` wait for another night, for want of room or because there are too many for one;
    `altered` drops are not what was carried out, and were kept; `failed` is what the store refused.
    """

    drops: int = 0
    replies: int = 0
    mailboxes: int = 0
    rewritten: int = 0
    left: int = 0
    altered: int = 0
    failed: int = 0


class Sweep:
    """One night in one store. With `dry_run` it only counts."""

    def __init__(
        self,
        store: Store,
        keeping: Keeping,
        *,
        today: date,
        dry_run: bool = False,
        in_use: Callable[[str], bool] = lambda _mailbox: False,
        going: Callable[[str], object] = lambda _name: None,
    ) -> None:
        """`in_use` says of a mailbox whether somebody is there; `going` is told what goes."""
        self.swept = Swept()
        self._store = store
        self._keeping = keeping
        self._today = today
        self._dry_run = dry_run
        self._in_use = in_use
        self._going = going
        self._fresh: list[str] = []

    async def everything(self, opened: Opened) -> Swept:
        """Do the night's work. Raises StoreFailed when the store can't be listed."""
        await self.drops(opened)
        await self._replies()
        await self._mailboxes()
        await self._rewrite()
        return self.swept

    async def only_writing_anew(self) -> Swept:
        """Delete nothing. Raises StoreFailed when the store can't be listed."""
        for folder in ("drops/", "replies/", "mailboxes/"):
            async for _ in self._listed(folder):
                pass
        await self._rewrite()
        return self.swept

    async def idle_mailboxes(self) -> Swept:
        """Delete idle mailboxes only. Raises StoreFailed when the store can't be listed."""
        await self._mailboxes()
        return self.swept

    async def drops(self, opened: Opened) -> None:
        """Delete the drops that were opened and are old enough."""
        await self._drops(await _some(opened), self._listed("drops/"))
        while due := await _some(opened):
            await self._drops(due, self._store.listed("drops/"))

    async def _drops(self, due: dict[str, bytes], listed: AsyncIterator[Listed]) -> None:
        last = self._last_day(self._keeping.opened_days)
        async for each in listed:
            digest = due.get(each.name)
            if digest is not None and each.day <= last:
                await self._drop(each.name, digest)

    async def _drop(self, name: str, digest: bytes) -> None:
        """Delete a drop, if it still is what the desks have opened."""
        found = sha256()
        try:
            if not self._dry_run:
                async for block in self._store.get(name):
                    found.update(block)
        except NoSuchObject:
            return
        except StoreFailed:
            self.swept.failed += 1
            return
        if not self._dry_run and found.digest() != digest:
            self.swept.altered += 1
        elif await self._delete(name):
            self.swept.drops += 1

    async def _replies(self) -> None:
        last = self._last_day(self._keeping.reply_days)
        mailbox, is_there = "", False
        async for each in self._listed("replies/"):
            if _mailbox(each.name) != mailbox:
                mailbox = _mailbox(each.name)
                is_there = await self._is_there(mailbox)
            if (not is_there or each.day <= last) and await self._delete(each.name):
                self.swept.replies += 1

    async def _mailboxes(self) -> None:
        last = self._last_day(self._keeping.mailbox_idle_days)
        async for mailbox, newest in _newest(self._listed("mailboxes/")):
            if newest <= last and not self._in_use(mailbox) and await self._is_idle(mailbox, last):
                await self._close(mailbox, last)
                self.swept.mailboxes += 1

    async def _is_idle(self, mailbox: str, last: date) -> bool:
        """Say whether no answer that is kept came later. What sources send was looked at."""
        gone = self._last_day(self._keeping.reply_days)
        answered = False
        async for each in self._store.listed(f"replies/{mailbox}/"):
            answered |= each.day > max(last, gone)
        return not answered

    async def _close(self, mailbox: str, last: date) -> None:
        """Delete answers, then events; what came since then stays."""
        for kind in ("replies", "mailboxes"):
            async for each in self._store.listed(f"{kind}/{mailbox}/"):
                if each.day <= last:
                    await self._delete(each.name)

    async def _rewrite(self) -> None:
        await in_thread(_RANDOM.shuffle, self._fresh)
        self.swept.rewritten = len(self._fresh)
        if self._dry_run:
            return
        try:
            without_room = await self._store.rewrite(self._fresh)
        except StoreFailed:
            self.swept.failed += 1
        else:
            self.swept.rewritten -= without_room
            self.swept.left += without_room

    async def _listed(self, folder: str) -> AsyncIterator[Listed]:
        """Yield what lies there, and remember what is to be written anew."""
        async for each in self._store.listed(folder):
            if each.is_fresh and each.day < self._today:
                if len(self._fresh) < _MOST_REWRITTEN:
                    self._fresh.append(each.name)
                else:
                    self.swept.left += 1
            yield each

    async def _is_there(self, mailbox: str) -> bool:
        # To its end: a listing that is left half-way is only closed when there is time.
        found = False
        async for _ in self._store.names(f"mailboxes/{mailbox}/"):
            found = True
        return found

    async def _delete(self, name: str) -> bool:
        """Delete, and say whether it is done, or would be."""
        if not self._dry_run:
            try:
                await self._store.delete(name)
            except StoreFailed:
                self.swept.failed += 1
                return False
        self._going(name)
        return True

    def _last_day(self, days: int) -> date:
        """Return the last day that is so many days ago at least."""
        return self._today - timedelta(days=days)


async def _some(opened: Opened) -> dict[str, bytes]:
    return await in_thread(lambda: dict(islice(opened, _MOST_DUE)))


async def _newest(listed: AsyncIterator[Listed]) -> AsyncIterator[tuple[str, date]]:
    """Yield each mailbox, and the last day on which something came into it."""
    mailbox, newest = "", date.min
    async for each in listed:
        if _mailbox(each.name) != mailbox:
            if mailbox:
                yield mailbox, newest
            mailbox, newest = _mailbox(each.name), date.min
        newest = max(newest, each.day)
    if mailbox:
        yield mailbox, newest


def _mailbox(name: str) -> str:
    return name.split("/")[1]
