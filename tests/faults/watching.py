"""What a command and its children wrote to files, and how they were called, as strace saw it."""

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from faults.killing import Command

_CALLS = "execve,write,pwrite64,writev,pwritev,pwritev2,sendfile,copy_file_range,splice,prlimit64"
_STRACE = ("strace", "-f", "-qq", "-y", "-xx", "-s", "2000000", "-e", f"trace={_CALLS}", "-o")
_WRITE = re.compile(rb"^(?:\d+ +)?p?writev?2?(?:64)?\(\d+<((?:\\x..)*)>[^,]*, (.*)$", re.MULTILINE)
_CALLED = re.compile(rb"^(?:\d+ +)?execve\(([^\]]*)\]", re.MULTILINE)
_QUOTED = re.compile(rb'"((?:\\x..)*)"')
_NO_CORE = "prlimit64(0, RLIMIT_CORE, {rlim_cur=0, rlim_max=0}"
_IN_MEMORY = (b"/dev/", b"/proc/", b"/memfd:")


class Watched:
    """A command that has ended, and what strace wrote of it."""

    def __init__(self, code: int, out: str, err: str, trace: Path) -> None:
        self.code, self.out, self.err = code, out, err
        self._trace = trace.read_bytes()

    def written(self) -> Iterator[tuple[str, bytes]]:
        """Yield path and bytes of each write to a file, whether or not it still has its name."""
        for write in _WRITE.finditer(self._trace):
            path = _unescaped(write[1])
            if path.startswith(b"/") and not path.startswith(_IN_MEMORY):
                yield path.decode(), b"".join(map(_unescaped, _QUOTED.findall(write[2])))

    def children(self) -> list[list[bytes]]:
        """Return the words that each program it started was called with, but for its own."""
        called = [
            [_unescaped(word) for word in _QUOTED.findall(each[1])]
            for each in _CALLED.finditer(self._trace)
        ]
        return called[1:]

    @property
    def copied_by_the_kernel(self) -> bool:
        """Whether bytes went into a file that no write shows."""
        return any(call in self._trace for call in (b"sendfile(", b"copy_file_range(", b"splice("))

    @property
    def leaves_no_core(self) -> bool:
        """Whether it saw to that the kernel never writes its memory to a file."""
        return _NO_CORE.encode() in self._trace


def watched(
    command: Command, trace: Path, *, say: str = "", environment: Mapping[str, str]
) -> Watched:
    """Run a command to its end under strace, and say something to it."""
    ended = subprocess.run(
        [*_STRACE, trace, *command], capture_output=True, text=True, input=say, env=environment
    )
    return Watched(ended.returncode, ended.stdout, ended.stderr, trace)


def watched_meanwhile(
    command: Command, trace: Path, do: Callable[[str], object], *, environment: Mapping[str, str]
) -> Watched:
    """Run a command under strace that goes on until Ctrl-C; `do` something with its 2nd line."""
    with subprocess.Popen(
        [*_STRACE, trace, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=environment,
    ) as running:  # fmt: skip
        assert running.stdout is not None
        try:
            head = [running.stdout.readline() for _ in range(2)]
            do(head[1])
        finally:
            # strace itself would let it go on, unwatched.
            children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
            for child in children:
                os.kill(int(child), signal.SIGINT)
        rest, err = running.communicate()
    return Watched(running.returncode, rest, err, trace)


def _unescaped(hexadecimal: bytes) -> bytes:
    return bytes.fromhex(hexadecimal.replace(rb"\x", b"").decode())
