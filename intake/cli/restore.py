"""tapedrop-intake restore: a desk, made anew from its backup."""

from pathlib import Path
from typing import Final

import click

from intake.cli.desk import as_json, desk_gpg
from intake.cli.exits import DONE, NEEDS_A_PERSON
from intake.cli.talk import Progress, compare, note, print_json
from intake.errors import KeyNotUsable
from intake.keeping.finding import Found, find
from intake.keeping.restore import Restored, restore
from intake.unlocked import today
from intake.wording import told

UNKNOWN: Final = "unknown"
_EPILOG: Final = """\b
Example:
  $ tapedrop-intake restore /media/disk --to desk
  tapedrop-intake: type the eight words that backup told
  > absurd maple …
  restored 412 drops to desk, as they were on 2026-11-21
"""


@click.command("restore", short_help="Make a desk anew from its backup.", epilog=_EPILOG)
@click.argument("backup", metavar="BACKUP", type=click.Path(path_type=Path))
@click.option("--to", metavar="DIR", required=True, type=click.Path(path_type=Path),
              help="The desk's new folder.")  # fmt: skip
@click.option("--gnupg", metavar="HOME", type=click.Path(path_type=Path, file_okay=False),
              help="Where gpg finds the reporter's key (default: ~/.gnupg).")  # fmt: skip
@click.option("--words", help="The eight words that backup told, or: unknown.")
@as_json
def command(backup: Path, to: Path, gnupg: Path | None, words: str | None, as_json: bool) -> int:
    """Make the desk anew in DIR from BACKUP: a disk, a desk's folder on it, or one snapshot.

    Needs the reporter's key: the backup is sealed to it. Every byte is checked on the way. The drop
    needs no new pairing.
    """
    if to.exists() and to.samefile(Path.cwd()):
        # It takes its name when all of it is there: whoever stands in the old one would be nowhere.
        raise click.UsageError("that is the folder you are in: name a new one, or go elsewhere")
    home = (gnupg or Path.home() / ".gnupg").resolve()
    if not home.is_dir():
        raise KeyNotUsable("of the reporter", f"there is no keyring {home}")
    found = find(backup, gpg=desk_gpg(home))
    for name, error in found.passed_over:
        note(f"warning: {told(error, about=name)[0]}; the snapshot before {name} is taken")
    compared = _compared(found, words)
    with Progress("restoring") as progress:
        done = restore(found, to, gpg_home=home, day=today(), told=progress)
    for drop in done.damaged:
        note(f"warning: {drop.id}: its envelope is damaged on the disk, and was left out")
    if done.damaged:
        note("hint: import the sticks again that they came on, or restore from another disk")
    if not compared:
        note("warning: nobody compared the words: it may be a desk that somebody else made up")
        note("hint: have security staff compare what tapedrop-intake pair shows with their drop")
    if as_json:
        print_json(_row(found, done, to))
    else:
        _print(done, to)
    whole = compared and not done.damaged and not found.passed_over
    return DONE if whole else NEEDS_A_PERSON


def _compared(found: Found, given: str | None) -> bool:
    """Return whether a person had the words of the backup. Raises WordsDiffer for others."""
    if given == UNKNOWN:
        return False
    question = "type the eight words that backup told (nobody has them? --words unknown)"
    compare(question, found.words, given=given)
    return True


def _print(done: Restored, to: Path) -> None:
    count = f"{done.envelopes} {'drop' if done.envelopes == 1 else 'drops'}"
    click.echo(f"restored {count} to {to}, as they were on {done.day.isoformat()}")
    click.echo(f"the custody log reached entry {done.head.number} then, {done.head.hash.hex()}")
    click.echo("a later receipt, export or disk that says more is a later state than this one")
    click.echo("the drop needs no new pairing; take the old desk's folder away where there is one")
    click.echo(
        "recordings open again from their envelopes, without a card: tapedrop-intake open --all"
    )


def _row(found: Found, done: Restored, to: Path) -> dict[str, object]:
    return {
        "desk": str(to),
        "snapshot": str(found.folder),
        "day": done.day.isoformat(),
        "envelopes": done.envelopes,
        "damaged": [drop.id for drop in done.damaged],
        "passed_over": [name for name, _error in found.passed_over],
        "custody_entry": done.head.number,
        "custody_hash": done.head.hash.hex(),
    }
