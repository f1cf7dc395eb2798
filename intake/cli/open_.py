"""tapedrop-intake open: open what was imported."""

from typing import Final

import click
from msgspec import structs

from crypto.errors import CryptoError, GpgFailed
from intake.cli.desk import Unlocked, as_json, at_desk, unlocked
from intake.cli.exits import DONE, NEEDS_A_PERSON, exit_code, gravest
from intake.cli.list_ import print_drops
from intake.cli.rows import row
from intake.cli.talk import complain, note, print_json, say_error
from intake.drop import Alarm, Drop, Status
from intake.errors import EvidenceDamaged
from intake.layout import Layout
from intake.pipeline import open_drop
from intake.wording import ALARM_HINT, ALARMS, EARLIER_HINT, plain

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
    """Open drops: verify, decrypt, catalogue.

    What the server's canary sent, its own test source, is not listed, and nothing of it is kept
    here but the day. To hear one all the same, name it: `list --canaries` knows them.
    """
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
    canaries = [drop for drop in opened if drop.status is Status.CANARY]
    opened = [drop for drop in opened if drop.status is not Status.CANARY]
    if canaries:
        days = ", ".join(sorted({plain(drop.canary_day or "") for drop in canaries}))
        note(f"{len(canaries)} from the server's canary, sent on {days}: not listed, nothing to do")
    if any(_raise_alarms(drop) for drop in opened):
        code = gravest(code, NEEDS_A_PERSON)
    if as_json:
        print_json([row(drop) for drop in opened])
    else:
        print_drops(opened)
    return code


def _raise_alarms(drop: Drop) -> bool:
    """Say what a reporter must know of a drop, although it opened; return whether anything is."""
    for alarm in drop.alarms:
        if alarm is Alarm.EARLIER_KEYS:
            note(f"warning: {drop.id}: {ALARMS[alarm]}")
            note(f"hint: {EARLIER_HINT}")
        else:
            say_error(f"ALARM: {drop.id}: {ALARMS[alarm]}", ALARM_HINT)
    return bool(drop.alarms)


def _open(room: Unlocked, drop: Drop) -> Drop:
    if drop.status is Status.OPENED and room.working.has(drop.digest):
        note(f"{drop.id} is open already")
        return drop
    server = room.settings.server
    if drop.status is Status.CANARY:
        # Somebody wants to hear for themselves: the server says who sent it, and may lie.
        note(f"{drop.id} was taken for the canary's; now it is opened as any other drop")
        server = structs.replace(server, canary=None)
    return open_drop(
        drop,
        evidence=room.evidence,
        working=room.working,
        catalogue=room.catalogue,
        gpg=room.gpg,
        server=server,
    )
