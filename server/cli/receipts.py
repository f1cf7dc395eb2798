"""tapedrop-server receipts: what the desks say they have."""

from pathlib import Path

import click

from server.answers import bags_at, read_answers
from server.cli.options import answer, config_option, drop_at, json_option
from server.pairing import paired
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
    desks = paired(folder / config.places.desks)
    for one in bags_at(bag):
        answers = read_answers(one, desks)
        counts = take_receipts(answers, folder / config.places.receipts)
        said = {"desk": answers.desk.desk, "envelopes": dict(counts)}
        told = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
        answer(said, [f"{answers.desk.desk}: {told or 'no envelopes'}"], as_json=as_json)
