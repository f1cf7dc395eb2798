"""tapedrop-intake receipt: the desk's answers, in a signed bag for the server."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import click

from intake.answering.carry import put_bag
from intake.answering.receipts import Receipts, answers, receipts
from intake.answering.replies import answers_of, put_states
from intake.arriving.provenance import Provenance
from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.talk import note, print_json
from intake.drop import Drop, Status
from intake.layout import Layout
from intake.proving.custody import Act, Head
from intake.proving.signed import HEAD_FILE, signed_head
from intake.unlocked import Unlocked, today
from intake.wording import plain

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk receipt --to /media/stick
"""


@dataclass(frozen=True, slots=True)
class _Written:
    """One bag of answers, and what is in it."""

    folder: Path
    receipts: Receipts
    canaries: list[Drop]
    replies: int
    told: int
    keyless: int
    """Drops whose keys Tapedrop 0.2 did not keep: no backup makes them safe as they are."""


@click.command("receipt", short_help="Put receipts and waiting replies on a stick.", epilog=_EPILOG)
@click.option("--to", metavar="DIR", required=True, type=click.Path(path_type=Path),
              help="The stick, or a folder that is made.")  # fmt: skip
@at_desk
@as_json
def command(to: Path, desk: Layout, as_json: bool) -> None:
    """Put a receipt for every envelope, and all waiting replies, on a stick.

    What the server is told was opened, it may delete: so that is said only of drops that a
    verified backup of the vault holds. Sources whose drops were opened since the last time are
    told so.
    """
    with unlocked(desk) as room:
        written = _write(room, to, today())
    if as_json:
        _print_json(written)
    else:
        _print(written)
    if unsafe := written.receipts.unsafe:
        opened = unsafe + written.receipts.opened
        note(f"opened: {opened}, of which in no verified backup yet: {unsafe}")
        if written.keyless:
            note(f"opened by Tapedrop 0.2, which kept no keys: {written.keyless}")
            note("hint: tapedrop-intake open --all comes first")
        note("hint: the server keeps these; tapedrop-intake backup --to DIR, then receipt again")


def _write(room: Unlocked, to: Path, day: date) -> _Written:
    """Write the bag. The custody log has it before it has its name."""
    catalogue = room.catalogue
    canaries = catalogue.drops.canaries()
    # What a colleague has shared may be another newsroom's: that is nothing to this server.
    ours = Provenance(room.layout.bags, room.settings.server.signer).vouched()
    drops = [*catalogue.drops.all(), *catalogue.drops.purged()]
    said = receipts(
        [drop for drop in (*drops, *canaries) if drop.digest in ours],
        backed_up=catalogue.backups.holds,
    )
    told = put_states(catalogue, room.layout.outbox, ours=ours, day=day)
    key = room.signing_key
    with catalogue.whole():
        replies = answers_of(catalogue, room.layout.outbox)
        entry = catalogue.custody.add(
            Act.TOLD, by=room.by, day=day, envelopes=len(said.states), opened=said.opened,
            answers=len(replies),
        )  # fmt: skip
        # From here on a bag may be out: a reply in it can't be taken back.
        carried = catalogue.replies.carry(day)
    head = signed_head(
        Head(entry.number, entry.hash), desk=room.settings.desk.name, day=entry.day, key=key
    )
    files = {"receipts.json": said.encoded(room.settings.desk.name), HEAD_FILE: head, **replies}
    try:
        folder = put_bag(to, *answers(room.settings, files, day=day), key)
    except BaseException:
        catalogue.replies.stay(carried)
        raise
    keyed = catalogue.keys.subkeys()
    keyless = sum(drop.status is Status.OPENED and drop.digest not in keyed for drop in drops)
    return _Written(folder, said, canaries, len(replies), told, keyless)


def _print_json(written: _Written) -> None:
    said = written.receipts
    counts = {
        "envelopes": len(said.states) - len(written.canaries),
        "opened": said.opened,
        "opened_without_backup": said.unsafe,
        "canaries": len(written.canaries),
        "replies": written.replies,
        "sources_told": written.told,
    }
    print_json({"bag": str(written.folder), **counts})


def _print(written: _Written) -> None:
    drops = len(written.receipts.states) - len(written.canaries)
    click.echo(f"in {written.folder}:")
    click.echo(
        f"receipts of drops: {drops}, of which opened and backed up: {written.receipts.opened}; "
        f"files for sources' mailboxes: {written.replies}"
    )
    if written.canaries:
        newest = max(plain(each.canary_day or "") for each in written.canaries)
        click.echo(
            f"receipts of the server's canary: {len(written.canaries)}, the last of {newest}"
        )
    click.echo(f"sources who are told that more of what they sent was opened: {written.told}")
    click.echo("it was read back; the stick can be unplugged")
