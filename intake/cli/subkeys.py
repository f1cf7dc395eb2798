"""tapedrop-intake keys spent, keys destroy: a quarter's subkey, when nothing needs it any more."""

from datetime import UTC, datetime
from functools import partial
from typing import Final

import click

from intake.cleaning import is_closed_inside
from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.exits import DONE, NEEDS_A_PERSON
from intake.cli.talk import confirm, note, print_json, print_table
from intake.errors import KeyNeeded
from intake.layout import Layout
from intake.subkeys import Subkey, Subkeys
from intake.unlocked import Unlocked, today
from intake.wording import spaced

_HEAD: Final = ("subkey", "made", "where", "opened", "needed")


@click.command(
    "spent",
    short_help="Say which subkeys nothing needs any more.",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk keys spent
  subkey     made        where  opened  needed
  5B0C…91F2  2026-10-01  here       31  new drops are sealed to it
  3F0A…77D0  2026-07-01  here      212  by nothing: keys destroy 3F0A…77D0
""",
)
@at_desk
@as_json
def spent(desk: Layout, as_json: bool) -> None:
    """List this desk's own subkeys: how many drops each has opened, and what still needs it.

    A subkey that nothing needs can be destroyed: then nobody can be made to open with it what is
    sealed to it, from whatever copy of an envelope. What the desk has opened stays open.
    """
    with unlocked(desk) as room:
        found = _subkeys(room).all()
    if as_json:
        print_json([_row(each) for each in found])
        return
    print_table(_HEAD, [_cells(each) for each in found])
    note("nobody here knows what the server, or a stick, still holds that is sealed to one of them")


@click.command(
    "destroy",
    short_help="Destroy the secret half of a spent subkey.",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk keys destroy 3F0A1C44B5D27E90AA61F0C2D9B8E7F65B0C91F2
""",
)
@click.argument("fingerprint", metavar="FPR")
@click.option("--confirm", "given", metavar="FPR", help="Answer the question: FPR once more.")
@at_desk
@as_json
def destroy(fingerprint: str, given: str | None, desk: Layout, as_json: bool) -> int:
    """Destroy the secret half of the subkey whose whole fingerprint is FPR, for good.

    Refused while anything here needs it. Where the vault's key is sealed to it, that is sealed to
    the newest subkey first, and a backup has to be made before the old one goes.
    """
    fingerprint = "".join(fingerprint.split()).upper().removeprefix("0X")
    with unlocked(desk, alone=True) as room:
        subkeys = _subkeys(room)
        key = subkeys.one(fingerprint)
        needed = subkeys.needed(key)
        if len(needed) == 1 and subkeys.vault_subkey() == fingerprint:
            newest = subkeys.seal_vault_anew(room.vault, by=room.by, day=today())
            note(f"the vault's key is sealed to {newest} now; earlier backups need the old one")
            needed = subkeys.needed(key)
        if needed:
            raise KeyNeeded(fingerprint, needed)
        if key.card is not None:
            _on_a_card(fingerprint, key.card, as_json=as_json)
            return NEEDS_A_PERSON
        note("what the server, a stick or a colleague still holds that is sealed to it can't be")
        note("opened with it any more: export and import first, here and at the other desks")
        for disk in subkeys.backups_from_before():
            note(f"warning: the disk {disk.medium[:8]} was last backed up to on {disk.day}, before")
            note("the vault's key was sealed anew: afterwards nothing restores it; back up first")
        confirm(f"to destroy it, type {fingerprint}", fingerprint, given=given, option="--confirm")
        subkeys.destroy(key, by=room.by, day=today())
    note("gpg has deleted its file. copies of gpg's home, backups of it and worn flash may hold it")
    note("still: destroy those too, or trust to the encryption of the disk that they are on")
    if as_json:
        print_json({"subkey": fingerprint, "destroyed": True})
    else:
        click.echo(f"the secret half of {fingerprint} is gone")
    return DONE


def _subkeys(room: Unlocked) -> Subkeys:
    return Subkeys(
        room.layout,
        room.settings,
        room.catalogue,
        room.gpg,
        room.own_keys(),
        partial(is_closed_inside, working=room.working, catalogue=room.catalogue),
        datetime.now(UTC),
    )


def _on_a_card(fingerprint: str, serial: str, *, as_json: bool) -> None:
    note(f"nothing needs it, but gpg can't take it off the card {serial}: where the card has no")
    note("other key that counts, gpg --card-edit, admin, factory-reset does; else break the card")
    if as_json:
        print_json({"subkey": fingerprint, "destroyed": False, "card": serial})


def _row(subkey: Subkey) -> dict[str, object]:
    return {
        "subkey": subkey.key.fingerprint,
        "primary": subkey.key.primary,
        "made": _day(subkey),
        "card": subkey.key.card,
        "opened": subkey.opened,
        "needed": list(subkey.needed),
    }


def _cells(subkey: Subkey) -> tuple[str, ...]:
    return (
        spaced(subkey.key.fingerprint),
        _day(subkey),
        f"card {subkey.key.card}" if subkey.key.card else "here",
        str(subkey.opened),
        "; ".join(subkey.needed) or "by nothing: keys destroy takes it away",
    )


def _day(subkey: Subkey) -> str:
    return datetime.fromtimestamp(subkey.key.created, UTC).date().isoformat()
