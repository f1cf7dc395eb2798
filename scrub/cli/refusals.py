"""The one table from what went wrong to what to try, and how to exit.

0 clean · 1 several recordings, and not all became clean · 2 usage, also when the output exists ·
3 refused: it cannot be cleaned · 5 this machine has no sandbox
"""

from typing import Final

import click

from scrub.errors import (
    Empty,
    Malformed,
    NotARecording,
    SandboxUnavailable,
    ScrubError,
    TooComplex,
    Unproved,
    Unsupported,
    WorkerFailed,
)
from scrub.findings import printable

DONE, SOME, USAGE, REFUSED, UNFIT = 0, 1, 2, 3, 5

EDGE: Final[dict[type[ScrubError], tuple[str, int]]] = {
    Empty: ("check that the copy from the phone or card was complete", REFUSED),
    NotARecording: ("docs/formats.md lists what can be cleaned", REFUSED),
    Unsupported: ("take the sound out of it, or save it as WAV", REFUSED),
    Malformed: ("it may have been cut off; try the original, or save it as WAV", REFUSED),
    TooComplex: ("open it in an editor and save it as WAV", REFUSED),
    Unproved: ("open it in an editor and save it as WAV", REFUSED),
    WorkerFailed: ("try once more; if it fails again, save it as WAV", REFUSED),
    SandboxUnavailable: ("use Linux 5.13 or later, with Landlock enabled", UNFIT),
}


class Refusal(click.ClickException):
    """What one recording failed of, in words."""

    def __init__(self, message: str, hint: str, code: int, *, reason: str = "usage") -> None:
        super().__init__(message)
        self.hint = hint
        self.code = code
        self.reason = reason


def refusal(recording: object, error: ScrubError) -> Refusal:
    """Return what to say of an error of ours."""
    hint, code = EDGE[type(error)]
    message = f"{printable(str(recording))} cannot be cleaned: {error}"
    return Refusal(message, hint, code, reason=error.reason)


def exists(output: object) -> Refusal:
    """Return what to say when the name is taken."""
    hint = "choose another with -o; nothing is overwritten"
    return Refusal(f"{printable(str(output))} exists", hint, USAGE)


def overall(codes: set[int]) -> int:
    """Return the exit code for several recordings, from those that each would have had."""
    return codes.pop() if len(codes) == 1 else SOME if codes else DONE
