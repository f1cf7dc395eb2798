"""One run of gpg: what it is given, what it says, and how it is ended.

python-gnupg starts gpg and moves the bytes; nothing that is given to it is kept whole in memory.
"""

import errno
import fcntl
import io
import logging
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from threading import Lock
from typing import Any, Final

import gnupg

from crypto.errors import GpgFailed

# It logs what it moves. What went wrong is told by our errors instead.
logging.getLogger("gnupg").disabled = True

_PIPE_SIZE: Final = 1024 * 1024
_STARVED: Final = {errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM}

Sink = Callable[[bytes], None]
"""Takes the next bytes of gpg's output; what it raises ends the run and comes back out of it."""


class Statuses:
    """Every status line of one run, in order."""

    def __init__(self, gpg: "Run") -> None:
        self.lines: list[tuple[str, str]] = []
        self.returncode: int | None = None
        self.data = b""
        self.stderr = ""
        gpg.statuses = self

    def handle_status(self, keyword: str, rest: str) -> None:
        self.lines.append((keyword, rest))

    def keywords(self) -> list[str]:
        return [keyword for keyword, _ in self.lines]

    def only(self, keyword: str) -> str | None:
        """Return the first word of the line with this keyword, where there is just one."""
        found = [rest.split()[0] for said, rest in self.lines if said == keyword and rest]
        return found[0] if len(found) == 1 else None

    def failure(self, where: str) -> int | None:
        """Return the last error code that gpg gives for a step, as libgpg-error counts them."""
        found = [rest.split() for keyword, rest in self.lines if keyword == "ERROR"]
        codes = [words[1] for words in found if len(words) > 1 and words[0] == where]
        return int(codes[-1]) if codes and codes[-1].isdecimal() else None

    def in_order_once(self, *keywords: str) -> bool:
        wanted = [keyword for keyword in self.keywords() if keyword in keywords]
        return wanted == list(keywords)


class Source:
    """What python-gnupg reads from, in a thread of its own.

    Nothing is raised in that thread: what the blocks raise is kept, and told when the run is over.
    """

    def __init__(self, blocks: Iterable[bytes], run: "Run") -> None:
        self._blocks: Iterator[bytes] = iter(blocks)
        self._run = run
        self._reading = Lock()
        self._stopped = False
        self.failure: BaseException | None = None
        self.ended = False

    def read(self, _size: int) -> bytes:
        with self._reading:
            if self._stopped:
                return b""
            try:
                block = next((block for block in self._blocks if block), b"")
            except BaseException as failure:  # noqa: BLE001  whatever it is, it comes out of the run
                self.failure = failure
                self._run.kill()  # or gpg would take what it has for the whole
                return b""
            self.ended = not block
            return block

    def stop(self) -> None:
        """Ask for no more blocks; those who own them may close what they come from."""
        with self._reading:
            self._stopped = True

    def close(self) -> None:
        """python-gnupg closes what it was given; the blocks are not its to close."""


class Run(gnupg.GPG):  # type: ignore[misc]
    """One run of gpg that can be killed, and whose output goes to a sink as it comes."""

    result_map = gnupg.GPG.result_map | {"crypt": Statuses}
    process: subprocess.Popen[bytes] | None = None
    statuses: Statuses | None = None
    failure: BaseException | None = None
    killed = False

    def _open_subprocess(self, args: list[str], passphrase: bool = False) -> Any:
        try:
            process = super()._open_subprocess(args, passphrase)
        except OSError as error:
            starved = error.errno in _STARVED
            raise GpgFailed(f"gpg can't be started: {error}", starved=starved) from None
        self.process = process
        if self.killed:
            process.kill()  # its time was over before it began
        for pipe in (process.stdin, process.stdout):
            # Wide pipes are only faster, and the system may have no more of them to give.
            with suppress(OSError):
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
        return process

    def ask(self, arguments: list[str], given: bytes = b"") -> Statuses:
        """Run gpg to its end, for a small answer: what it wrote is in `data`. Raises GpgFailed."""
        answer = Statuses(self)
        # gpg leaves off reading when it has seen enough, and its pipe breaks.
        with suppress(OSError, ValueError):
            self._handle_io(arguments, io.BytesIO(given), answer, binary=True)
        if self.killed:
            raise GpgFailed("gpg was ended before it had answered", starved=True)
        return answer

    def give_to(self, sink: Sink) -> None:
        def on_data(block: bytes) -> bool:
            if block and self.failure is None:
                try:
                    sink(block)
                except BaseException as failure:  # noqa: BLE001  kept for the caller's thread
                    self.failure = failure
                    self.kill()
            return False  # python-gnupg would keep the whole output otherwise

        self.on_data = on_data

    def kill(self) -> None:
        self.killed = True
        if self.process is not None:
            self.process.kill()


def finished(run: Run, source: Source, work: Callable[[], Any]) -> Statuses:
    """Do the work; let out what the source or the sink raised, as it was raised."""
    try:
        # gpg leaves off reading when it has seen enough, and its pipe breaks: what it said decides.
        with suppress(OSError, ValueError):
            work()
    finally:
        run.kill()
        source.stop()
    failure = run.failure or source.failure
    if failure is not None:
        raise failure
    if run.statuses is None:
        raise GpgFailed("gpg was not run")
    return run.statuses
