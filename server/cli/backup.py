"""tapedrop-server backup: everything that makes a drop this drop, for security staff to keep."""

from datetime import UTC, datetime
from pathlib import Path

import click

from crypto.gpg import Gpg
from crypto.newsroom import Newsroom
from server.cli.options import answer, config_option, drop_at, json_option
from server.cli.talk import counted, note, size_text, warn
from server.config import Config, Engine
from server.errors import NotFit
from server.newsroom import staff_keyring_of
from server.staff.moving.backup import BackedUp, backup

_NO_STAFF = "security staff have no usable key here; add one: tapedrop-server keys add --staff FILE"


@click.command(
    "backup",
    short_help="Write what makes this drop itself into one file.",
    epilog="""\b
Example: onto a stick; then write the line that begins with SHA-256 on paper
  tapedrop-server backup --to /media/stick/drop.gpg
""",
)
@click.option(
    "--to",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The new file; nothing is ever replaced.",
)
@click.option("--without-onion", is_flag=True, help="Leave the onion service's keys out.")
@config_option
@json_option
def command(to: Path, config_file: Path, without_onion: bool, as_json: bool) -> None:
    """Write everything that makes this drop itself into one file, encrypted to the staff's keys.

    Settings, public keys, the drop's secrets, the desks and their receipts, and the keys of its
    onion service, which only root can read. Not the store: that is sealed already, and is copied
    as it is. The drop may run meanwhile.
    """
    config_file = config_file.resolve()
    folder, config = drop_at(config_file, root_may=True)
    now = datetime.now(UTC)
    gpg, staff = _staff(folder, config, now)
    for problem in staff.problems:
        warn(f"left out: {problem}")
    if config.tor.onion and not config.tor.keys:
        warn("the onion address is not in it: tor.keys doesn't say where its keys are")
    done = backup(
        config_file,
        config,
        to,
        staff=gpg,
        keys=staff.recipients(),
        day=now.date(),
        with_onion=not without_onion,
    )
    said = {
        "backup": str(done.path),
        "bytes": done.bytes,
        "sha256": done.digest,
        "files": done.files,
        "onion": done.onion,
        "readers": [key.fingerprint for key in staff.usable],
    }
    answer(said, _lines(done, folder, config, staff), as_json=as_json)
    note("whoever opens it can stand in for this drop: keep it, and the keys that open it, apart")


def _staff(folder: Path, config: Config, now: datetime) -> tuple[Gpg, Newsroom]:
    """Return the staff's keys, at least one of which can be encrypted to. Raises NotFit."""
    # Root may type this: gpg would make a keyring there that is root's, and no key could come in.
    if not any((folder / config.staff.keyring).glob("pubring.*")):
        raise NotFit([_NO_STAFF])
    keyring = staff_keyring_of(folder, config)
    staff = keyring.read(now=now)
    if not staff.usable:
        raise NotFit([*staff.problems, _NO_STAFF])
    return keyring.gpg, staff


def _lines(done: BackedUp, folder: Path, config: Config, staff: Newsroom) -> list[str]:
    onion = f"{'with' if done.onion else 'WITHOUT'} the keys of the onion address"
    if not (done.onion or config.tor.onion or config.tor.keys):
        onion = "no keys of an onion address: the settings name none ([tor])"
    store = f"copy {folder / config.places.store} as it is (cp -a), while the drop is stopped"
    if config.store.engine is Engine.S3:
        store = f"it stays in the bucket {config.store.bucket}"
    held = f"{counted(done.files, 'file')}, {size_text(done.bytes)}"
    return [
        f"wrote {done.path}: {held}, read back whole",
        *(f"opened by: {key.fingerprint} {key.name}" for key in staff.usable),
        onion,
        f"the store is not in it: {store}",
        f"SHA-256 {done.digest}",
        "write that line on paper: `restore` asks for it, so that nobody gives you another drop",
    ]
