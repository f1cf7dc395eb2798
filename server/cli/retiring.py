"""tapedrop-server keys retire: seal nothing more to a key."""

from datetime import UTC, datetime
from pathlib import Path

import click

from crypto.errors import KeyRefused
from crypto.newsroom import NewsroomKey, remove_keys
from server.cli.key_lines import compact, line, spaced
from server.cli.options import answer, config_option, json_option, keyring_at, staff_option
from server.cli.talk import confirm, note
from server.newsroom import Keyring
from server.staff.desks import roster


@click.command(
    "retire",
    short_help="Seal nothing more to a key.",
    epilog="""\b
Example: a key that was stolen, or whose owner has left
  tapedrop-server keys retire FPR
""",
)
@click.argument("fingerprint", metavar="FPR")
@click.option("--confirm", "given", metavar="FPR", help="Answer the question: FPR once more.")
@staff_option
@config_option
@json_option
def command(
    fingerprint: str, given: str | None, staff: bool, config_file: Path, as_json: bool
) -> None:
    """Seal nothing more to the key whose whole fingerprint is FPR, from now on.

    Needs no desk's signature: a stolen key must go at once. It can't come back but by a list that
    a desk signs later.
    """
    keyring = keyring_at(config_file, staff=staff)
    key = _leaving(keyring, compact(fingerprint))
    note(f"this will be retired: {line(key)}")
    for consequence in _consequences(keyring):
        note(consequence)
    question = "to retire it, type its whole fingerprint"
    confirm(question, key.fingerprint, given=given, option="--confirm FPR")
    with keyring.changing():
        _leaving(keyring, key.fingerprint)
        if keyring.desks is not None:
            # First of all: from here on nothing is sealed to it, wherever this is cut off.
            roster.retired(keyring.desks, key.fingerprint, now=datetime.now(UTC))
        remove_keys(keyring.gpg, [key.fingerprint])
    left = keyring.read(now=datetime.now(UTC)).usable
    lines = [f"retired {spaced(key.fingerprint)}", f"{len(left)} left that can be sealed to"]
    answer({"retired": key.fingerprint, "left": len(left)}, lines, as_json=as_json)


def _leaving(keyring: Keyring, fingerprint: str) -> NewsroomKey:
    """Return the key that is to go. Raises KeyRefused when it isn't there, or is the last."""
    newsroom = keyring.read(now=datetime.now(UTC))
    found = [key for key in newsroom.keys if key.fingerprint == fingerprint]
    if not found:
        unknown = KeyRefused("there is no key with this whole fingerprint here")
        staff = "" if keyring.desks is not None else " --staff"
        unknown.hint = f"tapedrop-server keys list{staff}"
        raise unknown
    if keyring.desks is not None and newsroom.usable == tuple(found):
        last = KeyRefused("it is the last that can be sealed to", fingerprint=fingerprint)
        last.hint = "add another first; until then, to take no uploads: tapedrop-server lockdown"
        raise last
    return found[0]


def _consequences(keyring: Keyring) -> list[str]:
    if keyring.desks is None:
        told = ["the alerts and backups that were made until now stay readable with it"]
        if len(keyring.gpg.public_keys()) == 1:
            told.append("it is staff's last: no alert and no backup can be made then")
        return told
    told = ["what was sealed to it until now stays readable with it, here and wherever it is"]
    if keyring.signed() is not None:
        told.append("each desk raises an alarm at what comes until the key is retired there, too:")
        told.append("  tapedrop-intake keys retire, then tapedrop-intake keys sign")
    return told
