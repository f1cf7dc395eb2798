"""Look by the clock, once an hour, at what a running drop stands on: its keys and its disks.

Never because somebody sends: so what is found may be told at once. What a crowd of sources could
bring about (a full disk, no descriptors left) is not looked for here; it is counted.
"""

import asyncio
import errno
import os
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Final

from crypto.errors import CryptoError, GpgFailed
from crypto.newsroom import Newsroom
from server.config import Config, Engine
from server.errors import ServerError
from server.events import Alarming, NewsroomKeysEnding, NewsroomKeyUnusable, StoreUnwritable
from server.journal import Journal
from server.newsroom import SOON_DAYS, Keyring
from server.threads import in_thread

_HOUR_SECONDS: Final = 3600
_BROKEN: Final = {
    errno.EACCES,
    errno.EIO,
    errno.ENODEV,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.ENXIO,
    errno.EPERM,
    errno.EROFS,
    errno.ESTALE,
    errno.EUCLEAN,
}
"""What a disk answers that is broken, gone, or mounted read-only; never one that is only full."""


async def watch(
    folder: Path, config: Config, keyring: Keyring, journal: Journal, *, now: Callable[[], datetime]
) -> None:
    """Tell of what is not fit any more, each once a day, until cancelled."""
    told: dict[type[Alarming], date] = {}
    while True:
        try:
            events = await in_thread(lambda: list(found(folder, config, keyring, now())))
        except Exception:  # noqa: BLE001  whatever it was, there must be another look
            events = []
        for event in events:
            if told.get(type(event)) != now().date():
                told[type(event)] = now().date()
                journal.tell(event)
        await asyncio.sleep(_HOUR_SECONDS)


def found(folder: Path, config: Config, keyring: Keyring, now: datetime) -> Iterator[Alarming]:
    """Yield what staff should know of now."""
    newsroom = _newsroom(keyring, now)
    if newsroom is not None:
        yield from _of_keys(newsroom, now)
    places = [folder / config.places.spool]
    if config.store.engine is Engine.FOLDER:
        store = folder / config.places.store
        places.append(store)
        # May be a file system of its own. In a store that was begun anew it comes with a drop.
        if os.path.lexists(store / "drops"):
            places.append(store / "drops")
    if any(map(is_broken, places)):
        yield StoreUnwritable()


def _newsroom(keyring: Keyring, now: datetime) -> Newsroom | None:
    """Return the keys, and none where they can't be read; None where a crowd may be why."""
    try:
        return keyring.read(now=now)
    except GpgFailed as failure:
        return None if failure.starved else Newsroom(())
    except OSError as error:
        return Newsroom(()) if error.errno in _BROKEN else None
    except (CryptoError, ServerError):
        return Newsroom(())


def _of_keys(newsroom: Newsroom, now: datetime) -> Iterator[Alarming]:
    unusable = len(newsroom.keys) - len(newsroom.usable)
    if unusable or not newsroom.keys:
        yield NewsroomKeyUnusable(unusable, len(newsroom.usable))
    if newsroom.usable and newsroom.none_left_within(SOON_DAYS, now):
        yield NewsroomKeysEnding(max(key.days_left(now) or 0 for key in newsroom.usable))


def is_broken(place: Path) -> bool:
    """Say whether a folder's disk takes nothing; a file without a name leaves no trace there."""
    flags = os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(place, flags, 0o600), "wb") as file:
            file.write(b"\0")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno in _BROKEN
    return False
