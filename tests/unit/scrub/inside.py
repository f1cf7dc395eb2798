"""Openers that run inside a worker, to see what can be done there, and what a taken-over one can.

A worker calls its opener before the fences go up, and reads from what it returns behind them.
"""

import ctypes
import errno
import hashlib
import io
import mmap
import os
import re
import resource
import signal
import socket
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO

from scrub import worker
from scrub.errors import Malformed
from scrub.wire import Job, Say
from scrub.worker import Answer, open_plain

MARK = b"tapedrop-planted-"  # in front of a key that a test plants in its own memory
KEY_SIZE = 32
_libc = ctypes.CDLL(None, use_errno=True)


class Acting(io.FileIO):
    """A recording that does something the first time it is read."""

    act: Callable[[], None]
    done = False

    def read(self, size: int | None = -1) -> bytes:  # type: ignore[override]
        if not self.done:
            self.done = True
            self.act()
        return super().read(-1 if size is None else size)


def _acting(fd: int, act: Callable[[], None]) -> BinaryIO:
    recording = Acting(fd, "rb", closefd=False)
    recording.act = act
    return recording  # type: ignore[return-value]


def _checked(returned: int) -> None:
    if returned == -1:
        raise OSError(ctypes.get_errno(), "refused")


def _traced() -> None:
    _checked(_libc.ptrace(16, _zygote_pid, 0, 0))


def _read_remote() -> None:
    _checked(_libc.process_vm_readv(_zygote_pid, 0, 0, 0, 0, 0))


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, resource.getrlimit(resource.RLIMIT_CPU))


FORBIDDEN: dict[str, Callable[[], object]] = {
    "open a file": lambda: os.open("/etc/hostname", os.O_RDONLY),
    "create a file": lambda: os.open("/tmp/made-inside", os.O_CREAT | os.O_WRONLY),
    "look at a path": lambda: Path("/").stat(),
    "list a folder": lambda: [*Path("/").iterdir()],
    "make a folder": lambda: Path("/tmp/made-inside").mkdir(),
    "rename": lambda: Path("/tmp/a").rename("/tmp/b"),
    "remove": lambda: Path("/tmp/a").unlink(),
    "link": lambda: os.link("/etc/hostname", "/tmp/made-inside"),
    "change rights": lambda: Path("/tmp").chmod(0o777),
    "make a nameless file": lambda: os.memfd_create("inside"),
    "write to the recording": lambda: os.write(_recording_fd, b"x"),
    "open a TCP socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
    "open a UDP socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "open a unix socket": lambda: socket.socket(socket.AF_UNIX),
    "make a pair of sockets": socket.socketpair,
    "make a pipe": os.pipe,
    "copy a descriptor": lambda: os.dup(1),
    "fork": os.fork,
    "start a thread": lambda: threading.Thread(target=os.getpid).start(),
    "run a program": lambda: os.execv("/bin/true", ["true"]),
    "signal the zygote": lambda: os.kill(_zygote_pid, 0),
    "signal itself": lambda: os.kill(_own_pid, 0),
    "hold another process": lambda: os.pidfd_open(_zygote_pid),
    "trace": _traced,
    "read another's memory": _read_remote,
    "map executable memory": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC),
    "lift a limit": _limited,
    "set an interval timer": lambda: signal.setitimer(signal.ITIMER_REAL, 1),
    "use io_uring": lambda: _checked(_libc.syscall(425, 1, 0)),
    "make a namespace": lambda: _checked(_libc.unshare(0x10000000)),
    "change the root": lambda: os.chroot("/"),
    "change user": lambda: os.setuid(65534),
    "copy to the pipe in the kernel": lambda: os.sendfile(1, _recording_fd, 0, 1),
}
# Calls that would do something with what a worker has, or make something new; without arguments.
for _name in (
    "accept4", "bind", "capset", "connect", "copy_file_range", "epoll_create1", "eventfd",
    "fallocate", "fcntl", "flock", "ftruncate", "inotify_init", "ioctl", "keyctl", "klogctl",
    "listen", "mount", "msgget", "personality", "prlimit", "process_vm_writev", "recvmsg",
    "sched_setaffinity", "semget", "sendmsg", "sendto", "setpriority", "setsid", "shmget",
    "shutdown", "signalfd", "splice", "swapon", "sync", "tgkill", "timerfd_create",
    "vmsplice", "wait4",
):  # fmt: skip
    if hasattr(_libc, _name):
        FORBIDDEN[f"call {_name}"] = partial(
            lambda call: _checked(call(0, 0, 0, 0, 0, 0)), _libc[_name]
        )
