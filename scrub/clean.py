"""Clean one recording: plan in one fresh worker, prove in another, believe neither.

A planner looks at as little as it must, the proof at every byte. Where the proof objects, the
recording is planned once more, thoroughly: what is damaged inside can then be left out.
"""

from dataclasses import dataclass
from typing import BinaryIO

from scrub.errors import Empty, Unproved, WorkerFailed
from scrub.findings import Findings
from scrub.formats import FORMATS, Format
from scrub.plan import CutList
from scrub.sandbox import Zygote
from scrub.wire import Job, Order, Planned, Proved, Say


@dataclass(frozen=True, slots=True)
class Handle:
    """A recording as the sandbox receives it: a read-only descriptor, and what opens it."""

    fd: int
    secret: bytes = b""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A recording that is proved clean, once its cut list is rendered."""

    format: Format
    cuts: CutList
    findings: Findings


def clean(zygote: Zygote, recording: Handle, size: int, notebook: BinaryIO) -> Cleaned:
    """Return how to cut `recording`, of `size` bytes, so that nothing but its sound is left.

    The cut list rests in `notebook`, an empty stream that can be written, read, sought and
    truncated. Blocks; any number of threads may call it. Raises the leaves of ScrubError.
    """
    if not size:
        raise Empty
    try:
        return _cleaned(zygote, recording, size, notebook, Job.PLAN)
    except Unproved:
        notebook.seek(0)
        notebook.truncate()
        return _cleaned(zygote, recording, size, notebook, Job.PLAN_THOROUGHLY)


def _cleaned(zygote: Zygote, recording: Handle, size: int, notebook: BinaryIO, job: Job) -> Cleaned:
    cuts = CutList(notebook, within=size)
    planned = _planned(zygote, recording, size, cuts, job)
    if planned.format_index >= len(FORMATS) or planned.size != cuts.size:
        raise WorkerFailed("the worker's plan does not add up")
    _prove(zygote, recording, cuts, planned)
    return Cleaned(FORMATS[planned.format_index], cuts, planned.findings)


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
