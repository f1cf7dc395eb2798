"""How much room there is on the disks of a drop."""

import os
from pathlib import Path

from server.admission import Room


def room_of(spool: Path, store: Path | None) -> Room:
    """Return what is free for the spool and for a store in a folder, None where it isn't in one.

    Sealed recordings take nearly all of it: where their folder is a disk of its own, that counts.
    """
    if store is None:
        return Room(_free(spool))
    drops = store / "drops"
    store = drops if drops.is_dir() else store
    return Room(_free(spool), _free(store), shared=_device(spool) == _device(store))


def _free(folder: Path) -> int | None:
    try:
        facts = os.statvfs(folder)
    except OSError:
        return None  # what is wrong with it shows as soon as it is written to
    return facts.f_bavail * facts.f_frsize


def _device(folder: Path) -> int | None:
    try:
        return folder.stat().st_dev
    except OSError:
        return None
