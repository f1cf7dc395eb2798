"""Measure the memory that the desk's commands take, each with all that it started.

Told is the largest sum of what is resident (RSS, proc(5)); pages that several share are counted for
each, so it is never less than it was. It is looked at a hundred times a second: a peak that is over
sooner is missed.
"""

import resource
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import listing

from intake.cli.desk import unlocked
from intake.layout import Layout

_LOOKS_EACH_SECOND = 100


def peak_of(command: Sequence[str | Path]) -> float:
    """Run a command; return the most memory that it and its children took, in MB."""
    ended, peak = threading.Event(), 0.0

    def look(pid: int) -> None:
        nonlocal peak
        while not ended.wait(1 / _LOOKS_EACH_SECOND):
            peak = max(peak, sum(map(_resident, _family(pid))))

    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    looking = threading.Thread(target=look, args=(process.pid,))
    looking.start()
    _, said = process.communicate()
    ended.set()
    looking.join()
    if process.returncode:
        raise SystemExit(f"{command}: {said.decode()}")
    return peak


def _family(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield from _family(int(child))


def _resident(pid: int) -> float:
    """Return what a process has in memory, in MB; nothing if it has ended."""
    with suppress(OSError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 1e6
    return 0


def fill(desk: Path, recordings: int) -> None:
    """Put so many open drops, and what was noted of them, in a desk's catalogue."""
    with unlocked(Layout.of(desk)) as room, room.catalogue.whole():
        listing.fill(room.catalogue, recordings)
