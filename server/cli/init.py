"""tapedrop-server init: make a drop's folder."""

import os
import secrets
from importlib.resources import files
from pathlib import Path

import click

from crypto.codename import SALT_SIZE
from server.cli.options import answer, json_option
from server.config import Config
from server.errors import SettingsRefused
from server.files import write_new
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
@json_option
def command(folder: Path, as_json: bool) -> None:
    """Make FOLDER: a commented tapedrop.toml, the state folders and the drop's own secrets.

    Nothing that is there already is touched. Next comes `pair`.
    """
    config_file = folder / "tapedrop.toml"
    if config_file.exists():
        raise SettingsRefused(f"there is a drop in {folder} already")
    os.umask(0o077)
    config = Config()
    places = [
        config.newsroom.keyring,
        config.staff.keyring,
        config.places.spool,
        config.places.desks,
    ]
    places += [config.places.receipts, "credentials"]
    places += [f"{config.places.store}/{kind}" for kind in ("drops", "mailboxes", "replies")]
    for place in places:
        (folder / place).mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        write_new(folder / config.credentials.salt, secrets.token_bytes(SALT_SIZE))
        write_new(folder / config.credentials.export_key, new_export_key())
        write_new(folder / config.credentials.canary, new_canary())
        write_new(folder / config.places.receipts / VERSION_FILE, RECEIPTS)
        # The configuration comes last: where it is, everything is.
        write_new(config_file, (files("server") / "tapedrop.toml").read_bytes())
    except FileExistsError as error:
        raise SettingsRefused(f"{error.filename2} is there already") from None
    lines = [f"made {config_file}", f"next: cd {folder}, then tapedrop-server pair --to FILE"]
    answer({"config": str(config_file)}, lines, as_json=as_json)
