"""Whether the drop may start: its folders, its secrets, the newsroom's keys."""

from datetime import date, datetime, timedelta
from pathlib import Path
from shlex import quote
from typing import Final

from crypto.newsroom import Newsroom as Keys
from server.config import Config, Engine, Newsroom
from server.errors import NotFit
from server.newsroom import Keyring
from server.staff.days import last_sweep
from server.store.trading import can_exchange

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_LARGEST_LOGO: Final = 32_000
NO_KEY: Final = (
    "the newsroom has no key; pair a desk, or add one: tapedrop-server keys add FILE.asc"
)
_CLOCK_OFF: Final = timedelta(days=30)


def newsroom_fit(keyring: Keyring, *, now: datetime) -> Keys:
    """Return the newsroom's keys. Raises NotFit, naming each key that must not be there."""
    problems = []
    if keyring.gpg.holds_secret_keys():
        home = keyring.gpg.home
        problems.append(f"the keyring {home} holds a secret key; it must never be on a server")
    newsroom = keyring.read(now=now)
    if not newsroom.keys:
        problems.append(NO_KEY)
    problems += newsroom.problems
    if problems:
        raise NotFit(problems)
    return newsroom


def read_logo(folder: Path, newsroom: Newsroom) -> bytes:
    """Return the newsroom's logo, or nothing when it has none. Raises NotFit."""
    if not newsroom.logo:
        return b""
    path = folder / newsroom.logo
    try:
        logo = path.read_bytes()
    except OSError as error:
        raise NotFit([f"can't read the logo {path}: {error.strerror}"]) from None
    if not logo.startswith(_PNG):
        raise NotFit([f"the logo {path} is not a PNG file"])
    if len(logo) > _LARGEST_LOGO:
        raise NotFit([f"the logo {path} is larger than {_LARGEST_LOGO // 1000} kB"])
    return logo


def folders_fit(folder: Path, config: Config) -> None:
    """Raise NotFit when a folder is missing or others than its owner can enter it."""
    problems = missing_folders(folder, config)
    for place in (*_folders(folder, config), folder / config.places.outbox):
        if place.is_dir() and place.stat().st_mode & 0o077:
            problems.append(f"others can enter {place}; run: chmod 700 {quote(str(place))}")
    if not problems and config.store.engine is Engine.FOLDER:
        problems += _store_problems(folder / config.places.store)
    if problems:
        raise NotFit(problems)


def missing_folders(folder: Path, config: Config) -> list[str]:
    """Return a line for each folder without which nothing can be taken in."""
    missing = (place for place in _folders(folder, config) if not place.is_dir())
    return [f"the folder {place} is missing" for place in missing]


def _folders(folder: Path, config: Config) -> list[Path]:
    names = [config.places.spool, config.newsroom.keyring]
    if config.store.engine is Engine.FOLDER:
        names.insert(0, config.places.store)
    return [folder / name for name in names]


def clock_fit(receipts: Path, today: date) -> None:
    """Raise NotFit where the clock is far behind the last sweep: it is not set yet, or wrong.

    A mailbox would be begun on a day long past, and be idle for years the night after.
    """
    last = last_sweep(receipts)
    if last is not None and today < last - _CLOCK_OFF:
        why = f"by this machine's clock it is {today}, but the store was swept on {last}: set it"
        raise NotFit([f"{why}, or remove {receipts / 'swept'} where that day was wrong"])


def _store_problems(store: Path) -> list[str]:
    try:
        if can_exchange(store):
            return []
    except OSError as error:
        return [f"can't make a folder in {store}: {error.strerror}"]
    return [
        f"the file system of {store} can't exchange two names, which the nightly rewrite needs; "
        "take ext4, XFS, Btrfs or F2FS"
    ]
