"""How long a drop is to be kept, and what is on hold, as far as all desks have said.

    until     the last day on which it is kept; the day after it is due
    hold      why it must not be destroyed, whatever the day: a court, an editor, a story

Two desks that have merged may say different things. Then what keeps longer counts: a hold on either
desk holds, and a drop is due when both say so.
"""

from dataclasses import dataclass
from datetime import date

from intake.catalogue.records import Records
from intake.drop import Drop
from intake.errors import OnHold
from intake.records import Kind, Record, Retention, record_of


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a drop stands."""

    until: date | None = None
    """None: nobody has set an end."""
    holds: tuple[str, ...] = ()
    """Why it is on hold; by other desks' word too."""
    disputed: bool = False
    """Whether one desk holds it and another doesn't."""

    def is_due(self, today: date) -> bool:
        """Say whether it may go."""
        return self.until is not None and self.until < today and not self.holds


def standing(record: Record | None) -> Standing:
    """Return what a drop's retention record comes to."""
    if record is None:
        return Standing()
    said = [head.content or Retention() for head in record.heads]
    kept = [each for each in said if isinstance(each, Retention)]
    days = [each.until for each in kept]
    holds = sorted({each.hold for each in kept if each.hold is not None})
    return Standing(
        until=max(map(date.fromisoformat, filter(None, days))) if all(days) else None,
        holds=tuple(holds),
        disputed=bool(holds) and any(each.hold is None for each in kept),
    )


def standing_of(drop: Drop, records: Records) -> Standing:
    """Return where one drop stands."""
    record = records.get(record_of(Kind.RETENTION, drop.digest))
    # A colleague's desk could call a note as this is called.
    ours = record is not None and (record.kind, record.about) == (Kind.RETENTION, drop.digest)
    return standing(record if ours else None)


def standings(records: Records) -> dict[bytes, Standing]:
    """Return where every drop stands of which anything was said, by digest."""
    found = records.all(Kind.RETENTION)
    return {record.about: standing(record) for record in found if record.about is not None}


def retain(
    drop: Drop, records: Records, *, until: date | None, hold: str | None, by: str, day: date
) -> None:
    """Have a drop kept so from now on; this stands in for what every desk said before."""
    said = Retention(until.isoformat() if until else None, hold)
    records.put(
        Kind.RETENTION,
        said if until or hold else None,
        about=drop.digest,
        record=record_of(Kind.RETENTION, drop.digest),
        by=by,
        day=day,
    )


def require_free(drop: Drop, records: Records) -> None:
    """Raise OnHold where a drop must not be destroyed."""
    found = standing_of(drop, records)
    if found.disputed:
        raise OnHold(drop.id, f"desks disagree about its hold ({'; '.join(found.holds)})")
    if found.holds:
        raise OnHold(drop.id, f"it is on hold: {'; '.join(found.holds)}")
