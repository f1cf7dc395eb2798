"""tapedrop-server export: carry the drops out on a stick."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import click

from server.cli.options import answer, config_option, drop_at, json_option
from server.config import Config
from server.newsroom import newsroom_of
from server.staff.export import Exported, export
from server.staff.pairing import read_export_key
from server.store.opening import open_store


@click.command(
    "export",
    epilog="""\b
Example: onto the stick that is mounted there
  tapedrop-server export --to /media/stick --config /srv/drop/tapedrop.toml
""",
)
@click.option(
    "--to",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The stick, or any folder; it is made if need be.",
)
@config_option
@json_option
def command(to: Path, config_file: Path, as_json: bool) -> None:
    """Copy every sealed drop into a signed bag, read it back, and say where it is."""
    folder, config = drop_at(config_file)
    exported = asyncio.run(_exported(folder, config, to))
    bag = str(exported.folder) if exported.folder else None
    lines = ["there is nothing to export"]
    if bag:
        lines = [f"{exported.drops} drops, {exported.bytes} bytes: {bag}", "read back whole"]
    said = {"bag": bag, "drops": exported.drops, "bytes": exported.bytes}
    answer(said, lines, as_json=as_json)


async def _exported(folder: Path, config: Config, to: Path) -> Exported:
    now = datetime.now(UTC)
    async with open_store(folder, config) as store:
        return await export(
            store,
            to,
            export_key=read_export_key(folder / config.credentials.export_key),
            newsroom=newsroom_of(folder, config, now=now).fingerprints,
            day=now.date(),
            receipts=folder / config.places.receipts,
        )
