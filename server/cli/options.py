"""What several verbs take: where the configuration is, and whether a program reads the answer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from server.config import Config, read_config
from server.staff.versions import known_receipts

config_option: Callable[[Any], Any] = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("tapedrop.toml"),
    show_default=True,
    help="The drop's configuration.",
)
json_option: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Answer in JSON, for another program."
)


def drop_at(config_file: Path) -> tuple[Path, Config]:
    """Return the drop's folder and settings.

    Raises SettingsRefused, and NewerVersion when a later Tapedrop worked here: this one would
    misread what it left.
    """
    folder, config = config_file.resolve().parent, read_config(config_file)
    known_receipts(folder / config.places.receipts)
    return folder, config


def answer(said: dict[str, Any], lines: list[str], *, as_json: bool) -> None:
    """Print the result: as JSON for a program, as lines for a person."""
    if as_json:
        click.echo(json.dumps(said))
    else:
        for line in lines:
            click.echo(line)
