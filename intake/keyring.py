"""Keep a small secret in the kernel for a while (keyrings(7), keyctl(2)).

    keyring        the user's own, @u: every login of one person sees it, and nobody else
    key            of type "user": in the kernel's memory, never in a file, never swapped out
    permissions    to find, read, replace, renew and forget it, for this user
    lifetime       so many seconds from the last use; it is gone when the machine is off

No library of ours knows these calls, so they are made by number.
"""

import ctypes
import errno
import os
from typing import Final

from intake.errors import KeyringRefused

LONGEST: Final = 4096
_CALLS: Final = {"x86_64": (248, 250), "aarch64": (217, 219)}
"""add_key and keyctl, by architecture."""
_SETPERM, _LINK, _UNLINK, _SEARCH, _READ, _SET_TIMEOUT, _INVALIDATE = 5, 8, 9, 10, 11, 15, 21
_THREADS_KEYRING: Final = -1
_USERS_KEYRING: Final = -4
_VIEW, _MAY_READ, _MAY_WRITE, _MAY_SEARCH, _SETATTR = 0x01, 0x02, 0x04, 0x08, 0x20
# One whose time is over stands in the way for minutes, unless it may be written.
_OURS: Final = _VIEW | _MAY_READ | _MAY_WRITE | _MAY_SEARCH | _SETATTR
_PERMISSIONS: Final = _OURS << 24 | _OURS << 16  # of whoever possesses it, and of the user
_NOT_HERE: Final = {errno.ENOKEY, errno.EKEYEXPIRED, errno.EKEYREVOKED}
_TYPE: Final = b"user"

_libc = ctypes.CDLL(None, use_errno=True)


def keep(name: str, secret: bytes, *, seconds: int) -> None:
    """Keep a secret under a name, instead of one that is there. Raises KeyringRefused."""
    size = ctypes.c_size_t(len(secret))
    # Until its end is set it is this thread's alone, and goes with it, however that ends.
    thread = ctypes.c_int(_THREADS_KEYRING)
    key = _called(0, _TYPE, name.encode("ascii"), secret, size, thread)
    try:
        _keyctl(_SET_TIMEOUT, key, seconds)
        _keyctl(_LINK, key, ctypes.c_int(_USERS_KEYRING))
        _keyctl(_SETPERM, key, _PERMISSIONS)
        _keyctl(_UNLINK, key, thread)
    except KeyringRefused:
        _keyctl(_INVALIDATE, key)
        raise


def kept(name: str, *, seconds: int) -> bytes | None:
    """Return the secret, if it is there still, and keep it for so many seconds more.

    Raises KeyringRefused.
    """
    key = _found(name)
    if key is None:
        return None
    room = ctypes.create_string_buffer(LONGEST)
    try:
        size = _keyctl(_READ, key, room, ctypes.c_size_t(LONGEST))
        _keyctl(_SET_TIMEOUT, key, seconds)
    except KeyringRefused as error:
        if error.errno in _NOT_HERE:  # its time was over since
            return None
        raise
    finally:
        secret = room.raw
        ctypes.memset(room, 0, LONGEST)
    return secret[: min(size, LONGEST)]


def forget(name: str) -> bool:
    """Destroy the secret; return whether it was there. Raises KeyringRefused."""
    key = _found(name)
    if key is not None:
        _keyctl(_INVALIDATE, key)
    return key is not None


def _found(name: str) -> int | None:
    try:
        keyring = ctypes.c_int(_USERS_KEYRING)
        return _keyctl(_SEARCH, keyring, _TYPE, name.encode("ascii"), 0)
    except KeyringRefused as error:
        if error.errno in _NOT_HERE:
            return None
        raise


def _keyctl(operation: int, *arguments: object) -> int:
    return _called(1, operation, *arguments)


def _called(which: int, *arguments: object) -> int:
    numbers = _CALLS.get(os.uname().machine)
    if numbers is None:
        raise KeyringRefused(errno.ENOSYS)
    answer: int = _libc.syscall(numbers[which], *arguments)
    if answer < 0:
        raise KeyringRefused(ctypes.get_errno())
    return answer
