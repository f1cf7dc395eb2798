"""Scrub: recognise a recording, list what it hides, and leave it out without touching the sound."""

from scrub.clean import Cleaned, Handle, Seen, clean, facts, look
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
from scrub.findings import WORDS, Findings, Kind, Value, printable
from scrub.plan import Cut, CutList, Literal, Span, View, render
from scrub.sandbox import Limits, Zygote
from scrub.streams import StreamFacts
from scrub.wire import FormatName

__all__ = [
    "REASONS",
    "WORDS",
    "Cleaned",
    "Cut",
    "CutList",
    "Empty",
    "Findings",
    "FormatName",
    "Handle",
    "Kind",
    "Limits",
    "Literal",
    "Malformed",
    "NotARecording",
    "SandboxUnavailable",
    "ScrubError",
    "Seen",
    "Span",
    "StreamFacts",
    "TooComplex",
    "Unproved",
    "Unsupported",
    "Value",
    "View",
    "WorkerFailed",
    "Zygote",
    "clean",
    "facts",
    "look",
    "printable",
    "render",
]
