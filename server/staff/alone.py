"""Keep two commands from doing the same work at once."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from server.errors import NotFit

_LOOK_SECONDS: Final = 0.1


@contextmanager
def alone(place: Path, what: str, *, wait_seconds: float = 0) -> Iterator[None]:
    """Hold a folder, or a file, for one command, such as an import; a crash lets it go.

    Raises NotFit where another one holds it, for longer than `wait_seconds`.
    """
    descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    try:
        until = time.monotonic() + wait_seconds
        while not _is_held(descriptor):
            if time.monotonic() >= until:
                raise NotFit([f"another {what} is running; wait for its end"])
            time.sleep(_LOOK_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _is_held(descriptor: int) -> bool:
    """Hold it if nobody does; say whether we do now."""
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
