"""Hold a drop at one step of its work, for as long as a test looks at its pages."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_HOLDING = """#!/bin/sh
case " $* " in *" --encrypt "*) read -r go < {fifo} ;; esac
exec {gpg} "$@"
"""
_HOLDING_MIDWAY = """#!/bin/sh
case " $* " in *" --encrypt "*) ;; *) exec {gpg} "$@" ;; esac
{{ head -c {after_bytes}; read -r go < {fifo}; cat; }} | {gpg} "$@"
"""


@contextmanager
def children_stopped(process: subprocess.Popen[str]) -> Iterator[None]:
    """Stop what a drop has others do: cleaning, and making keys of codenames. It answers on."""
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    children = [int(child) for child in listed.split()]
    assert children, "it has nobody do anything"
    for child in children:
        os.kill(child, signal.SIGSTOP)
    try:
        yield
    finally:
        for child in children:
            os.kill(child, signal.SIGCONT)


def child_of(process: subprocess.Popen[str], *marks: str) -> int | None:
    """Return the process id of the child whose command line holds these words."""
    for task in Path(f"/proc/{process.pid}/task").glob("*/children"):
        with suppress(OSError):  # the thread has ended meanwhile, or the child
            for child in task.read_text().split():
                words = Path(f"/proc/{child}/cmdline").read_bytes().decode()
                if all(mark in words for mark in marks):
                    return int(child)
    return None


class HeldGpg:
    """A gpg in the real one's place that waits before it encrypts, until `let_go`.

    With `after_bytes` it has read so many by then, and written what it could of them. `before` are
    words in front of a command that is to find it there.
    """

    def __init__(self, folder: Path, *, after_bytes: int = 0) -> None:
        real = shutil.which("gpg") or ""
        gpg, stand_in, self._fifo = folder / "gpg", folder / "held-gpg", folder / "go"
        shutil.copy2(real, gpg)
        os.mkfifo(self._fifo)
        script = _HOLDING_MIDWAY if after_bytes else _HOLDING
        stand_in.write_text(script.format(fifo=self._fifo, gpg=gpg, after_bytes=after_bytes))
        stand_in.chmod(0o755)
        as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        mount = 'mount --bind "$0" "$1" && shift && exec "$@"'
        command: list[str | Path] = ["unshare", *as_root, "--mount", "sh", "-c", mount]
        self.before: Sequence[str | Path] = [*command, stand_in, real]

    def __enter__(self) -> "HeldGpg":
        return self

    def __exit__(self, *_: object) -> None:
        if self._fifo.is_fifo():
            self.let_go()

    def let_go(self) -> None:
        """Let it encrypt, now and from now on."""
        # Open for both, so that nobody has to wait for whoever opens the other end.
        go = os.open(self._fifo, os.O_RDWR)
        os.write(go, b"\n")
        always = self._fifo.with_suffix(".always")
        always.write_text("\n")
        always.replace(self._fifo)
        os.close(go)
