"""tapedrop-intake keys: whom the newsroom's drops are sealed to; a desk signs for it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

import click

from crypto.comparing import read_object
from crypto.gpg import Gpg
from crypto.keylist import LARGEST_BYTES, is_list
from crypto.newsroom import NewsroomKey, look_at
from intake import readers
from intake.cli.desk import as_json, at_desk, desk_gpg, unlocked
from intake.cli.subkeys import destroy, spent
from intake.cli.talk import compare, confirm, note, print_json
from intake.durable import carry_out
from intake.errors import CantChangeKeys
from intake.layout import Layout
from intake.locking import working_at
from intake.pairing import read_desk_pairing
from intake.settings import Settings, read_settings
from intake.wording import plain, spaced

_NEXT: Final = "next: tapedrop-intake keys sign --to STICK; the server believes only what is signed"


@click.group(
    "keys",
    short_help="The newsroom's keys, and which desks may sign for them.",
    subcommand_metavar="VERB …",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk keys add colleague.asc
  $ tapedrop-intake --desk desk keys sign --to /media/stick
  $ tapedrop-intake --desk desk keys spent
""",
)
def command() -> None:
    """Whom the newsroom's drops are sealed to, and which desks may sign for that."""


@command.command(
    "list",
    short_help="List the keys, and the desks that may sign.",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk keys list
""",
)
@at_desk
@as_json
def show(desk: Layout, as_json: bool) -> None:
    """List the newsroom's keys as this desk knows them, and the desks that may sign for them."""
    _show(desk, read_settings(desk.settings), as_json=as_json)


@command.command(
    "add",
    epilog="""\b
Example: a colleague's key; another desk, which may sign from then on; a list that it signed
  $ tapedrop-intake --desk desk keys add colleague.asc
  $ tapedrop-intake --desk desk keys add /media/stick/pairing.json
  $ tapedrop-intake --desk desk keys add /media/stick/keys-2026-11-21.json
""",
)
@click.argument("file", metavar="FILE", type=click.File("rb"))
@click.option("--fingerprint", metavar="FPR",
              help="The key's whole fingerprint, as its owner says it.")  # fmt: skip
@click.option("--words", help="The eight words that the other desk shows.")
@at_desk
@as_json
def add(
    file: BinaryIO, fingerprint: str | None, words: str | None, desk: Layout, as_json: bool
) -> None:
    """Add the public key in FILE, once its fingerprint was compared.

    FILE may also be another desk's pairing.json, which names a desk that may sign from then on and
    its reporter's key, or a list that another desk has signed.
    """
    content = file.read(LARGEST_BYTES + 1)
    blocks: Mapping[str, str]
    with working_at(desk.folder, alone=True):
        settings = read_settings(desk.settings)
        gpg, now = desk_gpg(Path(settings.reporter.gnupg_home)), datetime.now(UTC)
        if not is_list(content):
            after, blocks = _with_key(settings, content, fingerprint, gpg, now)
        elif _is_desk(content):
            after, blocks = _with_desk(desk, settings, content, words, Path(file.name), gpg, now)
        else:
            after, blocks = readers.taken(content, desk, settings, gpg=gpg, now=now)
        readers.keep(desk, after, blocks)
    if after.server.signed_at == settings.server.signed_at:
        note(_NEXT)
    _show(desk, after, as_json=as_json)


@command.command(
    "retire",
    short_help="Take a key, or a desk, off the list.",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk keys retire 3F0A1C44B5D27E90AA61F0C2D9B8E7F65B0C91F2
""",
)
@click.argument("which", metavar="FPR")
@click.option("--confirm", "given", metavar="FPR", help="Answer the question: FPR once more.")
@at_desk
@as_json
def retire(which: str, given: str | None, desk: Layout, as_json: bool) -> None:
    """Take the key whose whole fingerprint is FPR off the list, or a desk, by name, off who signs.

    What was sealed to it stays readable with it.
    """
    with working_at(desk.folder, alone=True):
        after = _retired(desk, which, given)
    note(_NEXT)
    _show(desk, after, as_json=as_json)


def _retired(desk: Layout, which: str, given: str | None) -> Settings:
    settings, today = read_settings(desk.settings), datetime.now(UTC).date()
    own = readers.own_key(desk)
    if which in readers.signers(settings, own).values():
        after = readers.without_signer(settings, which, own)
    else:
        typed, which = which, "".join(which.split()).upper().removeprefix("0X")
        if which not in settings.server.newsroom:
            raise CantChangeKeys(f"{typed} is none of them, and no desk that signs for them")
        after = readers.without_key(settings, which, today=today)
        note("what was sealed to it until now stays readable with it")
        if which == settings.reporter.key:
            note("warning: this desk's vault opens with it: keep its secret half. what comes from")
            note("then on opens only with another of the newsroom's keys that gpg has here")
    confirm(f"to retire it, type {which}", which, given=given, option="--confirm")
    readers.keep(desk, after, {})
    return after


@command.command(
    "sign",
    short_help="Sign the list for the server and the other desks.",
    epilog="""\b
Example:
  $ tapedrop-intake --desk desk keys sign --to /media/stick
  $ tapedrop-server keys add /media/stick/keys-2026-11-21.json      (at the server)
""",
)
@click.option("--to", metavar="STICK", required=True, type=click.Path(path_type=Path),
              help="The stick, or a file; never overwritten.")  # fmt: skip
@at_desk
@as_json
def sign(to: Path, desk: Layout, as_json: bool) -> None:
    """Sign the newsroom's key list for the server, and for the other desks.

    The list is written whole, or not at all. Needs the vault's key, so gpg may ask for a PIN.
    """
    now = datetime.now(UTC)
    with unlocked(desk, alone=True) as room:
        signing_key = room.vault.signing_key(desk.signing_key.read_bytes())
        # The reporter may have given it a later end since.
        own = readers.blocks_from(room.gpg, [room.settings.reporter.key])
        readers.keep(desk, room.settings, own)
        signed, after = readers.sign(desk, room.settings, signing_key, now=now)
        path = _free(to, f"keys-{now.date().isoformat()}") if to.is_dir() else to
        carry_out(path, signed)
        readers.keep(desk, after, {})
    if as_json:
        print_json({"list": str(path), "readers": list(after.server.newsroom)})
        return
    count = len(after.server.newsroom)
    click.echo(f"signed {count} {'key' if count == 1 else 'keys'} in {path}")
    click.echo(f"next, at the server: tapedrop-server keys add {path.name}")
    click.echo("and at each other desk: tapedrop-intake keys add with the same file")


def _with_key(
    settings: Settings, content: bytes, fingerprint: str | None, gpg: Gpg, now: datetime
) -> tuple[Settings, dict[str, str]]:
    key = _one(look_at(gpg, content, now=now))
    block = {key.fingerprint: readers.armoured(content, key.fingerprint)}
    if key.fingerprint in settings.server.newsroom:
        note("it is one of them already; what is new about it, as a later end, is kept")
        return settings, block
    after = readers.with_key(settings, key, today=now.date())
    note("compare with its owner, over another channel than the file came by:")
    note(f"  {spaced(key.fingerprint)}  {plain(key.name)}")
    question = (
        f"type the whole fingerprint of {plain(key.name) or 'this key'}, as its owner says it"
    )
    compare(question, key.fingerprint, given=fingerprint, option="--fingerprint FPR")
    return after, block


def _with_desk(
    desk: Layout,
    settings: Settings,
    content: bytes,
    words: str | None,
    path: Path,
    gpg: Gpg,
    now: datetime,
) -> tuple[Settings, dict[str, str]]:
    other, its_words = read_desk_pairing(path, content)
    note(f"a desk called {other.desk}, whose key is {other.signing_key}")
    after = readers.with_signer(settings, other, readers.own_key(desk))
    blocks = {}
    if other.key:
        key = _one(look_at(gpg, other.key.encode(), now=now))
        note(f"its reporter's key: {spaced(key.fingerprint)}  {plain(key.name)}")
        blocks[key.fingerprint] = other.key
        after = readers.with_key(after, key, today=now.date())
    question = f"type the eight words that {other.desk} shows (there: tapedrop-intake pair)"
    compare(question, its_words, given=words)
    return after, blocks


def _free(stick: Path, name: str) -> Path:
    """Return where a list goes: a second one of the same day beside the first."""
    path, number = stick / f"{name}.json", 1
    while path.exists():
        number += 1
        path = stick / f"{name}-{number}.json"
    return path


def _is_desk(content: bytes) -> bool:
    try:
        kind = read_object(content).get("kind")
    except ValueError:
        return False
    return isinstance(kind, str) and kind.startswith("tapedrop desk ")


def _one(found: Sequence[NewsroomKey]) -> NewsroomKey:
    if len(found) != 1:
        raise CantChangeKeys("the file holds several keys; add one at a time")
    return found[0]


def _show(desk: Layout, settings: Settings, *, as_json: bool) -> None:
    server = settings.server
    signers = readers.signers(settings, readers.own_key(desk))
    if as_json:
        said = {"readers": list(server.newsroom), "desks": signers}
        print_json(said | {"signed_at": server.signed_at, "earlier_lists": len(server.earlier)})
        return
    for fingerprint in server.newsroom:
        own = "  (this desk's)" if fingerprint == settings.reporter.key else ""
        click.echo(f"{spaced(fingerprint)}{own}")
    click.echo(f"may sign the list: {', '.join(sorted(signers.values()))}")


command.add_command(spent)
command.add_command(destroy)
