"""Lock a drop down: it takes nothing any more, and keeps what it has, mailboxes and replies too.

    lockdown      {"version": 1}: that there is such a file says it, whatever is in it

A running drop looks each second (`server/taking.py`), and one that is started looks first.
"""

import os
from pathlib import Path
from typing import Final

import msgspec

from crypto.errors import NewerVersion
from server.files import read_regular, replace, sync_folder

FILE: Final = "lockdown"
_VERSION: Final = 1
_LARGEST: Final = 4096


class _Lockdown(msgspec.Struct, frozen=True):
    version: int


def locked_down(folder: Path) -> bool:
    """Say whether the drop in `folder` is to take nothing; also where nobody can tell."""
    try:
        (folder / FILE).lstat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def lock_down(folder: Path) -> None:
    """Let the drop take nothing from now on, whoever starts it, until it is unlocked."""
    path = folder / FILE
    replace(path, msgspec.json.encode(_Lockdown(_VERSION)))
    if os.geteuid() == 0:
        drop = folder.stat()
        os.chown(path, drop.st_uid, drop.st_gid, follow_symlinks=False)


def unlock(folder: Path) -> None:
    """Let it take uploads again. Raises NewerVersion when a later Tapedrop has locked it."""
    path = folder / FILE
    try:
        version = msgspec.json.decode(read_regular(path, _LARGEST), type=_Lockdown).version
    except (OSError, ValueError):
        version = _VERSION  # made by hand, as good as any
    if version > _VERSION:
        raise NewerVersion(f"tapedrop lockdown {version}")
    path.unlink(missing_ok=True)
    sync_folder(folder)
