"""tapedrop-server replies: carry what reporters wrote to the sources' mailboxes."""

import asyncio
from pathlib import Path

import click

from server.answers import Answers
from server.cli.bags import Told, take_each
from server.cli.options import config_option, drop_at, json_option
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
    store = LocalStore(folder / config.places.store)

    def one(answers: Answers) -> Told:
        new, known = asyncio.run(deliver_replies(answers, store))
        line = f"{new} delivered, {known} were there already"
        return {"delivered": new, "already_there": known}, line

    take_each(bag, folder / config.places.desks, one, as_json=as_json)
