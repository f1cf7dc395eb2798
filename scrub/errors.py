"""Why a recording could not be cleaned: a root, and a leaf for each thing callers tell apart.

Every leaf has a `reason`, a stable token for logs and protocols. Errors cross from the sandboxed
worker as plain data (`to_plain`, `from_plain`): the reason, a short text of ours, an offset.
"""

import re
from typing import ClassVar, NamedTuple


class ScrubError(Exception):
    """The root: whatever went wrong, nothing of the recording may be passed on."""

    reason: ClassVar[str] = "scrub"


class Empty(ScrubError):
    """There is not a byte in it."""

    reason = "empty"

    def __init__(self) -> None:
        super().__init__("the recording is empty")


class NotARecording(ScrubError):
    """No format of the table recognises it."""

    reason = "not_a_recording"

    def __init__(self) -> None:
        super().__init__("no known kind of recording")


class Unsupported(ScrubError):
    """A recording we know, holding `what` we cannot clean."""

    reason = "unsupported"

    def __init__(self, format_name: str, what: str) -> None:
        super().__init__(f"{format_name}: {what} is not supported")
        self.format_name = format_name
        self.what = what


class Malformed(ScrubError):
    """The bytes break the container's own rules at `offset` (bytes from the start)."""

    reason = "malformed"

    def __init__(self, broken_rule: str, *, offset: int) -> None:
        super().__init__(f"{broken_rule} (at byte {offset})")
        self.broken_rule = broken_rule
        self.offset = offset


class TooComplex(ScrubError):
    """It may be well-formed, but goes past a bound that no honest recording needs."""

    reason = "too_complex"

    def __init__(self, bound: str) -> None:
        super().__init__(bound)
        self.bound = bound


class Unproved(ScrubError):
    """A result was planned, but the second worker could not show that it is clean."""

    reason = "unproved"

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class WorkerFailed(ScrubError):
    """The sandboxed worker died, was stopped, ran out of time, or broke the protocol."""

    reason = "worker_failed"

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


class SandboxUnavailable(ScrubError):
    """This machine cannot fence a worker in, so no hostile byte is read on it."""

    reason = "sandbox_unavailable"

    def __init__(self, missing: str) -> None:
        super().__init__(f"the sandbox is not available: {missing}")
        self.missing = missing


REASONS: tuple[str, ...] = tuple(
    leaf.reason
    for leaf in (
        Empty,
        NotARecording,
        Unsupported,
        Malformed,
        TooComplex,
        Unproved,
        WorkerFailed,
        SandboxUnavailable,
    )
)


class PlainError(NamedTuple):
    """An error as it crosses a pipe; a text for `Unsupported` is "format/what"."""

    reason: str
    text: str
    offset: int


# What a worker that was taken over may make us say: a short clause in our own alphabet.
_SPEAKABLE = re.compile(r"[A-Za-z0-9 .,:'/()+-]{0,120}")


def to_plain(error: ScrubError) -> PlainError:
    """Take an error apart for the pipe."""
    match error:
        case Malformed():
            return PlainError(error.reason, error.broken_rule, error.offset)
        case Unsupported():
            return PlainError(error.reason, f"{error.format_name}/{error.what}", 0)
        case Empty() | NotARecording():
            return PlainError(error.reason, "", 0)
        case SandboxUnavailable():
            return PlainError(error.reason, error.missing, 0)
        case _:
            return PlainError(error.reason, str(error), 0)


def from_plain(plain: PlainError) -> ScrubError:
    """Put an error from an untrusted worker together again; raise nothing, believe little."""
    reason, untrusted_text, offset = plain
    if not _SPEAKABLE.fullmatch(untrusted_text):
        return WorkerFailed("the worker answered in words that are not ours")
    match reason:
        case Empty.reason:
            return Empty()
        case NotARecording.reason:
            return NotARecording()
        case Unsupported.reason:
            format_name, _, what = untrusted_text.partition("/")
            return Unsupported(format_name, what)
        case Malformed.reason:
            return Malformed(untrusted_text, offset=offset)
        case TooComplex.reason:
            return TooComplex(untrusted_text)
        case Unproved.reason:
            return Unproved(untrusted_text)
        case SandboxUnavailable.reason:
            # Only the zygote, which reads nothing hostile, may say so of a machine.
            return WorkerFailed("the worker's fences could not be put up")
        case _:
            return WorkerFailed(untrusted_text or "the worker gave no reason")
