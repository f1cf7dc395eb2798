"""tapedrop-intake retain: how long drops are kept, and which are on hold."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, Final

import click

from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.talk import note, print_json, print_table
from intake.cli.texts import Day
from intake.drop import Drop
from intake.keeping.retention import Standing, retain, standing_of, standings
from intake.layout import Layout
from intake.proving.custody import Act
from intake.unlocked import Unlocked, today
from intake.wording import plain

_HEAD: Final = ("id", "kept until", "due", "on hold")
_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk retain case-0002 --until 2027-06-30
  $ tapedrop-intake --desk desk retain drop-0007 --hold "asked for by the court, 4 O 12/26"
  $ tapedrop-intake --desk desk retain
  id         kept until  due  on hold
  drop-0007  2027-06-30  no   asked for by the court, 4 O 12/26
"""


@click.command(
    "retain", short_help="Say how long drops are kept, or put them on hold.", epilog=_EPILOG
)
@click.argument("ids", metavar="[ID|CASE]...", nargs=-1)
@click.option("--until", metavar="DAY", type=Day(),
              help="The last day on which they are kept, YYYY-MM-DD.")  # fmt: skip
@click.option("--days", metavar="N", type=click.IntRange(0, 36500),
              help="The same, in days from now.")  # fmt: skip
@click.option("--hold", metavar="WHY", help="Put them on hold: nothing destroys them.")
@click.option("--release", is_flag=True, help="End the hold.")
@at_desk
@as_json
def command(
    ids: tuple[str, ...],
    until: date | None,
    days: int | None,
    hold: str | None,
    release: bool,
    desk: Layout,
    as_json: bool,
) -> None:
    """Say how long drops are kept, and which are on hold; without options, list it.

    Nothing goes by itself: `purge --due` destroys what is due, and asks first. Where two desks that
    have merged say different things, what keeps longer counts, and a hold on either holds.
    """
    changes = until is not None or days is not None or hold is not None or release
    if until is not None and days is not None:
        raise click.UsageError("say --until or --days")
    if hold is not None and (release or not hold.strip()):
        raise click.UsageError("say --hold and why, or --release")
    if changes and not ids:
        raise click.UsageError("name the drops, or a case")
    last = until or (today() + timedelta(days) if days is not None else None)
    with unlocked(desk) as room:
        drops = room.drops(ids)
        if changes:
            with room.catalogue.whole():
                for drop in drops:
                    before = standing_of(drop, room.catalogue.records)
                    held = None if release else hold or "; ".join(before.holds) or None
                    retain(drop, room.catalogue.records, until=last or before.until,
                           hold=held, by=room.by, day=today())  # fmt: skip
                    _log(room, drop, before, held)
        found = _standings(room, drops)
    if as_json:
        print_json([_row(drop, each) for drop, each in found])
    elif found:
        print_table(_HEAD, [_cells(drop, each) for drop, each in found])
    else:
        note("nobody has said how long any drop is kept: each is kept until it is purged by name")


def _log(room: Unlocked, drop: Drop, before: Standing, hold: str | None) -> None:
    if bool(hold) != bool(before.holds) or before.disputed:
        act = Act.HELD if hold else Act.RELEASED
        room.catalogue.custody.add(act, drop=drop.digest, by=room.by, day=today())


def _standings(room: Unlocked, drops: Iterable[Drop]) -> list[tuple[Drop, Standing]]:
    said = standings(room.catalogue.records)
    asked = list(drops) or [drop for drop in room.catalogue.drops.all() if drop.digest in said]
    return [(drop, said.get(drop.digest, Standing())) for drop in asked]


def _row(drop: Drop, found: Standing) -> dict[str, Any]:
    return {
        "id": drop.id,
        "until": found.until.isoformat() if found.until else None,
        "due": found.is_due(today()),
        "holds": list(found.holds),
        "disputed": found.disputed,
    }


def _cells(drop: Drop, found: Standing) -> tuple[str, ...]:
    hold = plain("; ".join(found.holds)) or "-"
    if found.disputed:
        hold += " (desks disagree: say --hold or --release)"
    until = found.until.isoformat() if found.until else "-"
    return drop.id, until, "yes" if found.is_due(today()) else "no", hold
