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
from intake.replies import put_states, waiting
from intake.wording import plain

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk receipt --to /media/stick
"""


@click.command("receipt", short_help="Put receipts and waiting replies on a stick.", epilog=_EPILOG)
@click.option("--to", metavar="DIR", required=True, type=click.Path(path_type=Path),
              help="The stick, or a folder that is made.")  # fmt: skip
@at_desk
@as_json
def write_receipt(to: Path, desk: Layout, as_json: bool) -> None:
    """Put a receipt for every envelope, and all waiting replies, on a stick.

    Sources whose drops were opened since the last time are told so.
    """
    with unlocked(desk) as room:
        day = datetime.now(UTC).date()
        drops = room.catalogue.drops()
        canaries = room.catalogue.canaries()
        told = put_states(room.catalogue, room.layout.outbox, day=day)
        replies = waiting(room.layout.outbox)
        signing_key = room.vault.signing_key(room.layout.signing_key.read_bytes())
        bag, payload = answers(room.settings, [*drops, *canaries], replies, day=day)
        folder = put_bag(to, bag, payload, signing_key)
    if as_json:
        said = {"bag": str(folder), "envelopes": len(drops), "canaries": len(canaries)}
        print_json(said | {"replies": len(replies), "sources_told": told})
    else:
        click.echo(f"in {folder}:")
        click.echo(f"receipts of drops: {len(drops)}; replies: {len(replies)}")
        if canaries:
            newest = max(plain(each.canary_day or "") for each in canaries)
            click.echo(f"receipts of the server's canary: {len(canaries)}, the last of {newest}")
        click.echo(f"sources who are told that more of what they sent was opened: {told}")
        click.echo("it was read back; the stick can be unplugged")
