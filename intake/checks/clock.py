"""The day: notes, replies and retention go by it, and gpg judges keys by it."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from intake.arriving.provenance import Provenance
from intake.checks import Answers, Desk, Machine, fail, ok
from intake.errors import VaultDamaged

_MADE: Final = date(2026, 11, 1)
"""No desk of this version was at work before."""
_LONGEST: Final = timedelta(days=20 * 365)
_ZONES: Final = timedelta(days=1)
_TODO: Final = "set the clock, by a watch and a calendar: date --set"


def clock(machine: Machine) -> Answers:
    """An empty battery sets the clock back to some year's first day."""
    today = machine.today
    if not _MADE <= today <= _MADE + _LONGEST:
        yield fail(f"it is not {today}, as the clock says", _TODO)
    else:
        yield ok(f"it says {today}")


def bags(desk: Desk) -> Answers:
    """What came on sticks is signed with a day: it can't be yet to come."""
    try:
        newest = max(_days(desk), default=None)
    except VaultDamaged as error:
        todo = "the envelopes are not touched by this; restore the folder from a backup"
        yield fail(f"{error.what} is not what was kept", todo)
        return
    if newest is not None and newest > desk.machine.today + _ZONES:
        yield fail(f"the clock is behind: a bag was signed on {newest}", _TODO)
    else:
        yield ok(f"the newest was signed on {newest}" if newest else "none was imported yet")


def _days(desk: Desk) -> Iterator[date]:
    provenance = Provenance(desk.layout.bags, desk.settings.server.signer)
    for _, bag in provenance.bags():
        yield bag.day
