"""tapedrop-server replies: carry what the desks answer to the sources' mailboxes."""

import asyncio
from pathlib import Path

import click

from server.cli.bags import Told, take_each
from server.cli.options import config_option, drop_at, json_option
from server.cli.talk import Progress
from server.staff.sticks.answers import Answers
from server.staff.sticks.replies import Delivered, deliver_replies
from server.store.opening import open_store


@click.group("replies", subcommand_metavar="VERB …")
def command() -> None:
    """Replies from the desks."""


@command.command(
    "import",
    epilog="""\b
Example: from the stick that came back
  tapedrop-server replies import /media/stick
""",
)
@click.argument("bag", type=click.Path(path_type=Path, file_okay=False, exists=True))
@config_option
@json_option
def take(bag: Path, config_file: Path, as_json: bool) -> None:
    """Deliver the replies in BAG, or in every bag on a stick."""
    folder, config = drop_at(config_file)

    async def deliver(answers: Answers) -> Delivered:
        async with open_store(folder, config) as store:
            with Progress("delivering", in_words=str) as progress:
                return await deliver_replies(
                    answers, store, folder / config.places.receipts, progress=progress
                )

    def one(answers: Answers) -> Told:
        done = asyncio.run(deliver(answers))
        line = f"{done.new} delivered, {done.known} were delivered before"
        if done.nowhere:
            line += f", {done.nowhere} left out: their mailbox is closed"
        said = {"delivered": done.new, "already_there": done.known, "no_mailbox": done.nowhere}
        return said, line

    take_each(bag, folder / config.places.desks, one, as_json=as_json)
