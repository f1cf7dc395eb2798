"""tapedrop-intake export: a recording or message, to a file."""

from pathlib import Path
from typing import Final

import click

from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.talk import note, print_json
from intake.drop import Drop
from intake.export import CLEANED_HERE, custody_file, export, outgoing
from intake.layout import Layout
from intake.proving.custody import Act, Head
from intake.proving.signed import facts_of, signed
from intake.unlocked import Unlocked, today
from intake.working import Of

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk export drop-0001 --to interview.wav
"""


@click.command("export", epilog=_EPILOG)
@click.argument("drop_id", metavar="ID")
@click.option("--to", metavar="FILE", required=True, type=click.Path(path_type=Path),
              help="Where it goes, in the clear; never overwritten.")  # fmt: skip
@click.option("--as-sent", is_flag=True,
              help="As it was sent, also where it could not be cleaned.")  # fmt: skip
@at_desk
@as_json
def command(drop_id: str, to: Path, as_sent: bool, desk: Layout, as_json: bool) -> None:
    """Write a drop's recording or message to FILE, in the clear.

    What came uncleaned goes out as this desk has cleaned it; where it couldn't, it is refused.
    FILE.custody beside it is the desk's signed word on what FILE is, for the newsroom: it goes to
    nobody who should not know which drop was published.
    """
    with unlocked(desk) as room:
        drop = room.drop(drop_id)
        what = outgoing(drop, working=room.working, catalogue=room.catalogue, as_sent=as_sent)
        export(
            drop,
            to,
            what,
            working=room.working,
            logged=lambda digest: _logged(room, drop, what.condition, digest),
        )
    if what.uncleaned:
        note(f"warning: {drop.id} is not cleaned: what it says about its maker is still in it")
    if as_json:
        said = {
            "id": drop.id,
            "file": str(to),
            "custody": str(custody_file(to)),
            "size": what.size,
        }
        print_json(said | {"sha256": what.sha256, "condition": what.condition})
    else:
        how = {
            Of.SENT: "was sealed",
            Of.INSIDE: "its source had encrypted",
            Of.CLEANED: f"was {CLEANED_HERE} ({what.extension})",
        }[what.of]
        click.echo(f"{drop.id} is in {to}, and is what {how}")
        note(f"{custody_file(to).name} beside it proves that, and stays in the newsroom")


def _logged(room: Unlocked, drop: Drop, condition: str, digest_hex: str) -> bytes:
    """Have the export in the custody log; return the desk's word on the file."""
    day, custody = today(), room.catalogue.custody
    entry = custody.add(Act.EXPORTED, drop=drop.digest, by=room.by, day=day, condition=condition)
    said = {
        "version": "tapedrop export 1",
        "desk": room.settings.desk.name,
        "day": day.isoformat(),
        "file": {"sha256": digest_hex, "condition": condition},
        "drop": {"mark": entry.drop, "salt": room.vault.mark_salt(drop.digest).hex()},
        "entry": entry.number,
        **facts_of(Head(entry.number, entry.hash)),
    }
    return signed(said, room.signing_key)
