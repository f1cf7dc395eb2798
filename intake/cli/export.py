"""tapedrop-intake export: a recording or message, to a file."""

from pathlib import Path
from typing import Final

import click

from crypto.manifest import Condition
from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.talk import note, print_json
from intake.export import export
from intake.layout import Layout

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk export drop-0001 --to interview.wav
"""


@click.command("export", epilog=_EPILOG)
@click.argument("drop_id", metavar="ID")
@click.option("--to", metavar="FILE", required=True, type=click.Path(path_type=Path),
              help="Where it goes, in the clear; never overwritten.")  # fmt: skip
@at_desk
@as_json
def export_drop(drop_id: str, to: Path, desk: Layout, as_json: bool) -> None:
    """Write a drop's recording or message to FILE, in the clear."""
    with unlocked(desk) as room:
        drop = room.drop(drop_id)
        export(drop, to, working=room.working)
    assert drop.manifest is not None
    if drop.manifest.condition is Condition.UNCLEANED:
        note(f"warning: {drop.id} is not cleaned: what it says about its maker is still in it")
    if as_json:
        said = {"id": drop.id, "file": str(to), "size": drop.manifest.size}
        print_json(said | {"sha256": drop.manifest.sha256})
    else:
        click.echo(f"{drop.id} is in {to}, and is what was sealed")
