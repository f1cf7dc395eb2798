"""Whether a process serves a drop's folder: for as long as it runs, it holds `serving.lock`."""

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from server.errors import NotFit

LOCK: Final = "serving.lock"
_PAUSES_SECONDS: Final = (0.01, 0.1, 0.2)


def make_lock(folder: Path) -> None:
    """Make what is held, where it isn't there: an installed drop can make no file beside it."""
    if not (folder / LOCK).exists():
        flags = os.O_CREAT | os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        os.close(os.open(folder / LOCK, flags, 0o600))


def lock(folder: Path) -> int:
    """Keep any other process from serving this folder; return the descriptor that holds it.

    Raises NotFit when one does already: two would take each other's socket.
    """
    make_lock(folder)
    descriptor = os.open(folder / LOCK, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    for pause_seconds in _PAUSES_SECONDS:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(pause_seconds)  # perhaps somebody only looks
        else:
            return descriptor
    os.close(descriptor)
    raise NotFit([f"the drop in {folder} is running already"])


def is_running(folder: Path) -> bool:
    """Say whether a process serves this folder. It changes nothing."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
