"""tapedrop-intake duplicates: what was sent twice, encoded anew, or cut out of something else."""

from collections.abc import Collection
from dataclasses import asdict
from typing import Any, Final

import click

from intake import timecodes
from intake.arriving.pace import Step
from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.exits import DONE, exit_code, gravest
from intake.cli.talk import Progress, complain, note, print_json
from intake.drop import Drop
from intake.duplicates import compare, listen, pairs, recordings, told_once
from intake.errors import NotDecodable, VaultDamaged
from intake.layout import Layout
from intake.listen.decode import Decoder
from intake.passages import Alike, Pair
from intake.unlocked import Unlocked

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk duplicates
  drop-0007 is the same file as drop-0003
  drop-0012 is drop-0003, encoded anew
  drop-0020 is an excerpt of drop-0003, from 4:31.2 to 5:01.2
"""


@click.command("duplicates", epilog=_EPILOG)
@click.argument("ids", metavar="[ID|CASE]...", nargs=-1)
@at_desk
@as_json
def command(ids: tuple[str, ...], desk: Layout, as_json: bool) -> int:
    """Find the same sound in different drops, and where.

    With IDs, only what concerns them is shown. Each recording is listened to once, in a process
    that can do nothing else. Times are in the recording that is named second. What was played
    faster or slower isn't found, and of less than seven seconds only the same file or coding. What
    could not be decoded is tried again when it is named.
    """
    with unlocked(desk) as room:
        wanted = {drop.number for drop in room.drops(ids)}
        drops = recordings(room.catalogue)
        code = _listen_to_all(room, drops, again=wanted)
        with Progress("comparing") as progress:
            compare(room.catalogue, progress)
        found = pairs(room.catalogue, drops)
    found = [each for each in found if wanted & {each.number, each.other}] if ids else found
    if as_json:
        print_json([_row(each) for each in found])
        return code
    listed = found if ids else told_once(found)
    for each in listed:
        for line in _lines(each):
            click.echo(line)
    if not listed:
        note(f"nothing alike among {len(drops)} recordings")
    return code


def _listen_to_all(room: Unlocked, drops: list[Drop], *, again: Collection[int]) -> int:
    """Listen to what nobody has yet; return the exit code for what could not be.

    What could not be decoded before is tried again where it is among `again`.
    """
    heard = {
        number: sound
        for number, sound in room.catalogue.sounds.all().items()
        if sound.length_ms or number not in again
    }
    new = [drop for drop in drops if drop.number not in heard]
    here = [drop for drop in new if room.working.has(drop.digest)]
    if len(here) < len(new):
        note(f"{len(new) - len(here)} have no working copy; tapedrop-intake open makes it anew")
    if mute := [each for each in heard.values() if not each.length_ms]:
        note(f"{len(mute)} could not be decoded, and are compared as files only")
    code, passed = DONE, 0
    total = sum(drop.manifest.size for drop in here if drop.manifest)
    with Decoder() as decoder, Progress("listening") as progress:
        for place, drop in enumerate(here, start=1):
            progress(Step(passed, total, place, len(here)))
            try:
                listen(
                    drop,
                    working=room.working,
                    catalogue=room.catalogue,
                    vault=room.vault,
                    decoder=decoder,
                )
            except (NotDecodable, VaultDamaged) as error:
                complain(error, about=drop.id)
                code = gravest(code, exit_code(error))
            passed += drop.manifest.size if drop.manifest else 0
    return code


def _lines(pair: Pair) -> list[str]:
    this, other = _id(pair.number), _id(pair.other)
    match pair.alike:
        case Alike.SAME_FILE:
            return [f"{this} is the same file as {other}"]
        case Alike.SAME_CODING:
            return [f"{this} is the same coded sound as {other}, in another file"]
        case Alike.ANEW:
            return [f"{this} is {other}, encoded anew"]
        case Alike.EXCERPT:
            (all_of_it,) = pair.passages
            span = _span(all_of_it.there_ms, all_of_it.length_ms)
            return [f"{this} is an excerpt of {other}, {span}"]
        case Alike.PASSAGES:
            return [
                f"{this}, {_span(each.here_ms, each.length_ms)}, sounds like {other}, "
                f"{_span(each.there_ms, each.length_ms)}"
                for each in pair.passages
            ]


def _span(at_ms: int, length_ms: int) -> str:
    """Return from when to when, in tenths of a second: no finer is known."""
    tenths = [timecodes.text(round(each, -2)) for each in (at_ms, at_ms + length_ms)]
    return f"from {tenths[0]} to {tenths[1]}"


def _row(pair: Pair) -> dict[str, Any]:
    return {
        "id": _id(pair.number),
        "other": _id(pair.other),
        "alike": pair.alike,
        "passages": [asdict(each) for each in pair.passages],
    }


def _id(number: int) -> str:
    return f"drop-{number:04d}"
