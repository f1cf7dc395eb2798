"""tapedrop-server receipts: what the desks say they have."""

from pathlib import Path

import click

from server.answers import Answers
from server.cli.bags import Told, take_each
from server.cli.options import config_option, drop_at, json_option
from server.receipts import take_receipts


@click.group("receipts")
def command() -> None:
    """Receipts from the desks."""


@command.command("import")
@click.argument("bag", type=click.Path(path_type=Path, file_okay=False, exists=True))
@config_option
@json_option
def take(bag: Path, config_file: Path, as_json: bool) -> None:
    """Take the receipts out of BAG, or out of every bag on a stick. Nothing is deleted."""
    folder, config = drop_at(config_file)

    def one(answers: Answers) -> Told:
        counts = take_receipts(answers, folder / config.places.receipts)
        line = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
        said = {"desk": answers.desk.desk, "envelopes": dict(counts)}
        return said, f"{answers.desk.desk}: {line or 'no envelopes'}"

    take_each(bag, folder / config.places.desks, one, as_json=as_json)
