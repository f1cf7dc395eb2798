"""Scrub: recognise a recording, list what it hides, and leave it out without touching the sound."""

from scrub.clean import Cleaned, Handle, clean
from scrub.errors import (
    REASONS,
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
from scrub.findings import Findings, Kind
from scrub.formats import FORMATS, Format
from scrub.plan import Cut, CutList, Literal, Span, View, render
from scrub.sandbox import Limits, Zygote

__all__ = [
    "FORMATS",
    "REASONS",
    "Cleaned",
    "Cut",
    "CutList",
    "Empty",
    "Findings",
    "Format",
    "Handle",
    "Kind",
    "Limits",
    "Literal",
    "Malformed",
    "NotARecording",
    "SandboxUnavailable",
    "ScrubError",
    "Span",
    "TooComplex",
    "Unproved",
    "Unsupported",
    "View",
    "WorkerFailed",
    "Zygote",
    "clean",
    "render",
]
