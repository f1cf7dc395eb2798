"""What crosses between the parent and a worker: bounded plain data, in frames.

    frame     u8 kind, u32 length (at most 1 MiB), payload
    READY     the zygote's, before it has met a recording: name, tab, extension and a line feed for
              each format, in ASCII
    UNFIT     the zygote's: what the machine lacks, in ASCII
    ORDER     u8 job, u8 fenced, u64 size, u64 memory, u32 processor seconds, opener's secret
    CUTS      whole records of a cut list (plan.py)
    END       no more cuts
    PLANNED   u8 format, u64 size of the result, u64 essence size, u64 units, u16 n removed, u16 n
              remaining, then n of (u8 kind, u32 times)
    PROVED    u8 format, u64 essence size, u64 units
    FACTS     u64 length in ms, u32 sample rate, u16 channels, u16 bits, u32 bits a second, codec
    ASK       to a worker with a job of its own: as that one wants it
    TOLD      from it: as that one says
    VALUES    n of (u8 kind, u8 length, name, u16 length, text), in UTF-8
    REFUSED   u8 reason, u64 offset, text in ASCII

A worker may have been taken over by what it read: everything it says is checked here or in plan.py.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple

from scrub.errors import REASONS, PlainError, ScrubError, WorkerFailed, from_plain, to_plain
from scrub.findings import (
    KINDS,
    LONGEST_NAME,
    LONGEST_TEXT,
    MOST_VALUES,
    Findings,
    Kind,
    Value,
    printable,
    shortened,
)
from scrub.plan import Essence
from scrub.streams import LONGEST_CODEC, StreamFacts

FRAME = struct.Struct("<BI")
LONGEST_FRAME = 1 << 20
ORDER = struct.Struct("<BBQQI")
PLANNED = struct.Struct("<BQQQHH")
COUNT = struct.Struct("<BI")
PROVED = struct.Struct("<BQQ")
REFUSED = struct.Struct("<BQ")
FACTS = struct.Struct("<QIHHI")
LARGEST = (1 << 63) - 1
HIRED = b"H"  # what goes along with descriptors


class Say(IntEnum):
    """The kinds of frames."""

    ORDER = 1
    CUTS = 2
    END = 3
    PLANNED = 4
    PROVED = 5
    REFUSED = 6
    READY = 7
    UNFIT = 8
    VALUES = 9
    FACTS = 10
    ASK = 11
    TOLD = 12


class Job(IntEnum):
    """What a worker is hired for."""

    PLAN = 1
    PROVE = 2
    PLAN_THOROUGHLY = 3
    TELL = 4
    FACTS = 5
    OWN = 6
    """What the zygote was started for: a function that scrub doesn't know."""


class FormatName(NamedTuple):
    """What a format is called outside the sandbox, where none of its parsers is ever loaded."""

    name: str
    extension: str


def pack_formats(names: Iterable[FormatName]) -> bytes:
    """Return the payload of READY."""
    return "".join(f"{name}\t{extension}\n" for name, extension in names).encode("ascii")


def unpack_formats(payload: bytes) -> tuple[FormatName, ...]:
    """Read the payload of READY; its sender has read no recording yet."""
    rows = (line.split("\t") for line in payload.decode("ascii").splitlines())
    return tuple(FormatName(name, extension) for name, extension in rows)


@dataclass(frozen=True, slots=True)
class Order:
    """The first thing a worker is told, by a parent it trusts."""

    job: Job
    fenced: bool
    size: int
    memory: int
    cpu_seconds: int
    secret: bytes

    def pack(self) -> bytes:
        """Return the payload."""
        head = ORDER.pack(self.job, self.fenced, self.size, self.memory, self.cpu_seconds)
        return head + self.secret

    @classmethod
    def unpack(cls, payload: bytes) -> "Order":
        """Read the payload; its sender is trusted."""
        job, fenced, size, memory, cpu_seconds = ORDER.unpack_from(payload)
        return cls(Job(job), bool(fenced), size, memory, cpu_seconds, payload[ORDER.size :])


@dataclass(frozen=True, slots=True)
class Planned:
    """A planning worker's last word."""

    format_index: int
    size: int
    essence: Essence
    findings: Findings

    def pack(self) -> bytes:
        """Return the payload."""
        removed, remains = self.findings.removed, self.findings.remains
        counts = b"".join(
            COUNT.pack(index, min(found[kind], 0xFFFFFFFF))
            for found in (removed, remains)
            for index, kind in enumerate(KINDS)
            if kind in found
        )
        essence = self.essence
        return (
            PLANNED.pack(
                self.format_index,
                self.size,
                essence.size,
                essence.units,
                len(removed),
                len(remains),
            )
            + counts
        )

    @classmethod
    def unpack(cls, untrusted: bytes) -> "Planned":
        """Read the payload; WorkerFailed when it isn't one."""
        try:
            index, size, coded, units, gone, left = PLANNED.unpack_from(untrusted)
            counts = list(COUNT.iter_unpack(untrusted[PLANNED.size :]))
            found = [(KINDS[kind], times) for kind, times in counts]
        except (struct.error, IndexError):
            raise WorkerFailed("the worker's answer is malformed") from None
        removed, remains = dict(found[:gone]), dict(found[gone:])
        if len(found) != gone + left or len(removed) != gone or len(remains) != left:
            raise WorkerFailed("the worker's findings do not add up")
        return cls(index, size, Essence(coded, units), _frozen(removed, remains))


