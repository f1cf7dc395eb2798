"""tapedrop-intake receipt: the desk's answers, in a signed bag for the server."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from intake.carry import put_bag
from intake.cli.desk import as_json, at_desk, unlocked
from intake.cli.talk import print_json
from intake.layout import Layout
from intake.receipts import answers
from intake.replies import waiting

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk receipt --to /media/stick
"""


@click.command("receipt", epilog=_EPILOG)
@click.option("--to", metavar="DIR", required=True, type=click.Path(path_type=Path),
              help="The stick, or a folder that is made.")  # fmt: skip
@at_desk
@as_json
def write_receipt(to: Path, desk: Layout, as_json: bool) -> None:
    """Put a receipt for every envelope, and all waiting replies, on a stick."""
    with unlocked(desk) as room:
        drops = room.catalogue.drops()
        replies = waiting(room.layout.outbox)
        signing_key = room.vault.signing_key(room.layout.signing_key.read_bytes())
        day = datetime.now(UTC).date()
        bag, payload = answers(room.settings, drops, replies, day=day)
        folder = put_bag(to, bag, payload, signing_key)
    if as_json:
        print_json({"bag": str(folder), "envelopes": len(drops), "replies": len(replies)})
    else:
        click.echo(f"{len(drops)} envelopes and {len(replies)} replies are in {folder}")
        click.echo("it was read back; the stick can be unplugged")
