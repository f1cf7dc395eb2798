"""Fence a process in, for good, before it reads a hostile byte.

    rlimits    address space, processor time, no file growth, no new descriptors, no core
    prctl      no new privileges, not traceable, killed when its parent goes
    Landlock   no access to any file or, where the kernel can, TCP port, socket, process
    seccomp    an allow-list: memory, the descriptors it has, the clock, exit; all else is EPERM

None of it needs privileges. Landlock: Linux 5.13, landlock(7); seccomp: seccomp(2), a classic
BPF program; struct seccomp_data is u32 number, u32 architecture, u64 pointer, six u64 arguments.
"""

import ctypes
import os
import resource
import signal
import struct
from pathlib import Path
from typing import NamedTuple

from scrub.errors import SandboxUnavailable

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
SECCOMP_MODE_FILTER = 2

LANDLOCK_CREATE_RULESET, LANDLOCK_RESTRICT_SELF = 444, 446  # the same on every architecture
LANDLOCK_CREATE_RULESET_VERSION = 1

ALLOW, ERRNO_EPERM, KILL = 0x7FFF0000, 0x00050001, 0x80000000
LOAD, EQUAL, AT_LEAST, AND_SET, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER_AT, ARCH_AT, THIRD_ARGUMENT_AT = 0, 4, 32
X32 = 0x40000000
PROT_EXEC = 4
INSTRUCTION = struct.Struct("=HBBI")


# What a worker may still ask of the kernel: name → its number on x86_64, and on aarch64.
ALLOWED = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "lseek": (8, 62),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "pread64": (17, 67),
    "readv": (19, 65),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "exit": (60, 93),
    "futex": (202, 98),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "exit_group": (231, 94),
    "preadv": (295, 69),  # an opener reads an encrypted recording with it
    "getrandom": (318, 278),
    "preadv2": (327, 286),  # what Python's preadv calls
}
# Allowed when nothing becomes executable.
MEMORY = {"mmap": (9, 222), "mprotect": (10, 226)}


class Calls(NamedTuple):
    """An architecture's number for seccomp, and its system call numbers."""

    audit: int
    allowed: tuple[int, ...]
    memory: tuple[int, ...]


def _calls(column: int, audit: int) -> Calls:
    allowed = tuple(numbers[column] for numbers in ALLOWED.values())
    return Calls(audit, allowed, tuple(numbers[column] for numbers in MEMORY.values()))


CALLS = {"x86_64": _calls(0, 0xC000003E), "aarch64": _calls(1, 0xC00000B7)}

_libc = ctypes.CDLL(None, use_errno=True)


def limit(*, memory: int, cpu_seconds: int) -> None:
    """Bound what this process may use: `memory` bytes more than it has now."""
    statm = Path("/proc/self/statm").read_text(encoding="ascii")
    held = int(statm.split()[0]) * resource.getpagesize()
    for what, most in (
        (resource.RLIMIT_AS, held + memory),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        bounded = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (bounded, bounded))


def detach() -> None:
    """Gain no privileges, be traced by nobody, and die with the parent."""
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    _prctl(PR_SET_DUMPABLE, 0)
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def close_in() -> None:
    """Open nothing new, then Landlock and seccomp; SandboxUnavailable where there are none."""
    _landlock()
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))  # Landlock's ruleset was the last new one
    _seccomp()


def _prctl(option: int, value: int, pointer: object = 0) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), pointer, 0, 0) != 0:
        raise SandboxUnavailable(f"prctl {option}: {os.strerror(ctypes.get_errno())}")


def _landlock() -> None:
    abi = _libc.syscall(LANDLOCK_CREATE_RULESET, None, 0, LANDLOCK_CREATE_RULESET_VERSION)
    if abi < 1:
        raise SandboxUnavailable("Landlock is not enabled in this kernel")
    files = {1: 13, 2: 14, 3: 15, 4: 15}.get(abi, 16)  # how many file rights the ABI knows
    handled = struct.pack(
        "=QQQ", (1 << files) - 1, 0b11 if abi >= 4 else 0, 0b11 if abi >= 6 else 0
    )
    length = 8 if abi < 4 else 16 if abi < 6 else 24
    ruleset = _libc.syscall(LANDLOCK_CREATE_RULESET, handled, ctypes.c_size_t(length), 0)
    if ruleset < 0:
        raise SandboxUnavailable("Landlock refuses a ruleset")
    try:
        if _libc.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0) != 0:
            raise SandboxUnavailable("Landlock refuses to restrict this process")
    finally:
        os.close(ruleset)


def _seccomp() -> None:
    calls = CALLS.get(os.uname().machine)
    if calls is None:
        raise SandboxUnavailable(f"no system call list for {os.uname().machine}")
    program = _program(calls)
    instructions = ctypes.create_string_buffer(program)
    # struct sock_fprog: how many instructions, and where
    fprog = struct.pack("@HP", len(program) // INSTRUCTION.size, ctypes.addressof(instructions))
    _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, fprog)


def _program(calls: Calls) -> bytes:
    """Assemble: another architecture is killed, listed calls pass, everything else is EPERM."""
    checks = [*calls.memory, *calls.allowed]
    rest = len(checks)
    code = [
        (LOAD, 0, 0, ARCH_AT),
        (EQUAL, 1, 0, calls.audit),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER_AT),
        (AT_LEAST, rest, 0, X32),  # to EPERM: the x32 calls of x86_64 have numbers of their own
    ]
    for i, number in enumerate(checks):
        behind = rest - i - 1
        to_allow, to_memory = behind + 1, behind + 2
        code.append((EQUAL, to_memory if number in calls.memory else to_allow, 0, number))
    code += [
        (RETURN, 0, 0, ERRNO_EPERM),
        (RETURN, 0, 0, ALLOW),
        (LOAD, 0, 0, THIRD_ARGUMENT_AT),
        (AND_SET, 0, 1, PROT_EXEC),
        (RETURN, 0, 0, ERRNO_EPERM),
        (RETURN, 0, 0, ALLOW),
    ]
    return b"".join(INSTRUCTION.pack(*instruction) for instruction in code)
