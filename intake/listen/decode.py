"""Decode a recording in the sandbox; samples come out, and nothing else.

The worker (`worker.py`) is given the one descriptor of a working copy, read-only, and that copy's
key; it opens nothing, writes nothing, knows no network, and has bounded memory and processor time.
One that says nothing for half a minute is ended, as is one whose listener goes away. No file is
written: what is decoded is in memory, block by block.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Final, Self

from intake.errors import NotDecodable
from intake.listen.wire import ASK, END, LONGEST_BLOCK, SAMPLE_SIZE
from intake.scrubbing import OPENER
from scrub import (
    Handle,
    Limits,
    Malformed,
    NotARecording,
    ScrubError,
    WorkerFailed,
    Zygote,
)
from scrub.sandbox import Worker
from scrub.wire import Job, Order, Say

JOB: Final = "intake.listen.worker:decode"
LIMITS: Final = Limits(memory=256 << 20, cpu_seconds=120, wall_seconds=60, slowest=1 << 20)
LONGEST_SECONDS: Final = 24 * 60 * 60
"""Of sound. A few bytes can decode to silence without end."""
_SILENT_SECONDS: Final = 30.0
_PATIENCE: Final = 5.0
"""How often the processor time that a worker has is waited for it, on a busy machine."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a decoder said when it had come to the end."""

    samples: int
    """Of each channel."""
    cut_off: bool
    """The sound goes on beyond what was asked for."""
    essence: bytes | None
    """SHA-256 of the coded sound; None where not all of it was read."""


class Decoding:
    """One recording on its way through a decoder: iterate once, then ask what was `heard`."""

    def __init__(self, worker: Worker, *, channels: int, most: int, patience: float) -> None:
        self._worker = worker
        self._patience = patience
        self._width = channels * SAMPLE_SIZE
        self._most = most
        self._heard: Heard | None = None

    @property
    def heard(self) -> Heard:
        """What was said at the end. Raises ValueError before it was reached."""
        if self._heard is None:
            raise ValueError("it was not listened to the end")
        return self._heard

    def __iter__(self) -> Iterator[bytes]:
        """Yield 16-bit little-endian samples, channels interleaved. Raises NotDecodable."""
        samples = 0
        while True:
            # Else one that was taken over could say next to nothing for days.
            self._worker.allow(min(_SILENT_SECONDS, self._patience))
            began = monotonic()
            try:
                kind, untrusted = self._worker.hear()
            except ScrubError as error:
                raise NotDecodable(_why(error)) from None
            self._patience -= monotonic() - began
            if kind == Say.END and len(untrusted) == END.size:
                told, cut_off, essence = END.unpack(untrusted)
                if told == samples:
                    self._heard = Heard(samples, bool(cut_off), None if cut_off else essence)
                    return
            count, rest = divmod(len(untrusted), self._width)
            samples += count
            if kind != Say.TOLD or rest or len(untrusted) > LONGEST_BLOCK or samples > self._most:
                raise NotDecodable("the decoder answered out of turn")
            yield untrusted


class Decoder:
    """The desk's decoder. Its zygote is started when it is first needed."""

    def __init__(self) -> None:
        self._zygote: Zygote | None = None

    @contextmanager
    def decoding(
        self,
        recording: Handle,
        size: int,
        *,
        rate: int,
        channels: int = 1,
        longest_seconds: int = LONGEST_SECONDS,
    ) -> Iterator[Decoding]:
        """Give a recording of `size` bytes as samples: `rate` a second, one channel or two.

        Raises NotDecodable, and SandboxUnavailable where this machine can't fence a worker in.
        """
        zygote, most = self._started(), longest_seconds * rate
        limits = zygote.limits
        order = Order(
            Job.OWN, zygote.fenced, size, limits.memory, limits.cpu_for(size), recording.secret
        )
        try:
            worker = zygote.hire(recording.fd, order)
        except WorkerFailed as error:
            raise NotDecodable(str(error)) from None
        with worker:
            worker.say(Say.ASK, ASK.pack(rate, channels, most))
            patience = _PATIENCE * order.cpu_seconds
            yield Decoding(worker, channels=channels, most=most, patience=patience)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._zygote is not None:
            self._zygote.close()

    def _started(self) -> Zygote:
        if self._zygote is None:
            self._zygote = Zygote.start(OPENER, limits=LIMITS, own_job=JOB)
        return self._zygote


def _why(error: ScrubError) -> str:
    """Return a clause; where in the recording a decoder stumbled helps nobody."""
    match error:
        case NotARecording():
            return "there is no sound in it"
        case Malformed():
            return error.broken_rule
        case WorkerFailed():
            return f"the decoder gave up ({error})"
        case _:
            return str(error)
