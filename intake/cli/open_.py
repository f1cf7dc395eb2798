"""tapedrop-intake open: open what was imported."""

from typing import Final

import click

from crypto.errors import CryptoError, GpgFailed
from intake.cli.desk import Unlocked, as_json, at_desk, unlocked
from intake.cli.exits import DONE, NEEDS_A_PERSON, exit_code, gravest
from intake.cli.list_ import print_drops
from intake.cli.rows import row
from intake.cli.talk import complain, note, print_json, say_error
from intake.drop import Drop, Status
from intake.errors import EvidenceDamaged
from intake.layout import Layout
from intake.pipeline import open_drop
from intake.wording import ALARM_HINT, ALARMS

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk open --all
  $ tapedrop-intake --desk desk open drop-0007
"""


@click.command("open", epilog=_EPILOG)
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Open every drop that is stored.")
@at_desk
@as_json
def open_drops(ids: tuple[str, ...], everything: bool, desk: Layout, as_json: bool) -> int:
    """Open drops: verify, decrypt, catalogue."""
    if bool(ids) == everything:
        raise click.UsageError("name the drops to open, or say --all")
    code, opened = DONE, []
    with unlocked(desk) as room:
        drops = [room.drop(each) for each in ids]
        if everything:
            drops = [drop for drop in room.catalogue.drops() if drop.status is Status.STORED]
        for drop in drops:
            try:
                opened.append(_open(room, drop))
            except GpgFailed:
                raise
            except (CryptoError, EvidenceDamaged) as error:
                code = gravest(code, exit_code(error))
                complain(error, about=drop.id)
    for drop in opened:
        for alarm in drop.alarms:
            code = gravest(code, NEEDS_A_PERSON)
            say_error(f"ALARM: {drop.id}: {ALARMS[alarm]}", ALARM_HINT)
    if as_json:
        print_json([row(drop) for drop in opened])
    else:
        print_drops(opened)
    return code


def _open(room: Unlocked, drop: Drop) -> Drop:
    if drop.status is Status.OPENED and room.working.has(drop.digest):
        note(f"{drop.id} is open already")
        return drop
    return open_drop(
        drop,
        evidence=room.evidence,
        working=room.working,
        catalogue=room.catalogue,
        gpg=room.gpg,
        server=room.settings.server,
    )
