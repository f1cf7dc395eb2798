"""tapedrop-server init: make a drop's folder."""

import os
import secrets
from importlib.resources import files
from pathlib import Path

import click

from crypto.codename import SALT_SIZE
from server.cli.options import answer, json_option
from server.config import Config, read_config
from server.errors import SettingsRefused
from server.files import write_new
from server.running import make_lock
from server.staff.canary.identity import new_canary
from server.staff.desks.pairing import new_export_key
from server.staff.versions import RECEIPTS, VERSION_FILE


@click.command(
    "init",
    short_help="Make a drop's folder.",
    epilog="""\b
Example: a drop in a folder of its own
  tapedrop-server init /srv/drop
""",
)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--settings",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Begin with this tapedrop.toml instead.",
)
@json_option
def command(folder: Path, settings: Path | None, as_json: bool) -> None:
    """Make FOLDER: a commented tapedrop.toml, the state folders and the drop's own secrets.

    Nothing that is there already is touched. Next comes `pair`.
    """
    config_file = folder / "tapedrop.toml"
    if config_file.exists():
        raise SettingsRefused(f"there is a drop in {folder} already")
    os.umask(0o077)
    config, written = _settings(settings)
    places = [
        config.newsroom.keyring,
        config.staff.keyring,
        config.places.spool,
        config.places.desks,
    ]
    places += [config.places.receipts, config.places.outbox]
    places += map(os.path.dirname, _secrets(config))
    places += [f"{config.places.store}/{kind}" for kind in ("drops", "mailboxes", "replies")]
    for place in places:
        (folder / place).mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        write_new(folder / config.credentials.salt, secrets.token_bytes(SALT_SIZE))
        write_new(folder / config.credentials.export_key, new_export_key())
        write_new(folder / config.credentials.canary, new_canary())
        write_new(folder / config.places.receipts / VERSION_FILE, RECEIPTS)
        make_lock(folder)
        # The configuration comes last: where it is, everything is.
        write_new(config_file, written)
    except FileExistsError as error:
        raise SettingsRefused(f"{error.filename2} is there already") from None
    lines = [f"made {config_file}", f"next: cd {folder}, then tapedrop-server pair --to FILE"]
    answer({"config": str(config_file)}, lines, as_json=as_json)


def _settings(given: Path | None) -> tuple[Config, bytes]:
    """Return the settings to begin with, and their file as it stands. Raises SettingsRefused."""
    if given is None:
        return Config(), (files("server") / "tapedrop.toml").read_bytes()
    return read_config(given), given.read_bytes()


def _secrets(config: Config) -> list[str]:
    credentials = config.credentials
    return [credentials.salt, credentials.export_key, credentials.canary]
