"""tapedrop-server restore: make a drop again from its backup, on another machine."""

import os
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import Final

import click

from crypto.errors import CryptoError, NoKeyOpens
from crypto.gpg import WHERE_IT_ASKS, Gpg
from server.cli.options import INSTALLED, answer, json_option
from server.cli.talk import PROGRAM, counted, warn
from server.config import Engine
from server.errors import BadBackup, ServerError
from server.newsroom import newsroom_of
from server.staff.moving.restore import Restored, digest_of, restore

_UNKNOWN: Final = "unknown"
_LEAST_DIGITS: Final = 22
_OF_INSTANCES: Final = re.compile(r"/var/lib/tor-instances/([a-z0-9_-]+)/")


@click.command(
    "restore",
    short_help="Make a drop again from its backup.",
    epilog="""\b
Example: on the new machine, with the card of one of the staff in its reader
  tapedrop-server restore /media/stick/drop.gpg --to /var/lib/tapedrop
""",
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--to",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The drop's new folder; it is made.",
)
@click.option(
    "--gnupg",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=lambda: Path(os.environ.get("GNUPGHOME") or Path.home() / ".gnupg"),
    show_default="$GNUPGHOME, or ~/.gnupg",
    help="The GNUPGHOME whose secret key, or card, opens it.",
)
@click.option(
    "--sha256",
    help="What `backup` said of the file, or the first 22 digits of it. `unknown` where it is lost",
)
@json_option
def command(file: Path, to: Path, gnupg: Path, sha256: str | None, as_json: bool) -> int:
    """Make the drop that was backed up into FILE again, in a new folder.

    It asks for the SHA-256 that `backup` said: anybody can encrypt a drop of their own making to
    your keys. Then gpg asks for the PIN. Says what is left to be done by hand. Type it as the user
    that the drop will run as.
    """
    digest = digest_of(file)
    known = _is_known(digest, sha256)
    try:
        done = restore(file, to.resolve(), gpg=_staff_gpg(gnupg), digest=digest)
    except NoKeyOpens as error:
        error.hint = f"is the card in its reader? the keys are looked for in {gnupg}: --gnupg HOME"
        raise
    said = {
        "folder": str(done.folder),
        "files": done.files,
        "onion": str(done.folder / "onion") if done.onion else None,
        "locked_down": done.locked_down,
        "elsewhere": {str(place): belongs for place, belongs in done.elsewhere},
        "sha256": digest,
        "known": known,
    }
    answer(said, _lines(done), as_json=as_json)
    if known:
        return 0
    warn("nobody knows who made this backup: before it serves, compare its settings, and whom it")
    warn("seals to, with what the desks know")
    return 1


def _is_known(digest: str, given: str | None) -> bool:
    """Say whether somebody knows the digest; not when they say so. Raises BadBackup."""
    if given is None:
        if not sys.stdin.isatty():
            raise click.UsageError("nobody is here to be asked; say it with --sha256")
        question = f"{PROGRAM}: type the SHA-256 that `backup` said, or the first 22 digits of it"
        given = click.prompt(question, err=True, prompt_suffix="\n> ")
    typed = "".join(given.split()).casefold()
    if typed == _UNKNOWN:
        return False
    if len(typed) < _LEAST_DIGITS or not digest.startswith(typed):
        raise BadBackup("it is not the file that `backup` wrote: its SHA-256 is another")
    return True


def _staff_gpg(home: Path) -> Gpg:
    """Return the staff's gpg, which asks for a PIN where they sit. Raises GpgFailed."""
    asks_at = {name: os.environ[name] for name in WHERE_IT_ASKS if name in os.environ}
    if sys.stdin.isatty():
        asks_at.setdefault("GPG_TTY", os.ttyname(sys.stdin.fileno()))
    return Gpg(home, asks_at=asks_at)


def _lines(done: Restored) -> list[str]:
    folder, config = done.folder, done.config
    lines = [f"made {folder}: {counted(done.files, 'file')}"]
    try:
        keys = newsroom_of(folder, config, now=datetime.now(UTC)).keys
        lines += [f"seals to: {key.fingerprint} {key.name}" for key in keys]
    except (CryptoError, ServerError, OSError):  # what lies elsewhere is not in its place yet
        lines.append("seals to: see tapedrop-server keys list, once everything is in its place")
    lines += [f"{found} belongs at {path}: move it there" for found, path in done.elsewhere]
    return [*lines, "next, in this order:", *(f"- {step}" for step in next_steps(done))]


def next_steps(done: Restored) -> Iterator[str]:
    """Yield what is left to be done by hand.

    It will be copied into a shell, root's too, and the settings may be another's: so it is quoted.
    """
    folder, config = done.folder, done.config
    config_file = quote(str(folder / "tapedrop.toml"))
    yield "stop the old drop and its tor, and never start them again: two would part the mail"
    if config.store.engine is Engine.S3:
        yield f"the store stays in the bucket {config.store.bucket}: let this machine reach it"
    else:
        store = quote(str(folder / config.places.store))
        yield f"copy the old store here: cp -a {quote(f'OLD/{config.places.store}')} {store}"
        yield f"only where it is lost: mkdir -m 700 {store}; no mailbox opens then"
    if done.onion:
        onion, tor = quote(str(folder / "onion")), quote(config.tor.keys)
        user, unit = _tor_of(config.tor.keys)
        yield (
            f"as root: systemctl stop {unit} && install -d -o {user} -g {user} -m 700 {tor} && "
            f"cp -r {onion}/. {tor} && chown -R {user}: {tor} && rm -r {onion} && "
            f"systemctl start {unit}"
        )
    elif config.tor.onion:
        yield f"the keys of {config.tor.onion} were not in it: bring them from the old machine"
    if os.geteuid() == 0:  # after all that root copies there
        whole = quote(str(folder))
        yield f"you are root: chown -R tapedrop: {whole}, or whoever else will run the drop"
    yield f"tapedrop-server check --config {config_file}"
    if done.locked_down:
        yield f"it was locked down, and still is: tapedrop-server unlock --config {config_file}"
    if folder == INSTALLED.parent:
        yield "systemctl enable --now tapedrop.target; the desks need not be paired anew"
    else:
        yield f"tapedrop-server serve --config {config_file}; the desks need not be paired anew"


def _tor_of(keys: str) -> tuple[str, str]:
    """Return whom the onion service's keys belong to, and the unit of that tor, on Debian.

    An instance of tor (tor-instance-create(8)) has its data in a folder of its own name.
    """
    inside = _OF_INSTANCES.match(keys)
    if inside is None:
        return "debian-tor", "tor@default"
    return f"_tor-{inside[1]}", f"tor@{inside[1]}"
