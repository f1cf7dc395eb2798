"""What crosses between the parent and a worker: bounded plain data, in frames.

    frame     u8 kind, u32 length (at most 1 MiB), payload
    ORDER     u8 job, u8 fenced, u64 size, u64 memory, u32 processor seconds, opener's secret
    CUTS      whole records of a cut list (plan.py)
    END       no more cuts
    PLANNED   u8 format, u64 size of the result, u64 essence size, u64 units, u16 n removed, u16 n
              remaining, then n of (u8 kind, u32 times)
    PROVED    u8 format, u64 essence size, u64 units
    REFUSED   u8 reason, u64 offset, text in ASCII

A worker may have been taken over by what it read: everything it says is checked here or in plan.py.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from scrub.errors import REASONS, PlainError, ScrubError, WorkerFailed, from_plain, to_plain
from scrub.findings import KINDS, Findings, Kind
from scrub.plan import Essence

FRAME = struct.Struct("<BI")
LONGEST_FRAME = 1 << 20
ORDER = struct.Struct("<BBQQI")
PLANNED = struct.Struct("<BQQQHH")
COUNT = struct.Struct("<BI")
PROVED = struct.Struct("<BQQ")
REFUSED = struct.Struct("<BQ")
LARGEST = (1 << 63) - 1


class Say(IntEnum):
    """The kinds of frames."""

    ORDER = 1
    CUTS = 2
    END = 3
    PLANNED = 4
    PROVED = 5
    REFUSED = 6


class Job(IntEnum):
    """What a worker is hired for."""

    PLAN = 1
    PROVE = 2
    PLAN_THOROUGHLY = 3


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
            COUNT.pack(KINDS.index(kind), min(times, 0xFFFFFFFF))
            for found in (removed, remains)
            for kind, times in sorted(found.items())
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