def _frozen(removed: dict[Kind, int], remains: dict[Kind, int]) -> Findings:
    return Findings(MappingProxyType(removed), MappingProxyType(remains))


@dataclass(frozen=True, slots=True)
class Proved:
    """A proving worker's last word."""

    format_index: int
    essence: Essence

    def pack(self) -> bytes:
        """Return the payload."""
        return PROVED.pack(self.format_index, self.essence.size, self.essence.units)

    @classmethod
    def unpack(cls, untrusted: bytes) -> "Proved":
        """Read the payload; WorkerFailed when it isn't one."""
        if len(untrusted) != PROVED.size:
            raise WorkerFailed("the worker's proof is malformed")
        index, size, units = PROVED.unpack(untrusted)
        return cls(index, Essence(size, units))


def pack_values(values: Iterable[Value]) -> bytes:
    """Return the payload of VALUES: all of them fit into one frame."""
    packed = bytearray()
    for value in values:
        name = shortened(value.name, LONGEST_NAME).encode()
        text = shortened(value.text, LONGEST_TEXT).encode()
        packed += bytes((KINDS.index(value.kind), len(name))) + name
        packed += len(text).to_bytes(2, "little") + text
    return bytes(packed)


def unpack_values(untrusted: bytes) -> tuple[Value, ...]:
    """Read the payload of VALUES, fit to be printed; WorkerFailed when it isn't one."""
    values: list[Value] = []
    at = 0
    while at < len(untrusted) and len(values) <= MOST_VALUES:
        kind, name, at = untrusted[at], *_piece(untrusted, at + 1, 1)
        text, at = _piece(untrusted, at, 2)
        if kind >= len(KINDS):
            raise WorkerFailed("the worker's values are malformed")
        name, text = shortened(name, LONGEST_NAME), shortened(text, LONGEST_TEXT)
        values.append(Value(KINDS[kind], name, text))
    if len(values) > MOST_VALUES:
        raise WorkerFailed("the worker sent too many values")
    return tuple(values)


def _piece(untrusted: bytes, at: int, width: int) -> tuple[str, int]:
    """Return a text that its length stands in front of, and where it ends."""
    begin = at + width
    end = begin + int.from_bytes(untrusted[at:begin], "little")
    if end > len(untrusted):
        raise WorkerFailed("the worker's values are malformed")
    return printable(untrusted[begin:end].decode("utf-8", "replace")), end


def pack_facts(facts: StreamFacts) -> bytes:
    """Return the payload of FACTS."""
    head = FACTS.pack(facts.length_ms, facts.sample_rate, facts.channels, facts.bits, facts.bitrate)
    return head + facts.codec.encode("ascii", "replace")[:LONGEST_CODEC]


def unpack_facts(untrusted: bytes) -> StreamFacts:
    """Read the payload of FACTS, fit to be printed; WorkerFailed when it isn't one."""
    codec = untrusted[FACTS.size :]
    if not FACTS.size <= len(untrusted) <= FACTS.size + LONGEST_CODEC:
        raise WorkerFailed("the worker's facts are malformed")
    length, rate, channels, bits, bitrate = FACTS.unpack_from(untrusted)
    said = printable(codec.decode("ascii", "replace"))
    return StreamFacts(min(length, LARGEST), rate, channels, bits, bitrate, said)


def pack_refusal(error: ScrubError) -> bytes:
    """Return the payload of REFUSED."""
    reason, text, offset = to_plain(error)
    text = text.encode("ascii", "replace")[:120].decode("ascii")
    return REFUSED.pack(REASONS.index(reason), min(max(0, offset), LARGEST)) + text.encode("ascii")


def unpack_refusal(untrusted: bytes) -> ScrubError:
    """Read the payload of REFUSED as an error to raise."""
    if len(untrusted) < REFUSED.size:
        return WorkerFailed("the worker's refusal is malformed")
    reason, offset = REFUSED.unpack_from(untrusted)
    if reason >= len(REASONS):
        return WorkerFailed("the worker refused for no known reason")
    text = untrusted[REFUSED.size :].decode("ascii", "replace")
    return from_plain(PlainError(REASONS[reason], text, offset))
