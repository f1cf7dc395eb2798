"""What several verbs take: where the configuration is, and whether a program reads the answer."""

import json
import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from server.cli.talk import plain
from server.config import Config, read_config
from server.errors import SettingsRefused, WrongUser
from server.newsroom import Keyring, keyring_of, staff_keyring_of
from server.staff.versions import known_receipts

_HERE: Final = Path("tapedrop.toml")
INSTALLED: Final = Path("/var/lib/tapedrop/tapedrop.toml")
"""Where the installer and the Debian package put a machine's own drop."""


def usual_config() -> Path:
    """Return the configuration that is meant where none is named.

    The machine's own, if it has one: root may stand in a folder where others write, and settings
    name a program to run and what to erase.
    """
    return _HERE if os.path.lexists(_HERE) and not os.path.lexists(INSTALLED) else INSTALLED


config_option: Callable[[Any], Any] = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False, readable=False),
    default=usual_config,
    show_default=f"{INSTALLED} if it is there, else {_HERE}",
    help="The drop's configuration.",
)
json_option: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Answer in JSON, for another program."
)


def folder_of(config_file: Path) -> Path:
    """Return the drop's folder, whatever its settings say by now. Raises SettingsRefused.

    For what must work in an emergency: anybody may do it who can, root too.
    """
    if not config_file.is_file():
        hint = "say where the drop is: --config /srv/drop/tapedrop.toml"
        raise SettingsRefused(f"there is no drop at {config_file}", hint=hint)
    return config_file.resolve().parent


staff_option: Callable[[Any], Any] = click.option(
    "--staff", is_flag=True, help="Security staff's keys, not the newsroom's."
)


def drop_at(config_file: Path, *, root_may: bool = False) -> tuple[Path, Config]:
    """Return the drop's folder and settings; `root_may` where nothing is written there.

    Raises SettingsRefused, WrongUser, and NewerVersion when a later Tapedrop worked here: this one
    would misread what it left.
    """
    folder, config = config_file.resolve().parent, read_config(config_file)
    if not (root_may and os.geteuid() == 0):
        _as_its_user(folder / config.places.receipts)
        # In a folder such as /tmp, anybody may have put settings, and they name a program to run.
        _as_its_user(config_file, or_root=True)
    known_receipts(folder / config.places.receipts)
    return folder, config


def outbox_at(config_file: Path) -> tuple[Path, Config]:
    """Return the drop's folder and settings, for what sees nothing of a drop but its outbox.

    Raises SettingsRefused, WrongUser.
    """
    folder, config = config_file.resolve().parent, read_config(config_file)
    _as_its_user(folder / config.places.outbox)
    _as_its_user(config_file, or_root=True)
    return folder, config


def _as_its_user(place: Path, *, or_root: bool = False) -> None:
    """Raise WrongUser where we would leave files that the drop can't read: root above all."""
    try:
        owner = place.stat().st_uid
    except FileNotFoundError:
        return  # whoever needs it says so
    if owner != os.geteuid() and not (or_root and owner == 0):
        raise WrongUser(place, _name(owner))


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"#{user}"


def keyring_at(config_file: Path, *, staff: bool) -> Keyring:
    """Return the newsroom's keyring, or security staff's. Raises what `drop_at` does, GpgFailed."""
    folder, config = drop_at(config_file)
    return staff_keyring_of(folder, config) if staff else keyring_of(folder, config)


def answer(said: dict[str, Any], lines: list[str], *, as_json: bool) -> None:
    """Print the result: as JSON for a program, as lines for a person."""
    if as_json:
        click.echo(json.dumps(said))
    else:
        for line in lines:
            click.echo(plain(line))
