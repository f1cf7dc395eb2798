"""tapedrop-intake backup: the whole desk, on an external disk."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.exits import DONE, NEEDS_A_PERSON
from intake.cli.talk import Progress, confirm, note, print_json, print_table
from intake.drop import Drop, Status
from intake.keeping.backup import BackedUp, back_up
from intake.keeping.snapshot import words
from intake.layout import Layout
from intake.proving.custody import Act
from intake.unlocked import today
from intake.wording import size_text

_MOST_NAMED: Final = 20
_HEAD: Final = ("disk", "last on", "drops", "custody entry")
_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk backup --to /media/disk
  backed up 412 drops (3 new, 1.2 GB) to /media/disk/TAPEDROP-BACKUP/desk-5b0c91f2/snapshots/…
  the custody log reaches entry 1207 there
  restore asks for these eight words; keep them on paper, apart from the disk:
    absurd maple …
"""


@click.command("backup", short_help="Back the whole desk up to a disk.", epilog=_EPILOG)
@click.option("--to", "disk", metavar="DIR",
              type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="The disk, mounted.")  # fmt: skip
@click.option("--verify", "rehash", is_flag=True,
              help="Read every envelope on the disk, not just the new ones.")  # fmt: skip
@click.option("--gone", metavar="DISK",
              help="A disk is lost, broken or formatted: it counts no more.")  # fmt: skip
@click.option("--confirm", "given", metavar="DISK", help="Answer the question: DISK once more.")
@at_desk
@as_json
def command(
    disk: Path | None,
    rehash: bool,
    gone: str | None,
    given: str | None,
    desk: Layout,
    as_json: bool,
) -> int:
    """Back the desk up to the disk DIR, and read back what was written; without --to, list backups.

    Only envelopes that the disk doesn't have yet are copied. Recordings stay sealed there, and what
    the desk knows stays encrypted under its vault. Drops that were purged are removed from it.

    Receipts count on every disk in the list. Where one is lost, say --gone and its name there.
    """
    if gone is not None and (disk is not None or rehash):
        raise click.UsageError("--gone is said alone")
    if gone is not None:
        _forget(desk, gone, given)
    if disk is None:
        _list(desk, as_json=as_json)
        return DONE
    with unlocked(desk) as room, Progress("backing up") as progress:
        if disk.stat().st_dev == desk.folder.stat().st_dev:
            note("warning: that is the disk the desk is on; whoever loses one loses both")
        done = back_up(
            desk,
            disk,
            catalogue=room.catalogue,
            vault=room.vault,
            evidence=room.evidence,
            desk=room.settings.desk.name,
            by=room.by,
            day=today(),
            rehash=rehash,
            told=progress,
        )
        signer = room.vault.signing_key(desk.signing_key.read_bytes()).public_key()
    warnings = list(_warnings(done))
    for line in warnings:
        note(f"warning: {line}")
    if as_json:
        print_json(_row(done) | {"words": words(signer)})
    else:
        _print(done, words(signer))
    return NEEDS_A_PERSON if warnings else DONE


def _forget(desk: Layout, untrusted_disk: str, given: str | None) -> None:
    """Have a disk count no more, once somebody has said its name twice."""
    with unlocked(desk) as room:
        known = [each.medium for each in room.catalogue.backups.all()]
        found = [each for each in known if each.startswith(untrusted_disk.strip().lower())]
        if len(found) != 1 or not untrusted_disk.strip():
            raise click.UsageError("no disk of the list is called that: tapedrop-intake backup")
        name = found[0][:8]
        question = f"what only {name} holds is in no backup then. to forget it, type {name}"
        confirm(question, name, given=given, option="--confirm DISK")
        with room.catalogue.whole():
            room.catalogue.backups.forget(found[0])
            room.catalogue.custody.add(Act.BACKUP_GONE, by=room.by, day=today())


def _list(desk: Layout, *, as_json: bool) -> None:
    """Say which backups there are, and what is in none."""
    with unlocked(desk) as room:
        found = room.catalogue.backups.all()
        opened = [each for each in room.catalogue.drops.all() if each.status is Status.OPENED]
        without = [each.id for each in opened if not room.catalogue.backups.holds(each.digest)]
    if as_json:
        print_json({
            "backups": [
                {"disk": each.medium, "day": each.day.isoformat(), "envelopes": each.envelopes,
                 "custody_entry": each.head.number} for each in found
            ],
            "opened_in_none": without,
        })  # fmt: skip
        return
    if found:
        print_table(_HEAD, [
            (each.medium[:8], each.day.isoformat(), str(each.envelopes), str(each.head.number))
            for each in found
        ])  # fmt: skip
    else:
        note("there is no backup of this desk: tapedrop-intake backup --to DIR makes one")
    if without:
        more = f" and {len(without) - _MOST_NAMED} more" if len(without) > _MOST_NAMED else ""
        note(f"opened since, and in no backup: {', '.join(without[:_MOST_NAMED])}{more}")


def _warnings(done: BackedUp) -> Iterator[str]:
    for drop in done.copied.damaged:
        yield f"{drop.id} is not in it: its envelope is damaged or gone. import its stick again"
    for drop in done.copied.only_there:
        yield f"{drop.id}: its envelope is damaged or gone here, and whole on the disk"
    for drop in done.copied.too_large:
        yield (
            f"{drop.id} is not in it: its envelope is larger than this disk's file system can "
            "hold (4 GiB on FAT32). have the disk formatted as exFAT or ext4"
        )
    for name in done.unsound:
        yield f"the snapshot {name} there does not hold together; it was left alone"
    for name in done.strange:
        yield (
            f"the snapshot {name} there is of a state that this desk doesn't know: was the desk "
            "restored from an earlier one? it was left alone; restore can make a desk of it"
        )


def _print(done: BackedUp, eight: str) -> None:
    copied, there = done.copied, len(done.copied.there)
    count = f"{there} {'drop' if there == 1 else 'drops'}"
    new = f"{copied.new} new, {size_text(copied.bytes)}" if copied.new else "none new"
    click.echo(f"backed up {count} ({new}) to {done.snapshot}")
    if done.purged:
        click.echo(f"envelopes of purged drops removed from it: {done.purged}")
    if done.removed:
        click.echo(f"earlier snapshots removed from it: {done.removed}")
    click.echo(f"the custody log reaches entry {done.head} there")
    click.echo("restore asks for these eight words; keep them on paper, apart from the disk:")
    click.echo(f"  {eight}")


def _row(done: BackedUp) -> dict[str, Any]:
    def ids(drops: list[Drop]) -> list[str]:
        return [drop.id for drop in drops]

    return {
        "snapshot": str(done.snapshot),
        "head": done.head,
        "envelopes": len(done.copied.there),
        "new": done.copied.new,
        "bytes": done.copied.bytes,
        "damaged": ids(done.copied.damaged),
        "only_there": ids(done.copied.only_there),
        "too_large": ids(done.copied.too_large),
        "purged": done.purged,
        "removed": done.removed,
        "unsound": done.unsound,
        "strange": done.strange,
    }