_recording_fd = _zygote_pid = _own_pid = 0


def try_everything(fd: int, secret: bytes) -> BinaryIO:
    """Do each forbidden thing behind the fences; refuse, naming it, when one is possible."""
    global _recording_fd, _zygote_pid, _own_pid
    _recording_fd, _zygote_pid, _own_pid = fd, os.getppid(), os.getpid()
    wanted = secret.decode()

    def act() -> None:
        try:
            FORBIDDEN[wanted]()
        except RuntimeError as error:
            if str(error) != "can't start new thread":
                raise
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EFBIG):  # EFBIG: no file may grow
                raise
        else:
            raise Malformed("it could " + wanted, offset=0)

    return _acting(fd, act)


def tell_descriptors(fd: int, secret: bytes) -> BinaryIO:
    """Refuse with a list of what is open in the worker, apart from what it was given."""
    with os.scandir("/proc/self/fd") as listing:
        mine = {int(each.name) for each in listing}
    alive = [number for number in mine if _is_open(number)]
    raise Malformed("open " + ", ".join(_target(number) for number in sorted(alive)), offset=0)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _target(number: int) -> str:
    return re.sub("[^a-z/]", "", str(Path(f"/proc/self/fd/{number}").readlink()))


def look_for_key(fd: int, digest: bytes) -> BinaryIO:
    """Search all memory of the worker for a planted key, known only by its digest."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, rights, *_ = line.split()
        start, end = (int(each, 16) for each in span.split("-"))
        if not rights.startswith("r") or "[v" in line:
            continue
        # Read where it lies: /proc/self/mem belongs to root, now that nobody may trace the worker.
        held = ctypes.string_at(start, end - start)
        for match in re.finditer(MARK, held):
            key = held[match.end() : match.end() + KEY_SIZE]
            if hashlib.sha256(key).digest() == digest:
                raise Malformed("the key is in memory", offset=0)
    return open_plain(fd, b"")


def spin(fd: int, secret: bytes) -> BinaryIO:
    """Never come to an end."""

    def act() -> None:
        while True:
            pass

    return _acting(fd, act)


def eat_memory(fd: int, secret: bytes) -> BinaryIO:
    """Take more and more."""
    return _acting(fd, lambda: _acting_on(bytearray(1 << 30)))


def _acting_on(memory: bytearray) -> None:
    memory[-1] = 1


def nest(fd: int, secret: bytes) -> BinaryIO:
    """Be a parser that goes deeper and deeper."""

    def deeper(recording: BinaryIO, size: int, answer: Answer) -> None:
        deeper(recording, size, answer)

    worker._JOBS[Job.PLAN] = deeper
    return open_plain(fd, b"")


def fail_to_fork(times: int) -> None:
    """Let this process, the zygote, try its fences in a fork; the next ones fail."""
    fork, left = os.fork, iter([False] + [True] * times)

    def tried() -> int:
        if next(left, False):
            raise BlockingIOError(errno.EAGAIN, "no process to be had")
        return fork()

    os.fork = tried


def crash(fd: int, secret: bytes) -> BinaryIO:
    """Die of a fault in native code."""
    return _acting(fd, lambda: ctypes.string_at(0))  # type: ignore[arg-type,return-value]


def kill_zygote(fd: int, secret: bytes) -> BinaryIO:
    """End the zygote, once: the file that `secret` names is there until then."""
    if secret and Path(secret.decode()).exists():
        Path(secret.decode()).unlink()
        os.kill(os.getppid(), signal.SIGKILL)
        signal.pause()
    return open_plain(fd, b"")


def fail_to_read(fd: int, secret: bytes) -> BinaryIO:
    """Have nothing to give, and say why in words that may quote the recording."""

    def act() -> None:
        raise ValueError("secret words of the recording")

    return _acting(fd, act)


def lie(fd: int, secret: bytes) -> BinaryIO:
    """Be a worker that was taken over: answer with what `secret` holds, frame by frame."""

    def answer_with(recording: BinaryIO, size: int, answer: Answer) -> None:
        kind, payload = secret[0], secret[1:]
        answer._write(payload) if not kind else answer.say(Say(kind), payload)

    worker._JOBS[Job.PLAN] = answer_with
    return open_plain(fd, b"")
