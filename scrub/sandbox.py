"""The parent's side of the sandbox: start the zygote, hire a worker, listen to it, end it.

The zygote is a fresh program with an empty environment and one socket, so it never holds anything
of the parent's, also when it is started again later. For a recording it forks a worker in a few
milliseconds. The recording's descriptor travels over the zygote's socket, its secret over the
worker's own; what comes back is frames (wire.py) and the worker's pidfd, to end it by.
"""

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from scrub.errors import SandboxUnavailable, WorkerFailed
from scrub.wire import (
    FRAME,
    HIRED,
    LONGEST_FRAME,
    FormatName,
    Order,
    Say,
    unpack_formats,
    unpack_refusal,
)

# The zygote imports from where the parent imports, and from nowhere else.
BOOTSTRAP = (
    "import sys; sys.path[:] = sys.argv[4:]; from scrub.worker import main; main(*sys.argv[1:4])"
)
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What one worker may use; seconds grow with the recording."""

    memory: int = 192 << 20  # bytes beyond what the zygote holds
    cpu_seconds: int = 20
    wall_seconds: int = 60
    slowest: int = 8 << 20  # bytes of recording for which another second is given

    def cpu_for(self, size: int) -> int:
        """Return processor seconds for a recording of this size."""
        return self.cpu_seconds + size // self.slowest

    def wall_for(self, size: int) -> float:
        """Return seconds on the clock for a recording of this size."""
        return self.wall_seconds + 2 * size / self.slowest


class Zygote:
    """A process that forks workers. Any number of threads may hire at once.

    `formats` are the rows of the table (formats.py) by name, known once a worker was hired.
    """

    def __init__(self, opener: str, limits: Limits, *, fenced: bool, own_job: str = "") -> None:
        self.limits = limits
        self.fenced = fenced
        self.formats: tuple[FormatName, ...] = ()
        self._opener = opener
        self._own_job = own_job
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._ready = False
        self._closed = False

    @classmethod
    def start(
        cls,
        opener: str = "scrub.worker:open_plain",
        *,
        limits: Limits = Limits(),
        unfenced: bool = False,
        own_job: str = "",
    ) -> "Zygote":
        """Start a zygote whose workers open recordings by `opener`, "module:function".

        `own_job` is one they do besides scrub's (Job.OWN), named in the same way. Both modules are
        loaded before any recording, with all that they need: behind the fences nothing can be.

        Raises SandboxUnavailable when this machine cannot fence a worker in; `unfenced` starts it
        all the same, with nothing but a process of its own between a hostile file and the user.
        """
        zygote = cls(opener, limits, fenced=not unfenced, own_job=own_job)
        with zygote._lock:
            zygote._launch()
            zygote._meet()
        return zygote

    @classmethod
    def starting(cls, *, unfenced: bool = False) -> "Zygote":
        """Start a zygote for plain files and don't wait for it: the first hire will.

        What `start` raises, that hire raises.
        """
        zygote = cls("scrub.worker:open_plain", Limits(), fenced=not unfenced)
        with zygote._lock, suppress(SandboxUnavailable):
            zygote._launch()
        return zygote

    def __enter__(self) -> "Zygote":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the zygote, and with it every worker; there is no other after it."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()  # whoever waits for it holds the lock
        with self._lock:
            self._end()

    def hire(self, recording_fd: int, order: Order) -> "Worker":
        """Fork a worker and give it its order; WorkerFailed when the zygote is gone.

        A zygote found dead is started anew first; one that forks nothing in the time that a
        worker has is ended, so that it costs the next recording nothing.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs, self._lock:
                if not self._send(recording_fd, theirs) and not self._send(recording_fd, theirs):
                    raise WorkerFailed("the sandbox's zygote is gone")
                zygote = self._process
            worker = Worker(ours, time.monotonic() + self.limits.wall_for(order.size))
        except BaseException:
            ours.close()
            raise
        try:
            if not worker.meet():
                self._give_up(zygote)
                raise WorkerFailed("the worker did not start in time")
            worker.say(Say.ORDER, order.pack())
        except BaseException:
            worker.close()
            raise
        return worker

    def _send(self, recording_fd: int, job: socket.socket) -> bool:
        """Hand the zygote a job; False when it died meanwhile, before a hostile byte was read."""
        if self._closed:
            raise WorkerFailed("the sandbox is closed")
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._launch()
        if not self._ready:
            self._meet()
        if self._control is None:
            return False
        try:
            socket.send_fds(self._control, [HIRED], [recording_fd, job.fileno()])
        except OSError:
            self._end()
            return False
        return True

    def _launch(self) -> None:
        ours, theirs = socket.socketpair()
        fenced = "fenced" if self.fenced else "unfenced"
        # Who writes no bytecode beside what it imports (a folder on a stick) has others write none.
        alone = "-ISBc" if sys.dont_write_bytecode else "-ISc"
        self._control = ours
        with theirs:
            try:
                # -S: what site would add to the paths is among those that are handed over.
                self._process = subprocess.Popen(
                    [
                        *(sys.executable, alone, BOOTSTRAP),
                        *(self._opener, fenced, self._own_job),
                        *_import_paths(),
                    ],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env={},
                    cwd="/",
                )
            except OSError as error:
                self._end()
                raise SandboxUnavailable(f"no process: {error.strerror}") from None

    def _meet(self) -> None:
        """Wait until the zygote says that it is ready, or why it can't be."""
        assert self._control is not None
        hello = Worker(self._control.dup(), time.monotonic() + START_SECONDS)
        try:
            kind, said = hello.hear()
        except WorkerFailed:
            kind, said = Say.UNFIT, b"the sandbox's zygote did not start"
        finally:
            hello.close()
        if kind == Say.READY:
            # Nobody waits here but behind hundreds of jobs that a hanging zygote didn't take.
            self._control.settimeout(START_SECONDS)
            self.formats, self._ready = unpack_formats(said), True
            return
        self._end()
        raise SandboxUnavailable(said.decode("ascii", "replace"))

    def _give_up(self, hanging: subprocess.Popen[bytes] | None) -> None:
        with self._lock:
            if self._process is hanging:
                self._end()

    def _end(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._ready = False


def _import_paths() -> list[str]:
    """Return where this process imports from: an editable install is on no path of its own."""
    own = Path(__file__).parents[1]
    paths = [path.absolute() for path in map(Path, sys.path) if path.exists()]
    return [str(path) for path in (*paths, *([] if own in paths else [own]))]


class Worker:
    """The parent's end of one worker: frames in, frames out, and its end."""

    def __init__(self, stream: socket.socket, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline
        self._pidfd = -1

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def meet(self) -> bool:
        """Receive the descriptor by which the worker can be ended; False when none came in time."""
        self._wait()
        try:
            message, fds, _, _ = socket.recv_fds(self._stream, 1, 1)
        except TimeoutError:
            return False
        except OSError:
            message, fds = b"", []
        if not message or len(fds) != 1:
            raise WorkerFailed("the worker died at once")
        self._pidfd = fds[0]
        return True

    def allow(self, seconds: float) -> None:
        """Give it that long from now on, instead of what is left of its time."""
        self._deadline = time.monotonic() + seconds

    def say(self, kind: Say, payload: bytes) -> None:
        """Send a frame. A worker that hung up is found out by the next `hear`."""
        self._wait()
        try:
            self._stream.sendall(FRAME.pack(kind, len(payload)) + payload)
        except TimeoutError:
            raise WorkerFailed("the worker took too long") from None
        except OSError:
            return

    def hear(self) -> tuple[int, bytes]:
        """Return the next frame; raises what the worker refused with, or WorkerFailed."""
        kind, length = FRAME.unpack(self._read(FRAME.size))
        if length > LONGEST_FRAME:
            raise WorkerFailed("the worker sent too long a frame")
        untrusted = self._read(length)
        if kind == Say.REFUSED:
            raise unpack_refusal(untrusted)
        return kind, untrusted

    def close(self) -> None:
        """End the worker and wait until it is gone."""
        self._stream.close()
        if self._pidfd < 0:
            return
        try:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            gone = select.poll()  # select() stops at descriptor 1024
            gone.register(self._pidfd, select.POLLIN)
            gone.poll(10_000)
        except ProcessLookupError:
            pass
        finally:
            os.close(self._pidfd)
            self._pidfd = -1

    def _read(self, length: int) -> bytes:
        parts = []
        while length:
            self._wait()
            try:
                part = self._stream.recv(min(length, 1 << 16))
            except TimeoutError:
                raise WorkerFailed("the worker took too long") from None
            except OSError:
                part = b""
            if not part:
                raise WorkerFailed("the worker died")
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def _wait(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise WorkerFailed("the worker took too long")
        self._stream.settimeout(left)
