"""tapedrop-server check: whether the drop and its machine are in order."""

import asyncio
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from server.cli.options import answer, config_option, drop_at, json_option
from server.cli.talk import note
from server.config import Config
from server.errors import NotSent
from server.staff.checks import Ground, Verdict
from server.staff.checks.every import Check, every_check
from server.staff.mail.alerts import put_trial
from server.staff.mail.mailing import mail

_EXIT_CODES: Final = {Verdict.OK: 0, Verdict.LOOK: 1, Verdict.FAIL: 5}


@click.command(
    "check",
    short_help="Look whether drop and machine are in order.",
    epilog="""\b
Example: on the machine that the drop runs on
  tapedrop-server check
""",
)
@click.option("--send-alert", is_flag=True, help="First send staff a message, as a trial.")
@config_option
@json_option
def command(send_alert: bool, config_file: Path, as_json: bool) -> int:
    """Look whether the drop and its machine are in order: a line each, and what to do.

    Changes nothing, needs no root and no network but tor on this machine, and tells nothing of a
    source. Exit 0 when all is well, 1 when something should be looked at, 5 when something must be
    mended before a source uses the drop.
    """
    folder, config = drop_at(config_file)
    if send_alert:
        _send_trial(folder, config)
        note("a trial was given to staff.alert_command: did it arrive?")
    checks = []
    for check in every_check(Ground(folder, config, datetime.now(UTC))):
        checks.append(check)
        if not as_json:
            # At once: asking through tor may take two minutes.
            answer({}, _lines(check), as_json=False)
    worst = max(_EXIT_CODES[check.verdict] for check in checks)
    counted = Counter(check.verdict for check in checks)
    told = ", ".join(f"{counted[verdict]} {verdict}" for verdict in Verdict if counted[verdict])
    said = [asdict(check) for check in checks]
    answer({"checks": said, "exit_code": worst}, [told], as_json=as_json)
    return worst


def _send_trial(folder: Path, config: Config) -> None:
    """Send it, with whatever waits before it. Raises NotSent."""
    asyncio.run(put_trial(folder, config, now=datetime.now(UTC)))
    if (why := mail(folder, config).why) is not None:
        raise NotSent(why)


def _lines(check: Check) -> list[str]:
    line = f"{check.verdict:<5} {check.name:<14} {check.says}"
    return [line, f"{'':<20} → {check.todo}"] if check.todo else [line]
