"""Destroy what makes a drop itself, so that nobody can stand in for it, or find its mailboxes.

    erased    salt, export key, canary, the bucket's credentials, the onion service's keys; then the
              keys in the LUKS headers of the disks that they and the store lie on
    ended     the running drop: its memory holds the same
    not       what was carried elsewhere; backups; what a disk keeps of files that were overwritten

Each thing is done by itself, the small and quick ones first: where one fails, the next is still
done.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from server.config import Config
from server.errors import NotErased
from server.files import sync_folder
from server.running import LOCK, is_running
from server.staff.emergency.disks import erase_header, luks_below
from server.staff.emergency.ending import end, holder_of
from server.staff.moving.backup import CLIENT, CLIENTS, ONION, ONION_FILES
from server.staff.moving.restore import ELSEWHERE, PART

_BLOCK: Final = 64 * 1024


class Done(NamedTuple):
    """One thing that was to be destroyed; `problem` is empty when it is gone."""

    what: str
    problem: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to be destroyed: files, disks by their LUKS headers, and the running drop."""

    files: tuple[Path, ...]
    disks: tuple[Path, ...]
    process: int | None
    runs: bool
    """Whether the drop runs, also where its process can't be told."""
    lock: Path
    """What the running drop holds."""


def plan(
    folder: Path, config: Config, *, disks_below: Callable[[Path], list[str]] = luks_below
) -> Plan:
    """Return what `destroy` would do. A file that can't be looked at is on the list as well."""
    secrets = [
        folder / path
        for path in (
            config.credentials.salt,
            config.credentials.export_key,
            config.credentials.canary,
            config.store.credentials,
        )
    ]
    files = [found for secret in secrets for found in (secret, *_left_beside(secret))]
    files += _all_below(folder / ELSEWHERE) + _all_below(folder / PART)
    for onion in (folder / ONION, *([folder / config.tor.keys] if config.tor.keys else [])):
        files += [onion / name for name in ONION_FILES]
        files += [path for path in _all_in(onion / CLIENTS) if path.suffix == CLIENT]
    places = (folder, folder / config.places.store, *(secret.parent for secret in secrets))
    names = [name for place in places for name in disks_below(place)]
    return Plan(
        tuple(dict.fromkeys(file for file in files if _may_be_there(file))),
        tuple(Path("/dev") / name for name in dict.fromkeys(names)),
        holder_of(folder / LOCK),
        _runs(folder),
        folder / LOCK,
    )


def destroy(planned: Plan) -> Iterator[Done]:
    """Do it; tell of each thing as it is done."""
    for file in planned.files:
        yield _done(str(file), partial(_erase, file))
    # Since the plan was shown it may have been started anew, and its number be another's.
    process = holder_of(planned.lock)
    if process is not None:
        yield _done(f"the running drop, process {process}", partial(_end, process))
    elif planned.runs and planned.process is None:
        yield Done("the running drop", "its process can't be seen from here; stop it")
    for disk in planned.disks:
        yield _done(f"the LUKS keys of {disk}", partial(erase_header, disk))


def _runs(folder: Path) -> bool:
    try:
        return is_running(folder)
    except OSError:
        return True  # nobody can tell


def _done(what: str, work: Callable[[], None]) -> Done:
    try:
        work()
    except NotErased as error:
        return Done(what, str(error))
    except OSError as error:
        return Done(what, os.strerror(error.errno or 0).lower())
    except RuntimeError:  # what pathlib says of a link that leads to itself
        return Done(what, "it is a link that leads nowhere")
    return Done(what, "")


def _erase(path: Path) -> None:
    """Write noise over a file, and take its name away; a link goes with what it leads to."""
    target = path.resolve()
    try:
        with target.open("r+b", buffering=0) as file:
            left = os.fstat(file.fileno()).st_size
            while left > 0:
                left -= file.write(os.urandom(min(left, _BLOCK)))
            os.fsync(file.fileno())
    except OSError as error:
        # Where it can't be written over, its name may still go.
        _unlink(target, path)
        if not isinstance(error, FileNotFoundError):
            why = os.strerror(error.errno or 0).lower()
            raise NotErased(f"it could not be written over: {why}") from None
    _unlink(target, path)


def _unlink(*paths: Path) -> None:
    for path in paths:
        with suppress(FileNotFoundError):
            path.unlink()
            sync_folder(path.parent)


def _end(process: int) -> None:
    if not end(process):
        raise NotErased("it was killed, and is not gone")


def _left_beside(path: Path) -> list[Path]:
    """Return what a crash may have left of writing this file: see `server/files.py`."""
    ours = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{16}}")
    return [found for found in _all_in(path.parent) if ours.fullmatch(found.name)]


def _all_in(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_symlink() or path.is_file())
    except OSError:
        return []


def _all_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_symlink() or path.is_file())


def _may_be_there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
