"""Send the canary through the drop, and see that it arrives.

front page → the eight words → the form → its mailbox says received → the mailbox is closed
                                         → an envelope came that so many keys open as there are

It goes by HTTP, like every source, and the drop treats it like every source. No secret key is
needed: how many keys an envelope is sealed to shows from outside. Others may send meanwhile: every
new envelope of about this size must be sealed to as many keys, and none is told from another.
"""

import asyncio
import io
import math
import os
import secrets
import wave
from array import array
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from crypto.codename import words_of
from crypto.errors import NotAnEnvelope
from crypto.manifest import Condition
from crypto.packets import Outline
from server.config import Config
from server.errors import (
    NoEnvelope,
    NoPage,
    NoSuchObject,
    NotInMailbox,
    TurnedAway,
    WrongRecipients,
)
from server.newsroom import newsroom_of
from server.staff.canary.identity import codename_of
from server.staff.canary.reach import Place
from server.staff.canary.seen import Page
from server.staff.canary.tor_browser import TorBrowser
from server.staff.emergency.lockdown import locked_down
from server.store.opening import open_to_look
from server.wording import words_for

_SHORTEST_SECONDS: Final = 30
_LONGEST_SECONDS: Final = 7 * 60
_RATE: Final = 16_000
_AROUND: Final = 64 * 1024
"""Bytes that an envelope has beside its recording, at most, and before what it is padded by."""
_PADDED: Final = 1.125

Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Arrived:
    """It arrived: so many keys open it, which are all that the newsroom has."""

    recipients: int


def fly(folder: Path, config: Config, place: Place, recording: bytes, *, told: Told) -> Arrived:
    """Send the recording, and see what became of it.

    Raises CanaryFailed, NotFit, NoUsableKey, StoreFailed.

    `told` hears how many bytes of how many were sent.
    """
    if locked_down(folder):
        raise TurnedAway("it is locked down", hint="tapedrop-server unlock, when it is time")
    codename = codename_of(folder / config.credentials.canary)
    readers = {_readers(folder, config)}
    since = datetime.now(UTC).date() - timedelta(days=1)  # a store may have a clock of its own
    before = asyncio.run(_sizes(folder, config, since)).keys()
    visit(place, codename, recording, told=told)
    # A key may have been added or retired meanwhile: sealed to those before, or to those after.
    readers.add(_readers(folder, config))
    after = asyncio.run(_sizes(folder, config, since))
    new = [name for name in after.keys() - before if _could_hold(after[name], len(recording))]
    found = asyncio.run(_recipients(folder, config, new))
    if not found:
        raise NoEnvelope
    for recipients in found:
        if recipients not in readers:
            raise WrongRecipients(recipients, max(readers))
    return Arrived(max(readers))


def visit(place: Place, codename: bytes, recording: bytes, *, told: Told) -> None:
    """Go a returning source's way, and close the mailbox behind it. Raises CanaryFailed."""
    browser = TorBrowser(place.host, place.connect)
    try:
        mailbox = _come_in(browser, codename)
        if mailbox.events:
            # Of a canary that was stopped on its way.
            _tidy(browser)
            _come_in(browser, codename)
        form = browser.open("/send")
        fields = {"message": "", "uncleanable": "refuse"}
        name = f"memo {secrets.SystemRandom().randint(1, 400)}.wav"
        shown = browser.send(form.form("/send/"), fields, recording, name=name, told=told)
        if shown.became != [Condition.CLEANED]:
            raise TurnedAway(shown.said or ", ".join(shown.became) or "it is not said why")
        received = words_for(Condition.CLEANED).what
        events = browser.open("/mailbox").events
        _tidy(browser)
        if len(events) != 1 or not events[0].endswith(received):
            raise NotInMailbox
    finally:
        browser.close()


def memo() -> bytes:
    """Return a WAV of faint noise, as long as memos are: half a minute to seven, rarely so long."""
    longest = math.log(_LONGEST_SECONDS / _SHORTEST_SECONDS)
    seconds = _SHORTEST_SECONDS * math.exp(secrets.SystemRandom().uniform(0, longest))
    # Eight bits of sixteen: whoever hears it by mistake is not deafened.
    noise = array("h", array("b", os.urandom(int(seconds * _RATE))))
    held = io.BytesIO()
    with wave.open(held, "wb") as wav:
        wav.setparams((1, 2, _RATE, 0, "NONE", ""))
        wav.writeframes(noise.tobytes())
    return held.getvalue()


def _come_in(browser: TorBrowser, codename: bytes) -> Page:
    """Come back with the eight words; return the mailbox."""
    if "/return" not in browser.arrive().links:
        raise NoPage("/", "no first page of a drop")
    form = browser.open("/return").form("/return/")
    return browser.submit(form, {"codename": words_of(codename)})


def _tidy(browser: TorBrowser) -> None:
    """Close the mailbox, so that it doesn't grow."""
    form = browser.open("/mailbox/close").form("/mailbox/")
    browser.submit(form, {})


def _readers(folder: Path, config: Config) -> int:
    return len(newsroom_of(folder, config, now=datetime.now(UTC)).recipients())


async def _sizes(folder: Path, config: Config, since: date) -> dict[str, int]:
    """Return the sizes of the envelopes that came on this day or later, by name."""
    async with open_to_look(folder, config) as store:
        listed = store.listed("drops/")
        return {each.name: each.size async for each in listed if each.day >= since}


def _could_hold(size: int, recording: int) -> bool:
    return recording < size <= (recording + _AROUND) * _PADDED


async def _recipients(folder: Path, config: Config, names: list[str]) -> list[int | None]:
    """Return how many keys each of these is sealed to; None for what is no envelope."""
    found: list[int | None] = []
    async with open_to_look(folder, config) as store:
        for name in names:
            outline = Outline()
            with suppress(NoSuchObject):  # it was deleted meanwhile
                async for block in store.get(name):
                    for _ in outline.watch([block]):
                        pass
                try:
                    found.append(outline.recipients())
                except NotAnEnvelope:
                    found.append(None)
    return found
