"""The newsroom's keys as the server asks for them: judged now, and signed for by a paired desk.

Whoever changes them holds the keyring's folder alone (flock), and whoever begins an envelope holds
it with others like them, until gpg has read its recipients' keys. So an envelope is sealed to the
keys from before a change or to those from after it, and none breaks off in between.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from crypto.errors import GpgFailed
from crypto.gpg import Gpg
from crypto.newsroom import Newsroom, NewsroomKey, read_newsroom
from server.config import Config
from server.staff.desks.roster import signed_for

SOON_DAYS: Final = 60
"""A key that ends within so many days is warned of."""

_WAIT_SECONDS: Final = 10
_LOOK_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class Keyring:
    """One folder of public keys. `desks` say who may be in it; staff's own has none to ask."""

    gpg: Gpg
    desks: Path | None

    def signed(self) -> frozenset[str] | None:
        """Return whom a paired desk has signed for; None where nobody needs to."""
        return None if self.desks is None else signed_for(self.desks)

    def read(self, *, now: datetime) -> Newsroom:
        """Return the keys, judged at `now`. Raises GpgFailed, and what reading `desks` raises."""
        return read_newsroom(self.gpg, now=now, signed=self.signed())

    @contextmanager
    def unchanged(self) -> Iterator[Callable[[], None]]:
        """Let nobody change the keys until what this yields is called, or to the block's end."""
        with self._held(fcntl.LOCK_SH) as let_go:
            yield let_go

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Let nobody begin an envelope meanwhile."""
        with self._held(fcntl.LOCK_EX):
            yield

    @contextmanager
    def _held(self, how: int) -> Iterator[Callable[[], None]]:
        try:
            descriptor = os.open(self.gpg.home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise GpgFailed(f"can't open the keyring {self.gpg.home}: {error.strerror}") from None
        try:
            _wait_for(descriptor, how)
            yield lambda: fcntl.flock(descriptor, fcntl.LOCK_UN)
        finally:
            os.close(descriptor)


def keyring_of(folder: Path, config: Config) -> Keyring:
    """Return the newsroom's keyring. Raises GpgFailed when there is no gpg to read it."""
    return Keyring(Gpg(folder / config.newsroom.keyring), folder / config.places.desks)


def staff_keyring_of(folder: Path, config: Config) -> Keyring:
    """Return the keyring of security staff, empty where they have none yet."""
    home = folder / config.staff.keyring
    home.mkdir(mode=0o700, exist_ok=True)
    return Keyring(Gpg(home), None)


def staff_keys_of(folder: Path, config: Config, *, now: datetime) -> tuple[NewsroomKey, ...]:
    """Return the staff's keys, and make no keyring where there is none. Raises GpgFailed."""
    home = folder / config.staff.keyring
    # gpg would put an empty one there, and who looks changes nothing.
    has_keyring = any(home.glob("pubring.*"))
    return read_newsroom(Gpg(home), now=now).keys if has_keyring else ()


def newsroom_of(folder: Path, config: Config, *, now: datetime) -> Newsroom:
    """Return the newsroom's keys, judged at `now` (an aware datetime).

    A key that is expired, revoked, weak, or not signed for has a `problem`, and is never sealed to.
    Raises GpgFailed, and what reading the desks raises.
    """
    return keyring_of(folder, config).read(now=now)


def _wait_for(descriptor: int, how: int) -> None:
    """Wait, but not for ever: neither may a change that hangs stop the drop, nor the reverse."""
    until = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < until:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
            return
        time.sleep(_LOOK_SECONDS)
