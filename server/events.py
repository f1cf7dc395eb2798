"""Everything that the drop ever logs: a closed vocabulary of enums and counts.

The journal stamps each line, and in a quiet week the time alone points at someone. So whatever a
source's visit causes is counted in memory and told once a day, at a fixed hour, in steps: 0, 1-9,
10+. Only what no source can cause is told at once, and some of that goes to security staff as an
alert (`staff/alerts.py`). Nothing here can hold a name, a path or bytes. How it is written down is
`journal.py`.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum

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
    LOCKED_DOWN = "locked_down"
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
class DutyFailed:
    """What a running drop does by itself ended in an error of ours, and is done no more."""


class Library(StrEnum):
    """Whose words are counted: those whose requests a source can cause, by name."""

    AIOHTTP = "aiohttp"
    AIOBOTOCORE = "aiobotocore"
    ASYNCIO = "asyncio"
    BOTOCORE = "botocore"
    PYTHON = "python"
    OTHER = "other"


class Level(StrEnum):
    """How much a library made of it."""

    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class LibraryWarned:
    """A library had something to say; what, and about whom, is not kept."""

    library: Library
    level: Level


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


Counted = Received | Refused | MailboxNotNoted | PageFailed | DutyFailed | LibraryWarned | Swept


@dataclass(frozen=True, slots=True)
class Started:
    """The drop listens."""

    newsroom_keys: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """The drop was told to stop, and did."""


@dataclass(frozen=True, slots=True)
class LockedDown:
    """Staff have locked the drop down: from now on it takes nothing."""


@dataclass(frozen=True, slots=True)
class Unlocked:
    """Staff have unlocked the drop: it takes uploads again."""


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


@dataclass(frozen=True, slots=True)
class NewsroomKeysEnding:
    """After so many days no key of the newsroom's can be sealed to any more."""

    days: int


@dataclass(frozen=True, slots=True)
class StoreUnwritable:
    """The disk of the store, or of the spool, takes nothing any more, although it isn't full."""


@dataclass(frozen=True, slots=True)
class NotStarted:
    """The drop was to start, and is not fit to; what it said then, says why."""


class Undelivered(StrEnum):
    """Why a message to security staff did not leave this machine."""

    NO_STAFF_KEY = "no_staff_key"
    GPG_FAILED = "gpg_failed"
    OUTBOX_FAILED = "outbox_failed"
    NOT_A_LETTER = "not_a_letter"
    NO_SUCH_COMMAND = "no_such_command"
    COMMAND_FAILED = "command_failed"
    COMMAND_HUNG = "command_hung"


@dataclass(frozen=True, slots=True)
class AlertNotSent:
    """A message to security staff did not leave this machine; it is tried again in an hour."""

    why: Undelivered


Alarming = (
    NewsroomKeyUnusable
    | NewsroomKeysEnding
    | ScrubbingUnfenced
    | SweepFailed
    | SweepHeldBack
    | DropsAltered
    | StoreUnwritable
    | NotStarted
)
"""What staff are alerted of at once. No source can cause any of it, so its time tells nothing."""

AtOnce = Started | Stopped | LockedDown | Unlocked | AlertNotSent | Alarming


def every_counted_event() -> list[Counted]:
    """Return each event that is counted, with each value that its field can have."""
    received: list[Counted] = [Received(condition) for condition in Condition]
    refused: list[Counted] = [Refused(reason) for reason in Reason]
    swept: list[Counted] = [Swept(share) for share in Share]
    failed: list[Counted] = [MailboxNotNoted(), PageFailed(), DutyFailed()]
    warned: list[Counted] = [LibraryWarned(who, level) for who in Library for level in Level]
    return [*received, *refused, *failed, *warned, *swept]


def facts_of(event: Counted | AtOnce) -> dict[str, str | int]:
    """Return an event's fields, as they are written down."""
    facts = asdict(event)
    return {name: str(fact) if isinstance(fact, StrEnum) else fact for name, fact in facts.items()}


def name_of(event: type[Counted | AtOnce]) -> str:
    """Return what an event is called in the journal."""
    words = "".join(f"_{c.lower()}" if c.isupper() else c for c in event.__name__)
    return words.lstrip("_")
