"""tapedrop-intake purge: destroy drops for good."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

import click

from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.talk import confirm, note, print_json
from intake.drop import Drop
from intake.keeping.purging import purge
from intake.keeping.retention import require_free, standings
from intake.layout import Layout
from intake.proving.custody import Act
from intake.records import Kind
from intake.unlocked import Unlocked, today

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk purge --due
  tapedrop-intake: to destroy drop-0003, drop-0007 for good, type: purge 2 drops
  > purge 2 drops
  purged drop-0003, drop-0007
"""
_LONG_UNUSED: Final = timedelta(days=60)


@click.command("purge", short_help="Destroy drops for good.", epilog=_EPILOG)
@click.argument("ids", metavar="[ID|CASE]...", nargs=-1)
@click.option("--due", is_flag=True, help="Every drop whose time is over (`retain` lists them).")
@click.option("--confirm", "given", metavar="TEXT",
              help="Answer the question: `purge 2 drops`, with their number.")  # fmt: skip
@at_desk
@as_json
def command(
    ids: tuple[str, ...], due: bool, given: str | None, desk: Layout, as_json: bool
) -> None:
    """Destroy drops for good: their keys, all that was noted of them, working copies, envelopes.

    Their numbers stay taken, and the custody log keeps what was done with them. What is on hold is
    refused, and then nothing is destroyed. Nobody else may be at work at the desk meanwhile.
    """
    if bool(ids) == due:
        raise click.UsageError("name the drops, or say --due")
    with unlocked(desk, alone=True) as room:
        if due:
            _doubt_the_clock(room)
        drops = _due(room) if due else room.drops(ids)
        for drop in drops:
            require_free(drop, room.catalogue.records)
        if drops:
            for line in _elsewhere(room, drops):
                note(line)
            _ask(drops, given)
            shrunk = purge(
                drops,
                catalogue=room.catalogue,
                evidence=room.evidence,
                working=room.working,
                outbox=desk.outbox,
                by=room.by,
                day=today(),
            )
            if not shrunk:
                note("the catalogue keeps its size: there is no room to write it anew")
    purged = [drop.id for drop in drops]
    if as_json:
        print_json({"purged": purged})
    else:
        click.echo(f"purged {', '.join(purged)}" if purged else "nothing is due")


def _due(room: Unlocked) -> list[Drop]:
    said, day = standings(room.catalogue.records), today()
    drops = room.catalogue.drops.all()
    return [drop for drop in drops if drop.digest in said and said[drop.digest].is_due(day)]


def _doubt_the_clock(room: Unlocked) -> None:
    """Warn where the clock has leapt: a wrong year makes everything due."""
    entries = list(room.catalogue.custody.entries())
    if entries and today() - date.fromisoformat(entries[-1].day) > _LONG_UNUSED:
        note(f"warning: the clock says {today()}, and the custody log ends on {entries[-1].day}:")
        note("what is due goes by the clock; look whether it is right")


def _ask(drops: Sequence[Drop], given: str | None) -> None:
    expected = f"purge {_count(len(drops))}"
    named = ", ".join(drop.id for drop in drops)
    question = f"to destroy {named} for good, type: {expected}"
    confirm(question, expected, given=given, option=f"--confirm '{expected}'")


def _elsewhere(room: Unlocked, drops: Sequence[Drop]) -> Iterator[str]:
    """Yield where what is destroyed here is still to be had, as far as this desk knows."""
    marks = {room.vault.mark(drop.digest) for drop in drops}
    done: dict[Act, set[str]] = {act: set() for act in Act}
    for entry in room.catalogue.custody.entries():
        if entry.drop is not None and entry.drop in marks:
            done[entry.act].add(entry.drop)
    waiting = _waiting(room, drops)
    if waiting:
        yield f"warning: replies go too that no receipt has carried out yet: {waiting}"
    yield "what stays elsewhere:"
    if done[Act.EXPORTED]:
        yield f"  {_count(len(done[Act.EXPORTED]))} exported: delete those files by hand"
    shared = done[Act.SHARED] | done[Act.MERGED]
    if shared:
        yield f"  {_count(len(shared))} shared or merged: ask those desks to purge theirs"
    disks = {each.medium for drop in drops for each in room.catalogue.backups.on(drop.digest)}
    if disks:
        yield (
            f"  backups on {len(disks)} {'disk' if len(disks) == 1 else 'disks'} have them, and "
            "their keys, until backup has run on each once more"
        )
    untold = [drop for drop in drops if not room.catalogue.backups.holds(drop.digest)]
    if untold:
        yield (
            f"  {_count(len(untold))} no receipt of this desk ever said is opened, because no "
            "backup holds it: the server keeps that until other desks say so"
        )
    yield "  the server, if it still has them, until a receipt that says opened was carried there"
    yield "  sticks they came on; and what a flash disk keeps of deleted files: an envelope opens"
    yield "  to whoever has a newsroom key of then that was not destroyed (SECURITY.md, 7i)"


def _waiting(room: Unlocked, drops: Sequence[Drop]) -> int:
    """Return how many replies to their sources wait for a stick."""
    replies = (
        room.catalogue.replies.of(record.id)
        for drop in drops
        for record in room.catalogue.records.all(Kind.REPLY, about=drop.digest)
    )
    return sum(reply is not None and reply.carried is None for reply in replies)


def _count(number: int) -> str:
    return f"{number} {'drop' if number == 1 else 'drops'}"
