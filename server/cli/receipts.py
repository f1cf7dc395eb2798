"""tapedrop-server receipts: what the desks say they have."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import click

from server.cli.bags import Told, take_each
from server.cli.options import config_option, drop_at, json_option
from server.cli.talk import counted
from server.config import Config
from server.nights import opened_for
from server.staff.days import keep_last_heard
from server.staff.sticks.answers import Answers
from server.staff.sticks.receipts import take_receipts
from server.store.opening import open_to_look
from server.sweep import Sweep


@click.group("receipts", subcommand_metavar="VERB …")
def command() -> None:
    """Receipts from the desks."""


@command.command(
    "import",
    epilog="""\b
Example: from the stick that came back
  tapedrop-server receipts import /media/stick
""",
)
@click.argument("bag", type=click.Path(path_type=Path, file_okay=False, exists=True))
@config_option
@json_option
def take(bag: Path, config_file: Path, as_json: bool) -> None:
    """Take the receipts out of BAG, or out of every bag on a stick.

    Nothing is deleted, but it is said how many drops the next sweep may delete.
    """
    folder, config = drop_at(config_file)

    def one(answers: Answers) -> Told:
        receipts, today = folder / config.places.receipts, datetime.now(UTC).date()
        counts = take_receipts(answers, receipts, today=today)
        keep_last_heard(receipts, answers.desk, today)
        line = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
        due = asyncio.run(_due(folder, config))
        said = {"desk": answers.desk.desk, "envelopes": dict(counts), "due": due}
        return said, f"{answers.desk.desk}: {line or 'no envelopes'}; {counted(due, 'drop')} can go"

    take_each(bag, folder / config.places.desks, one, as_json=as_json)


async def _due(folder: Path, config: Config) -> int:
    """Return how many drops a sweep would delete now."""
    today = datetime.now(UTC).date()
    async with open_to_look(folder, config) as store:
        sweep = Sweep(store, config.keeping, today=today, dry_run=True)
        await sweep.drops(opened_for(folder, config))
    return sweep.swept.drops
