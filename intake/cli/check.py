"""tapedrop-intake check: whether desk and machine are in order."""

import os
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from intake.checks import Desk, Machine, Verdict
from intake.checks.every import Check, every_check
from intake.cli.desk import as_json
from intake.cli.talk import note, print_json
from intake.cli.terminal import toned
from intake.errors import NotADesk
from intake.layout import Layout
from intake.settings import read_settings
from intake.unlocked import today
from intake.wording import plain

_EPILOG: Final = """\b
Example:
  $ tapedrop-intake --desk desk check
  fail  network      a network interface is up: wlan0
                     → unplug the cable; then rfkill block all
"""
_TONES: Final[Mapping[Verdict, Mapping[str, str | bool]]] = {
    Verdict.OK: {},
    Verdict.LOOK: {"fg": "yellow"},
    Verdict.FAIL: {"fg": "red", "bold": True},
}
_EXIT_CODES: Final = {Verdict.OK: 0, Verdict.LOOK: 1, Verdict.FAIL: 5}


@click.command("check", epilog=_EPILOG)
@click.option(
    "--desk",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The desk's folder (default: where you are).",
)
@as_json
@click.pass_context
def command(context: click.Context, folder: Path | None, as_json: bool) -> int:
    """Look whether desk and machine are in order.

    Says each thing in a line, and what to do. Changes nothing, and needs neither root nor a PIN.
    Where there is no desk yet, only the machine is looked at. Exit 0 when all is well, 1 when
    something should be looked at, 5 when something must be mended before a recording is opened.
    """
    named = folder or context.find_root().params.get("desk")
    desk = _desk(named)
    machine = desk.machine if desk else _machine(Path.home() / ".gnupg")
    if desk is None:
        note("there is no desk here: only the machine is looked at")
    checks = []
    for check in every_check(machine, desk):
        checks.append(check)
        if not as_json:
            _print(check)
    worst = max(_EXIT_CODES[check.verdict] for check in checks)
    if as_json:
        print_json({"checks": [asdict(check) for check in checks], "exit_code": worst})
    else:
        counted = Counter(check.verdict for check in checks)
        note(", ".join(f"{counted[each]} {each}" for each in Verdict if counted[each]))
    return worst


def _desk(named: Path | None) -> Desk | None:
    """Return the desk that was named, or the one that is where somebody is. Raises NotADesk."""
    try:
        layout = Layout.of(named or Path())
    except NotADesk:
        if named is not None:
            raise
        return None
    settings = read_settings(layout.settings)
    return Desk(layout, settings, _machine(Path(settings.reporter.gnupg_home)))


def _machine(gnupg: Path) -> Machine:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return Machine(today(), Path.home(), gnupg, Path(runtime) if runtime else None)


def _print(check: Check) -> None:
    verdict = toned(f"{check.verdict:<5}", sys.stdout, **_TONES[check.verdict])
    click.echo(f"{verdict} {check.name:<12} {plain(check.says)}")
    if check.todo:
        click.echo(toned(f"{'':<18} → {plain(check.todo)}", sys.stdout, dim=True))
