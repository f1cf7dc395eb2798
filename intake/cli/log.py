"""tapedrop-intake log: what was done at this desk, and whether the account of it was changed."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import click

from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.exits import DONE, exit_code
from intake.cli.talk import complain, note, print_json, print_table
from intake.cli.texts import Day
from intake.errors import CustodyBroken
from intake.layout import Layout
from intake.proving.custody import Entry, followed
from intake.proving.signed import carried_heads
from intake.unlocked import Unlocked
from intake.wording import plain

_VERIFY: Final = "verify"
_HEAD: Final = ("entry", "day", "what was done", "with", "by", "")
_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk log drop-0001
  $ tapedrop-intake --desk desk log verify --against /media/stick
"""


@click.command(
    "log",
    short_help="Show what was done at this desk; `log verify` checks it.",
    options_metavar="[OPTIONS]",
    epilog=_EPILOG,
)
@click.argument("what", metavar="[ID|CASE|verify]", required=False)
@click.option("--since", metavar="DAY", type=Day(),
              help="Only what was done on this day or later, YYYY-MM-DD.")  # fmt: skip
@click.option("--against", metavar="PATH", multiple=True,
              type=click.Path(exists=True, path_type=Path),
              help="With verify: a FILE.custody, a statement's FILE.json, or a stick of receipts; "
              "the log must still be the one that was carried out there.")  # fmt: skip
@at_desk
@as_json
def command(
    what: str | None, since: date | None, against: tuple[Path, ...], desk: Layout, as_json: bool
) -> int:
    """Show what was done at this desk: all of it, or with one drop, or with the drops of a case.

    `log verify` goes through the whole log. Every entry holds the hash of the one before, so a
    changed one is found, and named. What is cut off at the end, or written anew by somebody with
    the vault's key, only shows beside what was carried out before: --against.
    """
    if against and what != _VERIFY:
        raise click.UsageError("--against belongs to `log verify`")
    with unlocked(desk) as room:
        if what == _VERIFY:
            _verify(room, against, as_json=as_json)
            return DONE
        names = _names(room)
        marks = (
            {room.vault.mark(drop.digest) for drop in room.drops([what], also_purged=True)}
            if what
            else None
        )
        code, entries = DONE, list[Entry]()
        try:
            entries.extend(
                entry
                for entry in room.catalogue.custody.entries()
                if (marks is None or entry.drop in marks) and _is_since(entry, since)
            )
        except CustodyBroken as error:  # what stands before is worth reading all the same
            complain(error)
            code = exit_code(error)
    if as_json:
        print_json([_row(entry, names) for entry in entries])
    elif entries:
        print_table(_HEAD, [_cells(entry, names) for entry in entries])
    else:
        note("nothing was done yet")
    return code


def _verify(room: Unlocked, against: Sequence[Path], *, as_json: bool) -> None:
    signer = room.signing_key.public_key()
    heads = [head for path in against for head in carried_heads(path, signer)]
    head = followed(room.catalogue.custody.entries(), heads)
    if as_json:
        said = {"entries": head.number, "head": head.hash.hex(), "held_against": len(heads)}
        print_json(said)
        return
    click.echo(f"every entry holds, from 1 to {head.number}")
    if heads:
        reach = max(each.number for each in heads)
        click.echo(f"up to entry {reach} it is the log that was carried out")
    else:
        note("hint: what was cut off at its end shows with --against, beside an earlier receipt")


def _names(room: Unlocked) -> dict[str, str]:
    """Return the id of every drop, by its mark in the log."""
    drops = room.catalogue.drops
    every = [*drops.all(), *drops.canaries(), *drops.purged()]
    return {room.vault.mark(drop.digest): drop.id for drop in every}


def _is_since(entry: Entry, since: date | None) -> bool:
    return since is None or date.fromisoformat(entry.day) >= since


def _row(entry: Entry, names: dict[str, str]) -> dict[str, Any]:
    return {
        "number": entry.number,
        "day": entry.day,
        "act": entry.act,
        "id": names.get(entry.drop) if entry.drop else None,
        "mark": entry.drop,
        "by": entry.by,
        "said": dict(entry.said),
        "hash": entry.hash.hex(),
    }


def _cells(entry: Entry, names: dict[str, str]) -> tuple[str, ...]:
    about = names.get(entry.drop, entry.drop) if entry.drop else "-"
    said = ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in entry.said.items())
    return (str(entry.number), entry.day, entry.act, about, plain(entry.by), plain(said))
