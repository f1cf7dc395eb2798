"""The folders of mailboxes in a local store: they tell no more than a day, either.

A folder that is made when a source's first event comes would keep that second for good, as its
birth, and the place in a row that its inode number is. So empty ones are made ahead, many at once,
and whoever needs one takes any of them:

    spare/<random>    made when few are left, and each night

When a folder changed is set to that day's midnight each night, in random order: also the one from
which a source deleted a reply.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from server.files import sync_folder
from server.store.rewriting import DAY_NS, RESTED
from server.store.trading import rename_to_new

OF_SOURCES: Final = ("mailboxes", "replies")
"""Where each source has a folder, which goes with the last object in it."""
_SPARE: Final = "spare"
_MOST_SPARE: Final = 128
_FEW_SPARE: Final = 32
_ATTEMPTS: Final = 100
_TOGETHER: Final = 10_000
_RANDOM: Final = secrets.SystemRandom()


def make_folder(root: Path, folder: Path) -> None:
    """Have this folder, unless it is there already. Raises OSError."""
    if folder.parent.name not in OF_SOURCES:
        folder.mkdir(mode=0o700, exist_ok=True)
    else:
        if not folder.parent.is_dir():
            # A store on a new disk, or from a backup that left out what was empty.
            folder.parent.mkdir(mode=0o700, exist_ok=True)
            sync_folder(root)
        _take_spare(root, folder)
    sync_folder(folder.parent)


def fill_spare(root: Path) -> None:
    """Make as many folders ahead as there should be."""
    spare = root / _SPARE
    spare.mkdir(mode=0o700, exist_ok=True)
    for _ in range(_MOST_SPARE - len(_spare(root))):
        (spare / secrets.token_hex(16)).mkdir(mode=0o700)


def blur_folders(root: Path) -> None:
    """Leave of each folder's times the day. Raises OSError."""
    changed = _changed(root)
    while together := list(islice(changed, _TOGETHER)):
        _RANDOM.shuffle(together)
        for folder, time_ns in together:
            midnight = time_ns - time_ns % DAY_NS
            with suppress(FileNotFoundError):
                os.utime(folder, ns=(midnight, midnight), follow_symlinks=False)


def _take_spare(root: Path, folder: Path) -> None:
    for _ in range(_ATTEMPTS):
        spare = _spare(root)
        if len(spare) < _FEW_SPARE:
            fill_spare(root)
            spare = _spare(root)
        try:
            rename_to_new(secrets.choice(spare), folder)
        except FileExistsError:
            return
        except FileNotFoundError:
            if not folder.parent.is_dir():
                raise
            continue  # another thread took the same one
        return
    raise FileNotFoundError


def _spare(root: Path) -> list[Path]:
    with suppress(FileNotFoundError):
        return list((root / _SPARE).iterdir())
    return []


def _changed(root: Path) -> Iterator[tuple[Path, int]]:
    """Yield folders whose times tell more than a day, and the time when each changed."""
    for kind in ("drops", RESTED, *OF_SOURCES):
        with suppress(FileNotFoundError), os.scandir(root / kind) as entries:
            for entry in entries:
                if kind in OF_SOURCES and entry.is_dir(follow_symlinks=False):
                    with suppress(FileNotFoundError):
                        yield from _if_changed(Path(entry.path))
            yield from _if_changed(root / kind)


def _if_changed(folder: Path) -> Iterator[tuple[Path, int]]:
    changed_ns = folder.stat().st_mtime_ns
    if changed_ns % DAY_NS:
        yield folder, changed_ns
