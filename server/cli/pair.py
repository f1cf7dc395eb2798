"""tapedrop-server pair: introduce this drop and a desk to each other."""

from datetime import UTC, datetime
from pathlib import Path

import click

from server.cli.options import answer, config_option, drop_at, json_option
from server.errors import SettingsRefused
from server.files import write_new
from server.newsroom import newsroom_of
from server.staff import pairing


@click.command(
    "pair",
    short_help="Introduce this drop and a desk to each other.",
    epilog="""\b
Example: our file for the desk, then the desk's file
  tapedrop-server pair --to /media/stick/server.json --config /srv/drop/tapedrop.toml
  tapedrop-server pair /media/stick/pairing.json --config /srv/drop/tapedrop.toml
""",
)
@click.argument("desk_file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the file that a desk is made with.",
)
@config_option
@json_option
def command(desk_file: Path | None, to: Path | None, config_file: Path, as_json: bool) -> None:
    """Pair with the desk whose pairing.json is DESK_FILE, or write ours with --to."""
    if (desk_file is None) == (to is None):
        raise click.UsageError("give a desk's pairing.json, or --to FILE to write this drop's")
    folder, config = drop_at(config_file)
    if desk_file is not None:
        desk = pairing.pair(desk_file, folder / config.places.desks)
        said = {"desk": desk.desk, "signing_key": desk.signing_key}
        answer(said, [f"paired with {desk.desk}, key {desk.signing_key}"], as_json=as_json)
        return
    assert to is not None
    newsroom = newsroom_of(folder, config, now=datetime.now(UTC))
    export_key = pairing.read_export_key(folder / config.credentials.export_key)
    try:
        write_new(to, pairing.introduction(export_key, newsroom.fingerprints))
    except OSError as error:
        raise SettingsRefused(f"can't write {to}: {error.strerror}") from None
    lines = [f"wrote {to}", f"next, at the desk: tapedrop-intake init DIR --server {to.name}"]
    answer({"pairing": str(to)}, lines, as_json=as_json)
