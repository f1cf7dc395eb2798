"""Messages to security staff: all of one size, so that none tells what it says.

    message    8192 bytes of plain English, filled up with spaces, and a line that says so
    sealed     an OpenPGP message to every usable key in the staff's keyring: not compressed, dated
               with the day's last second, armoured (RFC 9580)

How long a sealed message is depends on number and kind of the keys, and on nothing else.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Final

from server.events import (
    Alarming,
    DropsAltered,
    NewsroomKeysEnding,
    NewsroomKeyUnusable,
    NotStarted,
    ScrubbingUnfenced,
    StoreUnwritable,
    SweepFailed,
    SweepHeldBack,
    facts_of,
)
from server.newsroom import Keyring

SIZE: Final = 8192
_CUT: Final = "… the rest is too long: tapedrop-server status"
_END: Final = b"\n(All messages are of one size, hence the space. The text is above it.)\n"
"""Or a terminal would show nothing but the space."""
_LIMIT_SECONDS: Final = 60
_TRIES: Final = 3

_SAYS: Final[Mapping[type[Alarming], str]] = MappingProxyType(
    {
        NewsroomKeyUnusable: "Some of the newsroom's keys can't be sealed to any more: {unusable}. "
        "Left: {usable}. With none left, every recording is refused.\n"
        "Which, and why: tapedrop-server keys check",
        NewsroomKeysEnding: "In {days} days no key of the newsroom's can be sealed to any more, "
        "and every recording will be refused.\n"
        "Begin to change keys now; the guide says how, under 'Changing a key'.",
        ScrubbingUnfenced: "The drop reads recordings WITHOUT A SANDBOX: one of them can take it "
        "over.\nTake unfenced_scrubbing out of the settings, and start it again.",
        SweepFailed: "The nightly sweep failed: the store, or what the desks have said, could not "
        "be read or written.\nLook at the disk or the engine: tapedrop-server check",
        SweepHeldBack: "By the machine's clock {days} days have passed since the last sweep, so "
        "nothing was deleted.\nLook at the clock. If it is right: "
        "tapedrop-server sweep --clock-is-right",
        DropsAltered: "Drops in the store are not what was carried to the desks: {drops}. They "
        "were kept.\nSomebody or something wrote to the store: treat the machine as suspect.",
        StoreUnwritable: "The disk of the store, or of the spool, takes nothing any more, although "
        "it isn't full.\nLook at the disk: tapedrop-server check",
        NotStarted: "The drop was to start, and is not fit to.\n"
        "What is wrong: tapedrop-server check",
    }
)


def heartbeat(newsroom: str, day: date, said: Sequence[str]) -> str:
    """Return the day's message; `said` are the lines of how the drop is."""
    last = "Such a message comes every day. A day without one is the alarm."
    return _letter(newsroom, f"heartbeat of {day}", [*said, "", last])


def alert(newsroom: str, day: date, event: Alarming) -> str:
    """Return what staff are told of at once."""
    says = _SAYS[type(event)].format(**facts_of(event))
    return _letter(newsroom, f"alert of {day}", says.splitlines())


def trial(newsroom: str, day: date) -> str:
    """Return what says that alerts arrive."""
    says = "Somebody asked for this message, to see that alerts arrive. Nothing is the matter."
    return _letter(newsroom, f"trial of {day}", [says])


def sealed(keyring: Keyring, letter: str, *, now: datetime) -> bytes:
    """Return a letter, sealed to all staff. Raises NoUsableKey, GpgFailed."""
    to = keyring.read(now=now).recipients()

    def once() -> bytes:
        blocks: list[bytes] = []
        keyring.gpg.encrypt(
            [filled(letter)],
            blocks.append,
            to=to,
            day=now.date(),
            limit_seconds=_LIMIT_SECONDS,
            hidden=False,
            armoured=True,
        )
        return b"".join(blocks)

    # What RSA makes of a session key is a number, and one in 256 is a byte shorter.
    return max((once() for _ in range(_TRIES)), key=len)


def filled(letter: str) -> bytes:
    """Return a letter as bytes of the one size; what has no room is cut at a line."""
    lines = letter.encode().splitlines(keepends=True)
    cut = f"{_CUT}\n".encode()
    room = SIZE - len(_END)
    if sum(map(len, lines)) > room:
        while sum(map(len, lines)) > room - len(cut):
            lines.pop()
        lines.append(cut)
    return b"".join(lines).ljust(room) + _END


def _letter(newsroom: str, what: str, lines: Sequence[str]) -> str:
    return "\n".join([f"{newsroom}: {what}", "", *lines, ""])
