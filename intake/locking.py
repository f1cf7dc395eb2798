"""Keep two commands from changing one desk against each other.

Most may work at once: files appear whole, and the catalogue has transactions. What takes evidence
away, or changes what the desk believes, works alone.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from intake.errors import DeskBusy


@contextmanager
def working_at(folder: Path, *, alone: bool = False) -> Iterator[None]:
    """Be at work in a desk's folder, `alone` or beside others, until the block ends.

    The lock is the kernel's (flock): it ends with the process, however that ends. Raises DeskBusy
    when another command stands in the way.
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(fd, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DeskBusy from None
        yield
    finally:
        os.close(fd)
