"""Keep two commands from doing the same work at once."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.errors import NotFit


@contextmanager
def alone(place: Path, what: str) -> Iterator[None]:
    """Hold a folder, or a file, for one command, such as an import; a crash lets it go.

    Raises NotFit where another one holds it.
    """
    descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotFit([f"another {what} is running; wait for its end"]) from None
        yield
    finally:
        os.close(descriptor)
