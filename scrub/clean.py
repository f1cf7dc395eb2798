"""Clean one recording: plan in one fresh worker, prove in another, believe neither.

To look is only to plan. Values are told by a worker that does nothing else: where nobody asked for
them, none is ever collected.

A planner looks at as little as it must, the proof at every byte. Where the proof objects, the
recording is planned once more, thoroughly: what is damaged inside can then be left out.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from scrub.errors import Empty, Unproved, WorkerFailed
from scrub.findings import Findings, Value
from scrub.plan import CutList
from scrub.sandbox import Zygote
from scrub.streams import StreamFacts
from scrub.wire import FormatName, Job, Order, Planned, Proved, Say, unpack_facts, unpack_values

Meanwhile = Callable[[CutList], None]


@dataclass(frozen=True, slots=True)
class Handle:
    """A recording as the sandbox receives it: a read-only descriptor, and what opens it."""

    fd: int
    secret: bytes = b""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A recording that is proved clean, once its cut list is rendered."""

    format: FormatName
    cuts: CutList
    findings: Findings


@dataclass(frozen=True, slots=True)
class Seen:
    """What a recording hides, unproved and unchanged; `values` only where they were asked for."""

    format: FormatName
    findings: Findings
    values: tuple[Value, ...] = ()


def clean(
    zygote: Zygote,
    recording: Handle,
    size: int,
    notebook: BinaryIO,
    *,
    meanwhile: Meanwhile | None = None,
) -> Cleaned:
    """Return how to cut `recording`, of `size` bytes, so that nothing but its sound is left.

    The cut list rests in `notebook`, an empty stream that can be written, read, sought and
    truncated. `meanwhile` is handed it in a thread of its own while it is being proved, to render
    what may be thrown away again; a second time where the first plan was not good enough.
    Blocks; any number of threads may call it. Raises the leaves of ScrubError, and what
    `meanwhile` raises.
    """
    if not size:
        raise Empty
    try:
        return _cleaned(zygote, recording, size, notebook, meanwhile, Job.PLAN)
    except Unproved:
        notebook.seek(0)
        notebook.truncate()
        return _cleaned(zygote, recording, size, notebook, meanwhile, Job.PLAN_THOROUGHLY)


def look(zygote: Zygote, recording: Handle, size: int, *, values: bool = False) -> Seen:
    """Return what cleaning `recording`, of `size` bytes, would take out, and name the values too.

    Blocks; any number of threads may call it. Raises the leaves of ScrubError.
    """
    if not size:
        raise Empty
    told: tuple[Value, ...] = ()
    job = Job.TELL if values else Job.PLAN
    with zygote.hire(recording.fd, _order(zygote, job, recording, size)) as worker:
        kind, untrusted = worker.hear()
        while kind == Say.CUTS and job is Job.PLAN:
            kind, untrusted = worker.hear()
        if kind == Say.VALUES and job is Job.TELL:
            told = unpack_values(untrusted)
            kind, untrusted = worker.hear()
    if kind != Say.PLANNED:
        raise WorkerFailed("the worker answered out of turn")
    planned = Planned.unpack(untrusted)
    return Seen(_name(zygote, planned), planned.findings, told)


def facts(zygote: Zygote, recording: Handle, size: int) -> StreamFacts:
    """Return what `recording`, of `size` bytes, says of its own sound.

    Blocks; any number of threads may call it. Raises WorkerFailed.
    """
    order = _order(zygote, Job.FACTS, recording, size)
    with zygote.hire(recording.fd, order) as worker:
        kind, untrusted = worker.hear()
    if kind != Say.FACTS:
        raise WorkerFailed("the worker answered out of turn")
    return unpack_facts(untrusted)


def _name(zygote: Zygote, planned: Planned) -> FormatName:
    if planned.format_index >= len(zygote.formats):
        raise WorkerFailed("the worker's plan does not add up")
    return zygote.formats[planned.format_index]


def _cleaned(
    zygote: Zygote,
    recording: Handle,
    size: int,
    notebook: BinaryIO,
    meanwhile: Meanwhile | None,
    job: Job,
) -> Cleaned:
    cuts = CutList(notebook, within=size)
    planned = _planned(zygote, recording, size, cuts, job)
    name = _name(zygote, planned)
    if planned.size != cuts.size:
        raise WorkerFailed("the worker's plan does not add up")
    with _beside(meanwhile, cuts):
        _prove(zygote, recording, cuts, planned)
    return Cleaned(name, cuts, planned.findings)


@contextmanager
def _beside(meanwhile: Meanwhile | None, cuts: CutList) -> Iterator[None]:
    """Have the cut list used while it is proved; where it is not, it is withdrawn from its user."""
    if meanwhile is None:
        yield
        return
    failures: list[BaseException] = []

    def use() -> None:
        try:
            meanwhile(cuts)
        except BaseException as failure:  # noqa: BLE001  # raised again below
            failures.append(failure)

    thread = threading.Thread(target=use)
    thread.start()
    try:
        yield
    except BaseException:
        cuts.withdraw()
        raise
    finally:
        thread.join()
    if failures:
        raise failures[0]


def _planned(zygote: Zygote, recording: Handle, size: int, cuts: CutList, job: Job) -> Planned:
    with zygote.hire(recording.fd, _order(zygote, job, recording, size)) as worker:
        while True:
            kind, untrusted = worker.hear()
            if kind == Say.PLANNED:
                return Planned.unpack(untrusted)
            if kind != Say.CUTS or not untrusted:
                raise WorkerFailed("the worker answered out of turn")
            cuts.extend(untrusted)


def _prove(zygote: Zygote, recording: Handle, cuts: CutList, planned: Planned) -> None:
    with zygote.hire(recording.fd, _order(zygote, Job.PROVE, recording, cuts.size)) as worker:
        for batch in cuts.batches():
            worker.say(Say.CUTS, batch)
        worker.say(Say.END, b"")
        kind, untrusted = worker.hear()
    if kind != Say.PROVED:
        raise WorkerFailed("the worker answered out of turn")
    proved = Proved.unpack(untrusted)
    if proved.format_index != planned.format_index:
        raise Unproved("the result is another kind of recording")
    if proved.essence != planned.essence:
        raise Unproved("the coded sound is not the same")


def _order(zygote: Zygote, job: Job, recording: Handle, size: int) -> Order:
    limits = zygote.limits
    return Order(job, zygote.fenced, size, limits.memory, limits.cpu_for(size), recording.secret)
