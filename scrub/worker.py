"""What runs inside: a zygote that forks one worker a recording, and the worker.

The zygote is started by exec, so it holds nothing of the parent's. It loads the parsers, mutagen
and the opener, says that it is ready, and from then on only forks. A worker reads its order, opens
the recording, puts up its fences, and then reads the first byte of the recording.
"""

import codecs
import gc
import importlib
import io
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, BinaryIO

from scrub import fences
from scrub.errors import Malformed, SandboxUnavailable, ScrubError, TooComplex, WorkerFailed
from scrub.findings import Findings, Kind, Values
from scrub.formats import FORMATS, plan
from scrub.plan import Cut, Draft, View, decoded
from scrub.proof import prove
from scrub.reading import Reader
from scrub.strings import LeftOut, texts
from scrub.tags import facts
from scrub.wire import (
    FRAME,
    HIRED,
    LONGEST_FRAME,
    FormatName,
    Job,
    Order,
    Planned,
    Proved,
    Say,
    pack_facts,
    pack_formats,
    pack_refusal,
    pack_values,
)

Opener = Callable[[int, bytes], BinaryIO]
CONTROL = 0  # the zygote's standard input is its socket


def open_plain(fd: int, secret: bytes) -> BinaryIO:
    """Open a plain file; there is no secret to it."""
    if secret:
        raise WorkerFailed("a plain file has no secret")
    return open(fd, "rb", buffering=0, closefd=False)


def main(opener_name: str, fenced: str, own_job: str = "") -> None:
    """Be the zygote until the parent hangs up; `own_job` is what Job.OWN calls."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the workers
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    control = socket.socket(fileno=CONTROL)
    opener: Opener = _resolve(opener_name)
    if own_job:
        _JOBS[Job.OWN] = _resolve(own_job)
    _load_late_imports()
    if fenced == "fenced":
        missing = _missing_fences()
        if missing:
            Answer(CONTROL).say(Say.UNFIT, missing.encode("ascii", "replace"))
            return
    names = (FormatName(kind.name, kind.extension) for kind in FORMATS)
    Answer(CONTROL).say(Say.READY, pack_formats(names))
    gc.freeze()
    while True:
        message, fds, _, _ = socket.recv_fds(control, 1, 2)
        if not message:
            return
        try:
            _hire(opener, control, fds)
        except OSError:  # no process to be had: whoever asked sees its socket close
            continue
        finally:
            for fd in fds:
                os.close(fd)


def _hire(opener: Opener, control: socket.socket, fds: list[int]) -> None:
    """Fork a worker for the recording and the socket that came, if it was those two."""
    if len(fds) != 2:
        return
    recording, job = fds
    pid = os.fork()
    if pid == 0:
        control.close()
        _work(opener, recording, job)
    _introduce(pid, job)


def _introduce(pid: int, job: int) -> None:
    """Hand the parent a descriptor by which it can end the worker."""
    with socket.socket(fileno=os.dup(job)) as parent:
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            return  # it died before it was told anything: the parent sees the end of the stream
        try:
            socket.send_fds(parent, [HIRED], [pidfd])
        except OSError:
            os.kill(pid, signal.SIGKILL)
        finally:
            os.close(pidfd)


def _resolve(name: str) -> Any:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def _load_late_imports() -> None:
    """Load what would be imported on first use, which the fences forbid."""
    for codec in ("ascii", "latin_1", "utf_8", "utf_16", "utf_16_be", "utf_16_le"):
        codecs.lookup(codec)
    facts(io.BytesIO())


def _missing_fences() -> str:
    """Return what a worker could not put up on this machine, or nothing."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        try:
            fences.detach()
            fences.close_in()
        except SandboxUnavailable as error:
            os.write(theirs, error.missing.encode("ascii", "replace"))
        except OSError as error:
            os.write(theirs, f"errno {error.errno}".encode())
        os._exit(0)
    os.close(theirs)
    with open(ours, "rb") as answer:  # noqa: PTH123  # a descriptor
        return answer.read(200).decode("ascii")


