"""Run a command as on a kernel, or in a container, that has no Landlock: WORDS…"""

import ctypes
import errno
import os
import struct
import sys

from scrub.fences import (
    ALLOW,
    EQUAL,
    INSTRUCTION,
    LANDLOCK_CREATE_RULESET,
    LOAD,
    NUMBER_AT,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_SECCOMP,
    RETURN,
    SECCOMP_MODE_FILTER,
)

ERRNO = 0x00050000
PROGRAM = [
    (LOAD, 0, 0, NUMBER_AT),
    (EQUAL, 0, 1, LANDLOCK_CREATE_RULESET),
    (RETURN, 0, 0, ERRNO | errno.ENOSYS),
    (RETURN, 0, 0, ALLOW),
]


def main() -> None:
    """Take Landlock away from this process for good, and become the command."""
    libc = ctypes.CDLL(None, use_errno=True)
    program = b"".join(INSTRUCTION.pack(*each) for each in PROGRAM)
    instructions = ctypes.create_string_buffer(program)
    filtered = struct.pack("@HP", len(PROGRAM), ctypes.addressof(instructions))
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), 0, 0, 0) == 0
    assert libc.prctl(PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_MODE_FILTER), filtered, 0, 0) == 0
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
