"""End the process that serves a drop, whatever it is at: its memory holds the drop's secrets.

The kernel lists who holds a lock in /proc/locks (proc(5)): `1: FLOCK ADVISORY WRITE <process>
<major>:<minor>:<inode> 0 EOF`, the device's numbers in hex.
"""

import os
import select
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final

_END_MS: Final = 10_000


def holder_of(lock: Path, *, locks: Path = Path("/proc/locks")) -> int | None:
    """Return the process that holds an flock on a file, if there is one and it can be told."""
    try:
        file = lock.stat()
        listed = locks.read_text()
    except OSError:
        return None
    wanted = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    for line in listed.splitlines():
        words = line.split()
        if "->" not in words and words[1] == "FLOCK" and words[5] == wanted:
            process = int(words[4])
            return process if process > 0 else None  # 0, -1: in a namespace that we can't see
    return None


def end(process: int) -> bool:
    """Kill a process; say whether it is gone. Raises PermissionError where it is another's."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        waiting = select.poll()
        waiting.register(handle, select.POLLIN)
        return bool(waiting.poll(_END_MS))
    finally:
        os.close(handle)
