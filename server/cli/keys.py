"""tapedrop-server keys: whom recordings are sealed to, and whom alerts and backups are."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

import click

from crypto.errors import KeyRefused
from crypto.keylist import is_list
from crypto.newsroom import Newsroom, NewsroomKey, add_keys, look_at
from server.cli import keylists, retiring
from server.cli.key_lines import (
    checked,
    compact,
    ends_soon,
    line,
    said,
    with_problem,
)
from server.cli.options import (
    answer,
    config_option,
    drop_at,
    json_option,
    keyring_at,
    staff_option,
)
from server.cli.talk import confirm, note, warn
from server.errors import EndsSoon, NoStaffKey, NotConfirmed, NotFit, NotSigned, ServerError
from server.newsroom import SOON_DAYS, Keyring
from server.staff.checks.starting import NO_KEY

_LARGEST: Final = 1024 * 1024


@click.group("keys", subcommand_metavar="VERB …")
def command() -> None:
    """The newsroom's public keys, and security staff's own."""


command.add_command(retiring.command)


@command.command(
    "add",
    short_help="Add somebody's public key.",
    epilog="""\b
Example: the key that a reporter gave you
  tapedrop-server keys add newsroom.asc
or, once a desk is paired, the list that it signed
  tapedrop-server keys add /media/stick/keys.json
""",
)
@click.argument("file", type=click.File("rb"))
@click.option(
    "--fingerprint",
    "fingerprints",
    multiple=True,
    metavar="FPR",
    help="The key's whole fingerprint, as its owner says it; once for each key in FILE.",
)
@staff_option
@config_option
@json_option
def add(
    file: BinaryIO, fingerprints: tuple[str, ...], staff: bool, config_file: Path, as_json: bool
) -> None:
    """Add the public keys in FILE, once their fingerprints were compared.

    Shows each fingerprint and asks for it back: as its owner reads it out, over another channel
    than FILE came by. Once a desk is paired, it must have signed for a newsroom key: FILE is then
    the list that it signed (tapedrop-intake keys sign), which is taken as a whole, unasked.
    """
    keyring = keyring_at(config_file, staff=staff)
    exported = file.read(_LARGEST + 1)
    if len(exported) > _LARGEST:
        raise KeyRefused("too large for a key")
    if is_list(exported) and not staff:
        keylists.take(*drop_at(config_file), exported, as_json=as_json)
        return
    keys = _looked_at(keyring, exported)
    _refuse_unsigned(keyring, keys)
    _compare(keys, fingerprints)
    with keyring.changing():
        _refuse_unsigned(keyring, keys)  # somebody may have retired one meanwhile
        before = keyring.read(now=datetime.now(UTC)).fingerprints
        added = add_keys(keyring.gpg, exported, now=datetime.now(UTC))
    lines = [
        f"{'renewed' if key.fingerprint in before else 'added'} {with_problem(key)}"
        for key in added
    ]
    answer({"keys": [said(key) for key in added]}, lines, as_json=as_json)
    _refuse_problems(Newsroom(added))
    if staff:
        note("from now on alerts and backups can be read with it")
        return
    note("from now on every recording is sealed to it")
    if keyring.signed() is None:
        note("next: tapedrop-server pair --to FILE, for the desk")


@command.command(
    "list",
    short_help="List the keys.",
    epilog="""\b
Example:
  tapedrop-server keys list
""",
)
@staff_option
@config_option
@json_option
def show(staff: bool, config_file: Path, as_json: bool) -> None:
    """List the keys, and what is wrong with any: exit 3 then, and 5 when there is none.

    Where security staff have none, exit 1: a drop runs without.
    """
    now = datetime.now(UTC)
    newsroom = keyring_at(config_file, staff=staff).read(now=now)
    lines = [with_problem(key) for key in newsroom.keys]
    answer({"keys": [said(key) for key in newsroom.keys]}, lines, as_json=as_json)
    for key in newsroom.ends_within(SOON_DAYS, now):
        warn(ends_soon(key))
    if not newsroom.keys:
        raise _no_key(staff=staff)
    _refuse_problems(newsroom)


@command.command(
    "check",
    short_help="Say whether each key can be used, and for how long.",
    epilog="""\b
Example: once a month, or whenever `status` warns
  tapedrop-server keys check
""",
)
@staff_option
@config_option
@json_option
def check(staff: bool, config_file: Path, as_json: bool) -> None:
    """Say of each key whether it can be sealed to, for how long, and who signed for it.

    Exit 1 when one ends within 60 days, 3 when one can't be sealed to, 5 when none can.
    """
    now = datetime.now(UTC)
    keyring = keyring_at(config_file, staff=staff)
    newsroom, signed = keyring.read(now=now), keyring.signed()
    told = [
        said(key)
        | {
            "algorithm": key.algorithm,
            "days": key.days_left(now),
            "signed_for": None if signed is None else key.fingerprint in signed,
        }
        for key in newsroom.keys
    ]
    lines = [checked(key, now, signed) for key in newsroom.keys]
    answer({"keys": told}, lines, as_json=as_json)
    if not newsroom.usable and not (staff and newsroom.keys):
        raise NotFit(newsroom.problems) if newsroom.keys else _no_key(staff=staff)
    _refuse_problems(newsroom)
    if soon := newsroom.ends_within(SOON_DAYS, now):
        raise EndsSoon("; ".join(ends_soon(key) for key in soon))


def _looked_at(keyring: Keyring, exported: bytes) -> tuple[NewsroomKey, ...]:
    """Return the keys in a file. Raises KeyRefused, with what to do about it."""
    try:
        return look_at(keyring.gpg, exported, now=datetime.now(UTC))
    except KeyRefused as refused:
        if refused.secret:
            export = f"gpg --armor --export {refused.fingerprint}"
            refused.hint = f"wipe this file; its owner brings the public half only: {export}"
        elif refused.fingerprint in keyring.read(now=datetime.now(UTC)).fingerprints:
            retire = f"tapedrop-server keys retire {refused.fingerprint}"
            refused.hint = f"that key is here already; if it is not to be used any more: {retire}"
        elif refused.fingerprint:
            refused.hint = "have its owner make a new one, or sign this one anew (docs/operator.md)"
        raise


def _refuse_unsigned(keyring: Keyring, keys: Sequence[NewsroomKey]) -> None:
    signed = keyring.signed()
    for key in keys:
        if signed is not None and key.fingerprint not in signed:
            raise NotSigned(key.fingerprint)


def _compare(keys: Sequence[NewsroomKey], fingerprints: Sequence[str]) -> None:
    """Ask for each fingerprint back. Raises NotConfirmed, click.UsageError."""
    note("compare with its owner, over another channel than the file came by:")
    for key in keys:
        note(f"  {line(key)}, {key.algorithm}")
    if fingerprints:
        if {compact(each) for each in fingerprints} != {key.fingerprint for key in keys}:
            raise NotConfirmed("the file holds other keys than those; nothing was added")
        return
    for key in keys:
        question = f"type the whole fingerprint of {key.name or 'this key'}, as its owner says it"
        confirm(question, key.fingerprint, given=None, option="--fingerprint FPR")


def _refuse_problems(newsroom: Newsroom) -> None:
    if newsroom.problems:
        raise KeyRefused("; ".join(newsroom.problems))


def _no_key(*, staff: bool) -> ServerError:
    if staff:
        return NoStaffKey("security staff have no key: no alert and no backup can be made")
    return NotFit([NO_KEY])