def _work(opener: Opener, recording_fd: int, job_fd: int) -> None:
    """Serve one recording and never return."""
    answer = Answer(job_fd)
    try:
        try:
            fences.detach()
            order = Order.unpack(answer.read(Say.ORDER))
            recording = opener(recording_fd, order.secret)
            fences.limit(memory=order.memory, cpu_seconds=order.cpu_seconds)
            if order.fenced:
                fences.close_in()
            _JOBS[order.job](recording, order.size, answer)
        except ScrubError as error:
            answer.refuse(error)
        except MemoryError:
            answer.refuse(TooComplex("the recording needs too much memory"))
        except RecursionError:
            answer.refuse(TooComplex("the recording is nested too deeply"))
        except OSError:
            answer.refuse(WorkerFailed("the recording could not be read"))
        except Exception:  # noqa: BLE001  # a parser of ours met bytes it did not expect
            answer.refuse(Malformed("a part breaks its own rules", offset=0))
    finally:
        os._exit(0)


def _plan(recording: BinaryIO, size: int, answer: "Answer", *, thorough: bool = False) -> None:
    if recording.seek(0, 2) != size:
        raise WorkerFailed("the recording has another size than was said")
    draft = Draft(lambda records: answer.say(Say.CUTS, records), thorough=thorough)
    kind = plan(recording, draft)
    findings: Findings = draft.tally.findings()
    planned = Planned(FORMATS.index(kind), draft.size, draft.essence, findings)
    answer.say(Say.PLANNED, planned.pack())


def _tell(recording: BinaryIO, size: int, answer: "Answer") -> None:
    """Plan, and answer with the values that are left out instead of the cuts."""
    if recording.seek(0, 2) != size:
        raise WorkerFailed("the recording has another size than was said")
    left_out, values = LeftOut(), Values()
    draft = Draft(left_out.note, values=values)
    kind = plan(recording, draft)
    for offset, text in texts(Reader(recording), left_out.gaps(size)):
        if not values.tells(text):
            values.add(Kind.TEXT, f"byte {offset}", text)
    answer.say(Say.VALUES, pack_values(values))
    findings = draft.tally.findings()
    planned = Planned(FORMATS.index(kind), draft.size, draft.essence, findings)
    answer.say(Say.PLANNED, planned.pack())


def _facts(recording: BinaryIO, size: int, answer: "Answer") -> None:
    if recording.seek(0, 2) != size:
        raise WorkerFailed("the recording has another size than was said")
    answer.say(Say.FACTS, pack_facts(facts(recording)))


def _prove(recording: BinaryIO, size: int, answer: "Answer") -> None:
    view = View(_cuts(answer), recording)
    if view.seek(0, 2) != size:
        raise WorkerFailed("the cut list has another size than was said")
    kind, essence = prove(view)  # type: ignore[arg-type]  # RawIOBase has all we call
    answer.say(Say.PROVED, Proved(FORMATS.index(kind), essence).pack())


def _cuts(answer: "Answer") -> Iterator[Cut]:
    while True:
        kind, payload = answer.read_any()
        if kind == Say.END:
            return
        yield from decoded(payload)


_JOBS: dict[Job, Callable[[BinaryIO, int, "Answer"], None]] = {
    Job.PLAN: _plan,
    Job.PLAN_THOROUGHLY: partial(_plan, thorough=True),
    Job.PROVE: _prove,
    Job.TELL: _tell,
    Job.FACTS: _facts,
}


class Answer:
    """The worker's end of its socket: plain read and write, the only calls it needs."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def say(self, kind: Say, payload: bytes) -> None:
        """Send a frame; long cut lists come in several."""
        self._write(FRAME.pack(kind, len(payload)) + payload)

    def refuse(self, error: ScrubError) -> None:
        """Say why not."""
        self.say(Say.REFUSED, pack_refusal(error))

    def read(self, expected: Say) -> bytes:
        """Return the payload of the next frame, which must be of this kind."""
        kind, payload = self.read_any()
        if kind != expected:
            raise WorkerFailed("the order makes no sense")
        return payload

    def read_any(self) -> tuple[int, bytes]:
        """Return the next frame; the process ends when there is none."""
        kind, length = FRAME.unpack(self._read(FRAME.size))
        if length > LONGEST_FRAME:
            raise WorkerFailed("the order is too long")
        return kind, self._read(length)

    def _read(self, length: int) -> bytes:
        parts = []
        while length:
            part = os.read(self._fd, length)
            if not part:
                os._exit(0)  # the parent hung up
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def _write(self, message: bytes) -> None:
        view = memoryview(message)
        while view:
            try:
                view = view[os.write(self._fd, view) :]
            except BrokenPipeError:
                os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:4])
