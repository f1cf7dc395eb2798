"""Have the envelopes on a backup's disk: those that it lacks are copied, and read back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from errno import EFBIG
from typing import Final

from intake.arriving.evidence import Evidence
from intake.arriving.pace import Step
from intake.drop import Drop, SetAside
from intake.errors import EvidenceDamaged
from intake.keeping.medium import Medium, digest_of

_SPARE: Final = 4 * 1024 * 1024


@dataclass(slots=True)
class Copied:
    """Which envelopes are on the disk now, and which could not be copied."""

    there: set[bytes] = field(default_factory=set)
    """Their digests."""
    new: int = 0
    """How many of them were copied now, and how long they are together."""
    bytes: int = 0
    damaged: list[Drop] = field(default_factory=list)
    """Whose envelope is damaged or gone at the desk, and not on the disk either."""
    only_there: list[Drop] = field(default_factory=list)
    """Whose envelope is damaged or gone at the desk, and whole on the disk."""
    too_large: list[Drop] = field(default_factory=list)
    """Whose envelope is larger than a file can be on that disk."""


def copy_envelopes(
    drops: Sequence[Drop],
    evidence: Evidence,
    medium: Medium,
    *,
    read: frozenset[bytes],
    told: Callable[[Step], None],
) -> Copied:
    """Have every envelope on the disk.

    Those of `read` count as they lie there: this desk has read them there before. One that is
    damaged at the desk costs the others nothing. Raises NoRoomThere, BackupDiffers, OSError.
    """
    done = Copied()
    drops = [drop for drop in drops if drop.set_aside is not SetAside.NOT_ARRIVED]
    waiting = _waiting(drops, evidence, medium, done, read=read)
    missing = {drop.digest for drop in (*waiting, *done.damaged)}
    done.there = {drop.digest for drop in drops if drop.digest not in missing}
    sizes = {drop.digest: evidence.size(drop.digest) for drop in waiting}
    medium.require_room(sum(sizes.values()) + _SPARE)
    passed = Passing(told, total=2 * sum(sizes.values()))
    for drop in waiting:
        try:
            medium.keep(drop.digest, evidence.blocks(drop.digest), passed)
        except EvidenceDamaged:
            if not _is_whole(medium, drop.digest):
                done.damaged.append(drop)
                continue
            done.there.add(drop.digest)
            done.only_there.append(drop)
        except OSError as error:
            if error.errno != EFBIG:
                raise
            done.too_large.append(drop)
        else:
            done.there.add(drop.digest)
            done.new += 1
            done.bytes += sizes[drop.digest]
    return done


def _waiting(
    drops: Sequence[Drop],
    evidence: Evidence,
    medium: Medium,
    done: Copied,
    *,
    read: frozenset[bytes],
) -> list[Drop]:
    """Return the drops whose envelope must be copied; note of which it can't be."""
    waiting = []
    for drop in drops:
        size, there = _size(evidence, drop), medium.size(drop.digest)
        if size is None:
            whole = there is not None and _is_whole(medium, drop.digest)
            (done.only_there if whole else done.damaged).append(drop)
        elif there != size or (drop.digest not in read and not _is_whole(medium, drop.digest)):
            waiting.append(drop)
    return waiting


def _size(evidence: Evidence, drop: Drop) -> int | None:
    try:
        return evidence.size(drop.digest)
    except EvidenceDamaged:
        return None


def _is_whole(medium: Medium, digest: bytes) -> bool:
    try:
        return digest_of(medium.envelope(digest)) == digest
    except OSError:
        return False


class Passing:
    """Adds up what has passed, and says it of how much."""

    def __init__(self, told: Callable[[Step], None], *, total: int) -> None:
        self._told, self._total, self._passed = told, total, 0

    def __call__(self, size: int) -> None:
        """Hear of `size` more bytes."""
        self._passed += size
        self._told(Step(self._passed, self._total))
