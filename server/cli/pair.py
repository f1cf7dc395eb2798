"""tapedrop-server pair: introduce this drop and a desk to each other."""

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from crypto.comparing import canonical, words_of
from server.cli import qr
from server.cli.options import answer, config_option, drop_at, json_option
from server.cli.talk import confirm, note, warn
from server.config import Config
from server.errors import NotPaired, SettingsRefused, out_of_reach
from server.files import carry_out
from server.newsroom import keyring_of
from server.staff.canary.identity import canary_of
from server.staff.desks import pairing
from server.staff.desks.desk import LARGEST_BYTES
from server.staff.desks.pairing import Meeting


@click.command(
    "pair",
    short_help="Introduce this drop and a desk to each other.",
    epilog="""\b
Example: our file for the desk, then the desk's file
  tapedrop-server pair --to /media/stick/server.json
  tapedrop-server pair /media/stick/pairing.json
""",
)
@click.argument(
    "desk_file", required=False, type=click.Path(path_type=Path, dir_okay=False, allow_dash=True)
)
@click.option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the file that a desk is made with.",
)
@click.option(
    "--qr/--no-qr",
    "drawn",
    default=None,
    help="Draw that file for a camera, too, or don't; by itself it is drawn on a terminal.",
)
@click.option("--words", help="The eight words that the desk shows, where nobody can be asked.")
@config_option
@json_option
def command(
    desk_file: Path | None,
    to: Path | None,
    drawn: bool | None,
    words: str | None,
    config_file: Path,
    as_json: bool,
) -> None:
    """Pair with the desk whose pairing.json is DESK_FILE, or write ours with --to.

    DESK_FILE may be - for what a camera read from the desk's QR code.
    """
    if (desk_file is None) == (to is None):
        raise click.UsageError("give a desk's pairing.json, or --to FILE to write this drop's")
    folder, config = drop_at(config_file)
    if to is not None:
        _introduce(folder, config, to, drawn=drawn, as_json=as_json)
    elif desk_file is not None:
        _meet(folder, config, desk_file, words, as_json=as_json)


def _introduce(
    folder: Path, config: Config, to: Path, *, drawn: bool | None, as_json: bool
) -> None:
    """Write the drop's own file; show what the desk will ask for."""
    said = pairing.introduction(
        pairing.read_export_key(folder / config.credentials.export_key),
        keyring_of(folder, config).read(now=datetime.now(UTC)).fingerprints,
        desks=folder / config.places.desks,
        canary=canary_of(folder, config),
    )
    try:
        carry_out(to, msgspec.json.format(canonical(said), indent=1) + b"\n")
    except OSError as error:
        hint = out_of_reach(error)
        if isinstance(error, FileExistsError):
            hint = "name a new file: nothing is overwritten"
        raise SettingsRefused(f"can't write {to}: {error.strerror}", hint=hint) from None
    if drawn or not as_json:
        qr.show(canonical(said), asked=drawn)
    lines = [
        f"wrote {to}",
        f"next, at the desk: tapedrop-intake init DIR --server {to.name} --key FINGERPRINT",
        "the desk asks for these eight words; read them out, don't send them along:",
        f"  {words_of(said)}",
    ]
    answer({"pairing": str(to), "words": words_of(said)}, lines, as_json=as_json)


def _meet(
    folder: Path, config: Config, desk_file: Path, words: str | None, *, as_json: bool
) -> None:
    """Take a desk on, once somebody has read its words from its screen."""
    keyring, desks = keyring_of(folder, config), folder / config.places.desks
    now = datetime.now(UTC)
    meeting = pairing.planned(_content(desk_file), keyring=keyring, desks=desks, now=now)
    for line in _what_it_means(meeting):
        note(line)
    # Our own reading of the words is not shown: who copies it has compared nothing.
    question = f"type the eight words that {meeting.desk.desk} shows (there: tapedrop-intake pair)"
    confirm(question, meeting.words, given=words, option='--words "…"')
    pairing.pair(meeting, keyring=keyring, desks=desks, now=now)
    desk = meeting.desk
    said = {
        "desk": desk.desk,
        "signing_key": desk.signing_key,
        "first": meeting.first,
        "added": [key.fingerprint for key in meeting.adds],
    }
    lines = [f"paired with {desk.desk}, key {desk.signing_key}"]
    lines += [f"added {key.fingerprint}  {key.name}" for key in meeting.adds]
    if meeting.first:
        lines.append("next: tapedrop-server check; then, as root, start it for good:")
        lines.append("  systemctl enable --now tapedrop.target   (by hand: tapedrop-server serve)")
    answer(said, lines, as_json=as_json)
    for fingerprint in meeting.lacks:
        warn(f"the key {fingerprint} is the newsroom's too, and not here: add it with keys add")
    for key in meeting.unsigned:
        warn(f"no desk has signed for {key.fingerprint}: nothing is sealed to it, and the drop")
        warn("won't start with it: have the desk sign for it, or take it out with keys retire")
    if meeting.differs:
        warn(f"{desk.desk} knows other keys than are sealed to, and raises an alarm at each drop;")
        warn("there: tapedrop-intake keys add, with the list that was taken last")


def _what_it_means(meeting: Meeting) -> list[str]:
    desk = meeting.desk
    lines = [f"a desk called {desk.desk}, whose key is {desk.signing_key}"]
    lines += [f"its newsroom's keys: {', '.join(desk.newsroom)}"]
    lines += [f"adds the key {key.fingerprint}  {key.name}" for key in meeting.adds]
    if meeting.again:
        lines.append("it is paired already")
    elif meeting.first:
        lines.append("it is the first: from now on only keys that it signs for are sealed to")
    else:
        lines.append("it answers sources and sends receipts; it can't change the newsroom's keys")
        lines.append("until a desk that may has signed a list that names it")
    return lines


def _content(desk_file: Path) -> bytes:
    try:
        with click.open_file(str(desk_file), "rb") as file:
            untrusted = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        said = f"can't read {desk_file}: {error.strerror}"
        raise SettingsRefused(said, hint=out_of_reach(error)) from None
    if len(untrusted) > LARGEST_BYTES:
        raise NotPaired("too large for a pairing file")
    return bytes(untrusted)
