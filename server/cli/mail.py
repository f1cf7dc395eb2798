"""tapedrop-server mail: give what is written to staff to the command that carries it away."""

from pathlib import Path

import click

from server.cli.options import answer, config_option, json_option, outbox_at
from server.cli.talk import counted
from server.cli.telling import logged
from server.errors import NotSent
from server.staff.mail.mailing import mail


@click.command(
    "mail",
    short_help="Have letters to staff carried away.",
    epilog="""\b
Example: now, and from a timer every few minutes
  tapedrop-server mail --config /srv/drop/tapedrop.toml
""",
)
@config_option
@json_option
def command(config_file: Path, as_json: bool) -> None:
    """Give each letter in the outbox to staff.alert_command, the oldest first.

    What the command said it took (exit 0) is deleted; what it didn't waits for the next time (exit
    1). Needs the settings and the outbox, and nothing else of the drop.
    """
    folder, config = outbox_at(config_file)
    with logged():
        mailed = mail(folder, config)
        said = {"sent": mailed.sent, "waiting": mailed.waiting, "why": mailed.why}
        letters = counted(mailed.sent, "letter")
        answer(said, [f"{letters} carried away, {mailed.waiting} left"], as_json=as_json)
        if mailed.why is not None:
            raise NotSent(mailed.why)
