"""Give what waits in the outbox to staff's command, oldest first, one at a time.

This is all that a process with a network does, and all that it sees: the settings and the outbox.
A letter is taken away once the command said that it is gone, so a crash in between sends it twice,
and never not at all. What is no letter stays, for somebody to look at.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from server.config import Config
from server.errors import NotALetter, NotSent
from server.events import Undelivered
from server.files import sync_folder
from server.staff.alone import alone
from server.staff.mail.carrying import carry
from server.staff.outbox import letters_in, read_letter

_WAIT_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class Mailed:
    """How many letters went, how many wait still, and why: None where none does."""

    sent: int
    waiting: int
    why: Undelivered | None


def mail(folder: Path, config: Config) -> Mailed:
    """Carry the letters away, until none is left or one can't be carried.

    Another `mail` is waited for; raises NotFit when that takes too long.
    """
    outbox = folder / config.places.outbox
    if not outbox.is_dir():
        return Mailed(0, 0, None)
    if not config.staff.alert_command:
        left = len(letters_in(outbox))
        return Mailed(0, left, Undelivered.NO_SUCH_COMMAND if left else None)
    with alone(outbox, "mail", wait_seconds=_WAIT_SECONDS):
        return asyncio.run(_mailed(folder, outbox, config.staff.alert_command))


async def _mailed(folder: Path, outbox: Path, command: tuple[str, ...]) -> Mailed:
    sent, why = 0, None
    left: set[Path] = set()
    try:
        for path in _each(outbox):
            left.add(path)
            try:
                await carry(read_letter(path), command, folder=folder)
            except FileNotFoundError:  # there were too many, and it was the oldest
                left.remove(path)
                continue
            except NotALetter:
                why = Undelivered.NOT_A_LETTER
                continue
            path.unlink(missing_ok=True)
            sync_folder(outbox)
            left.remove(path)
            sent += 1
    except NotSent as failure:
        why = failure.why
    except OSError:
        why = Undelivered.OUTBOX_FAILED
    return Mailed(sent, len(left | set(letters_in(outbox))), why)


def _each(outbox: Path) -> Iterator[Path]:
    """Yield each letter once, oldest first, also those that come meanwhile."""
    seen: set[Path] = set()
    while new := [path for path in letters_in(outbox) if path not in seen]:
        seen.add(new[0])
        yield new[0]
