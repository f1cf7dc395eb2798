"""tapedrop-intake share: a case to a colleague on another air-gapped desk."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from crypto.gpg import Gpg
from crypto.newsroom import NewsroomKey, read_newsroom
from intake import readers
from intake.arriving.provenance import Provenance
from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.exits import DONE, NEEDS_A_PERSON, exit_code
from intake.cli.init import whole_fingerprint
from intake.cli.talk import Progress, compare, complain, note, print_json
from intake.drop import Drop, Status
from intake.errors import EvidenceDamaged, KeyNotUsable, NothingToShare, SharesUncleaned
from intake.layout import Layout
from intake.records import Kind
from intake.sharing.casefile import Condition
from intake.sharing.giving import Sharing, condition
from intake.unlocked import CASE_ID, Unlocked, today
from intake.wording import plain, spaced

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk share case-0003 --to /media/stick \\
        --key 3F0A1C44B5D27E90AA61F0C2D9B8E7F65B0C91F2
  $ tapedrop-intake --desk desk merge /media/stick      (at the colleague's desk, and back)
"""


@click.command("share", short_help="Put a case on a stick for a colleague's desk.", epilog=_EPILOG)
@click.argument("ids", metavar="ID|CASE...", nargs=-1, required=True)
@click.option("--key", metavar="FINGERPRINT", required=True, callback=whole_fingerprint,
              help="The colleague's OpenPGP key, whole.")  # fmt: skip
@click.option("--to", metavar="DIR", required=True, type=click.Path(path_type=Path),
              help="The stick, or a folder that is made.")  # fmt: skip
@click.option("--uncleaned", "uncleaned_too", is_flag=True,
              help="Also drops that neither the server nor this desk could clean.")  # fmt: skip
@click.option("--confirm", "given", metavar="FINGERPRINT",
              help="Answer about a key outside the newsroom: its fingerprint.")  # fmt: skip
@at_desk
@as_json
def command(
    ids: tuple[str, ...],
    key: str,
    to: Path,
    uncleaned_too: bool,
    given: str | None,
    desk: Layout,
    as_json: bool,
) -> int:
    """Share cases, or single drops, with a colleague on another air-gapped desk.

    Envelopes travel as they arrived. What reporters added, and what opens the drops, is sealed to
    the colleague's key alone. What is broken off goes on when the same is typed again.
    """
    with unlocked(desk) as room, _gpg_that_has(desk, key, room) as (gpg, colleague):
        found = room.drops(ids)
        drops = [drop for drop in found if room.evidence.has(drop.digest)]
        if not drops:
            raise NothingToShare
        if key not in room.settings.server.newsroom:
            _ask(drops, colleague, given)
        uncleaned = [drop.id for drop in drops if _is_uncleaned(room, drop)]
        if uncleaned and not uncleaned_too:
            raise SharesUncleaned(uncleaned)
        for name in uncleaned:
            note(f"warning: {name} is not cleaned: what it says about its maker is still in it")
        left_out = [drop for drop in found if drop not in drops]
        for drop in left_out:
            note(f"warning: {drop.id} is left out: its envelope is not at this desk")
        sharing = Sharing(
            settings=room.settings,
            catalogue=room.catalogue,
            evidence=room.evidence,
            provenance=Provenance(desk.bags, room.settings.server.signer),
            vault=room.vault,
            gpg=gpg,
            signing_key=room.signing_key,
        )
        try:
            with Progress("copying") as copying, Progress("reading back") as reading:
                bag = sharing.put(
                    drops, _cases(room, ids), colleague=colleague, to=to, by=room.by, day=today(),
                    copying=copying, reading=reading,
                )  # fmt: skip
        except EvidenceDamaged as error:
            damaged = next(each.id for each in drops if each.digest.hex() == error.digest_hex)
            complain(error, about=damaged)
            return exit_code(error)
    if as_json:
        said = {"bag": str(bag), "key": key, "drops": [drop.id for drop in drops]}
        said |= {"not_cleaned": uncleaned}
        print_json(said | {"left_out": [drop.id for drop in left_out]})
    else:
        click.echo(f"in {bag}:")
        opened = sum(drop.status is Status.OPENED for drop in drops)
        click.echo(f"drops: {len(drops)}, of which {opened} open there without a key of theirs")
        click.echo(f"sealed to {spaced(key)}  {plain(colleague.name)}".rstrip())
        click.echo("it was read back; the stick can be unplugged")
        click.echo("next, at the colleague's desk: tapedrop-intake merge STICK")
    return NEEDS_A_PERSON if left_out else DONE


def _cases(room: Unlocked, ids: Sequence[str]) -> list[bytes]:
    numbers = [int(match[1]) for each in ids if (match := CASE_ID.fullmatch(each))]
    return [room.catalogue.records.one(Kind.CASE, number).id for number in dict.fromkeys(numbers)]


def _is_uncleaned(room: Unlocked, drop: Drop) -> bool:
    """Say whether the colleague could hand out nothing of a drop that has been cleaned."""
    return condition(room.catalogue, drop.digest) is Condition.UNCLEANED


def _ask(drops: Sequence[Drop], colleague: NewsroomKey, given: str | None) -> None:
    """Have a person say that somebody whom the newsroom's list doesn't name is to read this."""
    note(f"{plain(colleague.name) or 'this key'} is not one of the newsroom's keys")
    note(f"whoever has it can open {len(drops)} drops of yours from then on")
    question = "type the key's whole fingerprint, as its owner says it"
    compare(question, colleague.fingerprint, given=given, option="--confirm FINGERPRINT")


@contextmanager
def _gpg_that_has(desk: Layout, key: str, room: Unlocked) -> Iterator[tuple[Gpg, NewsroomKey]]:
    """Give a gpg that knows the colleague's key: as the newsroom's list has it, or the keyring.

    Raises KeyNotUsable.
    """
    block = readers.block_of(desk, key)
    if not block:
        yield room.gpg, _usable(room.gpg, key)
        return
    with tempfile.TemporaryDirectory(prefix="td-") as home:
        gpg = Gpg(Path(home))
        gpg.add_keys(block.encode())
        yield gpg, _usable(gpg, key)


def _usable(gpg: Gpg, fingerprint: str) -> NewsroomKey:
    for key in read_newsroom(gpg, now=datetime.now(UTC)).keys:
        if key.fingerprint == fingerprint:
            if key.problem:
                raise KeyNotUsable(fingerprint, key.problem)
            return key
    raise KeyNotUsable(fingerprint, "neither this desk nor its keyring has it")
