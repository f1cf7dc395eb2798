"""tapedrop-server sweep: delete what need not be kept, write the rest of the past days anew."""

import asyncio
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from server.cli.options import answer, config_option, drop_at, json_option
from server.config import Config
from server.errors import NotFit, StoreFailed
from server.nights import opened_for, pause_to_doubt, sweep_apart
from server.running import is_running
from server.staff.days import keep_last_sweep
from server.store.opening import open_store
from server.sweep import Sweep, Swept


@click.command(
    "sweep",
    short_help="Delete what need not be kept.",
    epilog="""\b
Example: look first, then do it
  tapedrop-server sweep --dry-run --names
  tapedrop-server sweep
""",
)
@click.option("--dry-run", is_flag=True, help="Delete and write nothing; say what would be.")
@click.option("--names", is_flag=True, help="Also name each object that goes.")
@click.option("--nightly", is_flag=True, help="As a night does it: to the log. For a timer.")
@click.option("--clock-is-right", is_flag=True, help="Delete, however long ago the last sweep was.")
@config_option
@json_option
def command(
    config_file: Path,
    dry_run: bool,
    names: bool,
    nightly: bool,
    clock_is_right: bool,
    as_json: bool,
) -> int:
    """Delete what the settings below [keeping] say, as a running drop does each night.

    What came before today is also written anew in random order, so that the disk knows the days
    only. While the drop runs, idle mailboxes are left to it: it knows whether somebody is there.

    When by the clock the last sweep was more than a month ago, or is yet to come, nothing is
    deleted until somebody has looked at the clock and says --clock-is-right.

    --nightly logs what a night logs, in steps, has staff alerted of what failed (exit 1), and says
    nothing else.
    """
    folder, config = drop_at(config_file)
    if nightly:
        if dry_run or names or clock_is_right:
            raise click.UsageError("--nightly goes with no other option: nobody is there to read")
        is_well = asyncio.run(sweep_apart(folder, config, now=lambda: datetime.now(UTC)))
        answer({"is_well": is_well}, [], as_json=as_json)
        return 0 if is_well else 1
    running = is_running(folder)
    going: list[str] | None = [] if names else None
    today = datetime.now(UTC).date()
    pause_days = pause_to_doubt(folder / config.places.receipts, today)
    held_back = bool(pause_days) and not (clock_is_right or dry_run)
    if held_back:
        swept = asyncio.run(_written_anew(folder, config, today))
    else:
        sweeping = _swept(folder, config, today, dry_run=dry_run, running=running, going=going)
        swept = asyncio.run(sweeping)
    said: dict[str, Any] = asdict(swept) | {"dry_run": dry_run}
    lines = _lines(swept, config, dry_run=dry_run, running=running)
    if going is not None:
        said["names"] = going
        lines += going
    answer(said, lines, as_json=as_json)
    if held_back:
        why = f"by this machine's clock it is {today}, {pause_days} days after the last sweep"
        raise NotFit([f"{why}: nothing was deleted; if that is right, add --clock-is-right"])
    if swept.altered:
        raise StoreFailed(f"{swept.altered} drops are not what was carried to the desks; kept")
    if swept.failed:
        raise StoreFailed("the store failed at some objects; they wait for the next sweep")
    return 0


async def _written_anew(folder: Path, config: Config, today: date) -> Swept:
    async with open_store(folder, config) as store:
        return await Sweep(store, config.keeping, today=today).only_writing_anew()


async def _swept(
    folder: Path,
    config: Config,
    today: date,
    *,
    dry_run: bool,
    running: bool,
    going: list[str] | None,
) -> Swept:
    async with open_store(folder, config) as store:
        sweep = Sweep(
            store,
            config.keeping,
            today=today,
            dry_run=dry_run,
            in_use=lambda _mailbox: running and not dry_run,
            going=(lambda _name: None) if going is None else going.append,
        )
        swept = await sweep.everything(opened_for(folder, config))
    if not dry_run:
        keep_last_sweep(folder / config.places.receipts, today)
    return swept


def _lines(swept: Swept, config: Config, *, dry_run: bool, running: bool) -> list[str]:
    keeping = config.keeping
    done = "would be " if dry_run else ""
    left_to_it = running and not dry_run
    idle = (
        "left to the running drop" if left_to_it else f"idle for {keeping.mailbox_idle_days} days"
    )
    told = [
        (
            swept.drops,
            f"drops {done}deleted",
            f"opened at the desks, {keeping.opened_days} days old",
        ),
        (swept.replies, f"replies {done}deleted", f"{keeping.reply_days} days old, or no mailbox"),
        (swept.mailboxes, f"mailboxes {done}deleted", idle),
        (swept.rewritten, f"objects {done}written anew", "the disk knows their day only"),
        (swept.left, "objects left", "they wait for another night"),
    ]
    return [f"{number:>7} {what}: {why}" for number, what, why in told]
