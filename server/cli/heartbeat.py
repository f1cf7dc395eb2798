"""tapedrop-server heartbeat: write to staff how the drop is."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import click

from server.cli.options import answer, config_option, drop_at, json_option
from server.cli.telling import logged
from server.staff.mail.heartbeat import put_heartbeat


@click.command(
    "heartbeat",
    short_help="Write to staff how the drop is.",
    epilog="""\b
Example: each day, from a timer, and what waits is carried away
  tapedrop-server heartbeat --config /srv/drop/tapedrop.toml
  tapedrop-server mail --config /srv/drop/tapedrop.toml
""",
)
@click.option("--again", is_flag=True, help="Also where today's was written already.")
@config_option
@json_option
def command(config_file: Path, again: bool, as_json: bool) -> None:
    """Write to staff what `status` says, sealed to their keys, and put it into the outbox.

    Once a day: a day without such a letter is the alarm. `mail` carries it away.
    """
    folder, config = drop_at(config_file)
    with logged():
        writing = put_heartbeat(folder, config, now=datetime.now(UTC), again=again)
        written = asyncio.run(writing)
    says = "it waits in the outbox: tapedrop-server mail carries it away"
    if not written:
        says = "today's was written already; --again writes another"
    answer({"written": written}, [says], as_json=as_json)
