"""Rename in the two ways that Python's own `os` doesn't know (renameat2(2), Linux 3.15).

ext4, XFS, Btrfs, F2FS and tmpfs can do both, and OverlayFS over them.
"""

import ctypes
import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

_AT_FDCWD: Final = -100
_NO_REPLACE: Final = 1
_EXCHANGE: Final = 2

_renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
_renameat2.argtypes = (
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_uint,
)


def exchange(one: Path, other: Path) -> None:
    """Let two names trade places at once. Raises FileNotFoundError when either isn't there."""
    _rename(one, other, _EXCHANGE)


def rename_to_new(one: Path, other: Path) -> None:
    """Rename, but never over something. Raises FileExistsError, FileNotFoundError."""
    _rename(one, other, _NO_REPLACE)


def can_exchange(folder: Path) -> bool:
    """Say whether the file system there can. Raises OSError when it can't be tried."""
    one, other = (folder / secrets.token_hex(16) for _ in range(2))
    one.mkdir(mode=0o700)
    try:
        other.mkdir(mode=0o700)
        exchange(one, other)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}:
            raise
        return False
    finally:
        for each in (one, other):
            with suppress(FileNotFoundError):
                each.rmdir()
    return True


def _rename(one: Path, other: Path, flags: int) -> None:
    if _renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(one))
