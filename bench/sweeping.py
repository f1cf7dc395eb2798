"""Sweep a store of a million objects in a folder, and say how long that takes and what memory.

    list      a dry run: every object is looked at, nothing is touched
    night     what is due is deleted, what came since the night before is written anew

Half are drops, a quarter events in mailboxes of two each, a quarter replies to these. One in a
thousand is due, one in a thousand is fresh. Empty files, but for what is fresh: 64 KiB, the
smallest envelope. `bench/results/sweeping.json` has the same figures.
"""

import argparse
import asyncio
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

from server.config import Keeping
from server.store import random_name
from server.store.local import LocalStore
from server.sweep import Sweep

RESULTS: Final = Path(__file__).parent / "results"
ONE_IN: Final = 1000
FRESH_BYTES: Final = 64 * 1024
TODAY: Final = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
WEEK_OLD: Final = int((TODAY - timedelta(days=9)).timestamp())
YESTERDAY: Final = int((TODAY - timedelta(days=1)).timestamp()) + 50_000


def names(objects: int) -> Iterator[str]:
    """Yield what the store holds: for each mailbox four drops, two events and two replies."""
    for _ in range(objects // 8):
        mailbox = random_name()
        yield from (f"drops/{random_name()}" for _ in range(4))
        for kind in ("mailboxes", "replies"):
            yield from (f"{kind}/{mailbox}/{random_name()}" for _ in range(2))


def fill(root: Path, objects: int) -> list[str]:
    """Make the store; return the drops that are due."""
    for kind in ("drops", "mailboxes", "replies"):
        (root / kind).mkdir(parents=True)
    due = []
    for number, name in enumerate(names(objects)):
        path = root / name
        path.parent.mkdir(exist_ok=True)
        is_fresh = number % ONE_IN == 1
        path.write_bytes(bytes(FRESH_BYTES) if is_fresh else b"")
        put = YESTERDAY if is_fresh else WEEK_OLD
        os.utime(path, (put, put))
        if number % ONE_IN == 0:
            due.append(name)
    return due


def sweep(root: Path, due: list[str], *, dry_run: bool) -> dict[str, float]:
    """Sweep once; return seconds, counts, and the most memory this process ever had."""
    opened = ((name, sha256().digest()) for name in due)
    night = Sweep(LocalStore(root), Keeping(), today=TODAY.date(), dry_run=dry_run)
    began = time.perf_counter()
    swept = asyncio.run(night.everything(opened))
    return {
        "seconds": round(time.perf_counter() - began, 1),
        "drops_deleted": swept.drops,
        "written_anew": swept.rewritten,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    """Fill a store below `--at`, sweep it, and remove it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--at", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="sweeping-", dir=options.at))
    try:
        due = fill(root, options.objects)
        before = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        figures = {
            "objects": options.objects,
            "peak_mb_before": before,
            "list": sweep(root, due, dry_run=True),
            "night": sweep(root, due, dry_run=False),
        }
    finally:
        shutil.rmtree(root)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "sweeping.json").write_text(json.dumps(figures, indent=1) + "\n")
    json.dump(figures, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
