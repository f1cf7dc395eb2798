"""On which day staff's work was last done: YYYY-MM-DD in a file each.

    swept             the store was swept
    carried           drops were carried out, and read back
    <desk>.heard      a desk's receipts were imported
    alerted.json      {"<kind>": day}: the heartbeat, and each kind of alert, was written to staff
    arrived           a canary came as far as the store

They lie beside the receipts. A day says nothing of a source: each is of something that staff did,
or that the drop does every night.
"""

from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Final

import msgspec

from server.files import read_regular, replace
from server.staff.desks.desk import Desk

_SWEPT: Final = "swept"
_CARRIED: Final = "carried"
_ALERTED: Final = "alerted.json"
HEARTBEAT: Final = "heartbeat"
_ARRIVED: Final = "arrived"
_LONGEST: Final = 32


def last_sweep(receipts: Path) -> date | None:
    """Return the day of the last sweep, if there was any."""
    return day_in(receipts / _SWEPT)


def keep_last_sweep(receipts: Path, today: date) -> None:
    """Note the day on which the store was swept."""
    keep_day(receipts / _SWEPT, today)


def last_export(receipts: Path) -> date | None:
    """Return the day of the last export, if there was any."""
    return day_in(receipts / _CARRIED)


def keep_last_export(receipts: Path, today: date) -> None:
    """Note the day on which drops were carried out."""
    keep_day(receipts / _CARRIED, today)


def last_arrived(receipts: Path) -> date | None:
    """Return the day on which a canary last came as far as the store, if any did."""
    return day_in(receipts / _ARRIVED)


def keep_last_arrived(receipts: Path, today: date) -> None:
    """Note the day on which a canary came as far as the store."""
    keep_day(receipts / _ARRIVED, today)


def last_heard(receipts: Path, desk: Desk) -> date | None:
    """Return the day on which a desk's receipts were last imported, if they ever were."""
    return day_in(receipts / _heard(desk))


def keep_last_heard(receipts: Path, desk: Desk, today: date) -> None:
    """Note the day on which a desk's receipts were imported."""
    keep_day(receipts / _heard(desk), today)


def days_put(receipts: Path) -> dict[str, str]:
    """Return the day, YYYY-MM-DD, on which each kind of letter was last put, HEARTBEAT too."""
    try:
        return msgspec.json.decode((receipts / _ALERTED).read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError):
        return {}


def keep_day_put(receipts: Path, kind: str, today: date) -> None:
    """Note it. Of two processes at the very same time one may be forgotten, and its letter go
    twice. Raises OSError.
    """
    days = days_put(receipts) | {kind: today.isoformat()}
    replace(receipts / _ALERTED, msgspec.json.encode(days))


def last_heartbeat(receipts: Path) -> date | None:
    """Return the day on which the last heartbeat was put into the outbox, if any was."""
    with suppress(ValueError):
        return date.fromisoformat(days_put(receipts).get(HEARTBEAT, ""))
    return None


def day_in(path: Path) -> date | None:
    """Return the day that a file says; None where it is missing or says something else."""
    try:
        return date.fromisoformat(read_regular(path, _LONGEST).decode())
    except (FileNotFoundError, ValueError):
        return None


def keep_day(path: Path, today: date) -> None:
    """Write a day's file anew."""
    replace(path, today.isoformat().encode())


def _heard(desk: Desk) -> str:
    return f"{desk.signing_key[:32]}.heard"
