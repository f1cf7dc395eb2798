"""Everything that the drop ever logs: a closed vocabulary of enums and counts.

The journal stamps each line, and in a quiet week the time alone points at someone. So whatever a
source's visit causes is counted in memory and told once a day, at a fixed hour, in steps: 0, 1-9,
10+. Only what no source can cause is told at once. Nothing here can hold a name, a path or bytes.
"""

import asyncio
import logging
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import structlog

from crypto.manifest import Condition


class Reason(StrEnum):
    """Why something was turned away; nothing of it was kept."""

    EMPTY = "empty"
    NOT_A_RECORDING = "not_a_recording"
    UNSUPPORTED = "unsupported"
    MALFORMED = "malformed"
    TOO_COMPLEX = "too_complex"
    UNPROVED = "unproved"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    FORM_TOO_LARGE = "form_too_large"
    CUT_OFF = "cut_off"
    BROKEN_FORM = "broken_form"
    NO_SESSION = "no_session"
    BUSY = "busy"
    WORKER_FAILED = "worker_failed"
    SANDBOX_UNAVAILABLE = "sandbox_unavailable"
    SPOOL_FULL = "spool_full"
    SPOOL_FAILED = "spool_failed"
    SEAL_FAILED = "seal_failed"
    NO_KEY = "no_key"
    STORE_FULL = "store_full"
    STORE_FAILED = "store_failed"


@dataclass(frozen=True, slots=True)
class Received:
    """A recording or message is sealed, stored and acknowledged."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class Refused:
    """A recording, message or whole form was turned away."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class MailboxNotNoted:
    """A drop was stored, but the source's mailbox could not say so."""


@dataclass(frozen=True, slots=True)
class PageFailed:
    """A page ended in an error of ours."""


@dataclass(frozen=True, slots=True)
class LibraryWarned:
    """A library had something to say; what, and about whom, is not kept."""


class Share(StrEnum):
    """What a night's sweep did with a part of the store."""

    DROPS_DELETED = "drops_deleted"
    REPLIES_DELETED = "replies_deleted"
    MAILBOXES_DELETED = "mailboxes_deleted"
    WRITTEN_ANEW = "written_anew"
    LEFT_FOR_ANOTHER_NIGHT = "left_for_another_night"


@dataclass(frozen=True, slots=True)
class Swept:
    """The nightly sweep deleted something that need not be kept, or made its times coarse."""

    share: Share


Counted = Received | Refused | MailboxNotNoted | PageFailed | LibraryWarned | Swept


@dataclass(frozen=True, slots=True)
class Started:
    """The drop listens."""

    newsroom_keys: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """The drop was told to stop, and did."""


@dataclass(frozen=True, slots=True)
class NewsroomKeyUnusable:
    """Keys in the newsroom's keyring can't be sealed to any more; see `keys list`."""

    unusable: int
    usable: int


@dataclass(frozen=True, slots=True)
class ScrubbingUnfenced:
    """DANGER: the configuration lets hostile recordings be read without a sandbox."""


@dataclass(frozen=True, slots=True)
class SweepFailed:
    """The store failed in the nightly sweep; what it did not come to waits for the next."""


@dataclass(frozen=True, slots=True)
class SweepHeldBack:
    """The clock says that this many days have passed since the last sweep, so nothing was deleted.

    Is the clock right? Then run `tapedrop-server sweep --clock-is-right` once.
    """

    days: int


@dataclass(frozen=True, slots=True)
class DropsAltered:
    """Drops in the store are not what was carried to the desks; they were kept."""

    drops: int


AtOnce = (
    Started
    | Stopped
    | NewsroomKeyUnusable
    | ScrubbingUnfenced
    | SweepFailed
    | SweepHeldBack
    | DropsAltered
)


def every_counted_event() -> list[Counted]:
    """Return each event that is counted, with each value that its field can have."""
    received: list[Counted] = [Received(condition) for condition in Condition]
    refused: list[Counted] = [Refused(reason) for reason in Reason]
    swept: list[Counted] = [Swept(share) for share in Share]
    return [*received, *refused, MailboxNotNoted(), PageFailed(), LibraryWarned(), *swept]


class Journal:
    """Where events go: counted ones into memory, the others onto standard error."""

    def __init__(self) -> None:
        self._counts: Counter[Counted] = Counter()
        self._log = structlog.wrap_logger(
            structlog.PrintLogger(sys.stderr),
            processors=[structlog.processors.KeyValueRenderer(key_order=["event"])],
        )

    def count(self, event: Counted, *, times: int = 1) -> None:
        """Remember that it happened, until the day's hour."""
        self._counts[event] += times

    def tell(self, event: AtOnce) -> None:
        """Log now what no source can cause."""
        self._log.info(_name(type(event)), **_facts(event))

    def tell_the_day(self) -> None:
        """Log each counted event in steps, and begin to count anew."""
        for event in every_counted_event():
            self._log.info(_name(type(event)), **_facts(event), today=step(self._counts[event]))
        self._counts.clear()

    async def tell_daily(
        self, hour: int, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Tell the day at `hour` UTC, each day, until cancelled."""
        while True:
            await asyncio.sleep(seconds_until(hour, now()))
            self.tell_the_day()


def step(count: int) -> str:
    """Return how many, as coarsely as it may be said."""
    return "0" if count == 0 else "1-9" if count < 10 else "10+"


def seconds_until(hour: int, now: datetime) -> float:
    """Return the seconds from `now` to the next time that it is `hour` o'clock."""
    next_time = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    if next_time <= now:
        next_time += timedelta(days=1)
    return (next_time - now).total_seconds()


class _OnlyCounted(logging.Handler):
    """What libraries log may hold an address or a request line: only that they did is kept."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(logging.WARNING)
        self._journal = journal

    def emit(self, _record: logging.LogRecord) -> None:
        self._journal.count(LibraryWarned())


def silence_libraries(journal: Journal) -> None:
    """Send every library's log lines to the count, and none anywhere else."""
    root = logging.getLogger()
    root.handlers[:] = [_OnlyCounted(journal)]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


def _facts(event: Counted | AtOnce) -> dict[str, str | int]:
    facts = asdict(event)
    return {name: str(fact) if isinstance(fact, StrEnum) else fact for name, fact in facts.items()}


def _name(event: type[Counted | AtOnce]) -> str:
    words = "".join(f"_{c.lower()}" if c.isupper() else c for c in event.__name__)
    return words.lstrip("_")
