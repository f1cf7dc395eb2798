"""tapedrop-server replies: carry what reporters wrote to the sources' mailboxes."""

import asyncio
from pathlib import Path

import click

from server.answers import bags_at, read_answers
from server.cli.options import answer, config_option, drop_at, json_option
from server.pairing import paired
from server.replies import deliver_replies
from server.store.local import LocalStore


@click.group("replies")
def command() -> None:
    """Replies from the desks."""


@command.command("import")
@click.argument("bag", type=click.Path(path_type=Path, file_okay=False, exists=True))
@config_option
@json_option
def take(bag: Path, config_file: Path, as_json: bool) -> None:
    """Deliver the replies in BAG, or in every bag on a stick."""
    folder, config = drop_at(config_file)
    desks = paired(folder / config.places.desks)
    store = LocalStore(folder / config.places.store)
    for one in bags_at(bag):
        new, known = asyncio.run(deliver_replies(read_answers(one, desks), store))
        lines = [f"{new} delivered, {known} were there already"]
        answer({"delivered": new, "already_there": known}, lines, as_json=as_json)
