"""tapedrop-server status: how the drop is, and what needs somebody."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from server.cli.options import answer, config_option, drop_at, json_option
from server.config import Config
from server.errors import SettingsRefused, out_of_reach
from server.files import replace
from server.staff.overview.attention import Attention, attention_to
from server.staff.overview.prometheus import prometheus_text
from server.staff.overview.status import Status, lines_of, status_of
from server.store.opening import open_to_look

_FOR_ANOTHER_USER = 0o644
"""node_exporter is another user, and the figures are no secret to this machine's users."""


@click.command(
    "status",
    short_help="Say how the drop is, and what needs somebody.",
    epilog="""\b
Example: look, and let node_exporter find the same figures
  tapedrop-server status
  tapedrop-server status --prometheus /var/lib/node_exporter/drop.prom
""",
)
@click.option(
    "--prometheus",
    "to",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the figures to FILE.prom, which other users may read.",
)
@config_option
@json_option
def command(to: Path | None, config_file: Path, as_json: bool) -> int:
    """Say how the drop is: counts and days, and what needs somebody (exit 1 then).

    What is in the store is told as of the end of yesterday, so looking again tells nothing of who
    came today.
    """
    if to is not None and to.suffix != ".prom":
        raise click.UsageError("node_exporter only reads files that end in .prom")
    folder, config = drop_at(config_file)
    status = asyncio.run(_status(folder, config))
    attention = attention_to(status, config)
    if to is not None:
        _write(to, prometheus_text(status, len(attention)))
    said = msgspec.to_builtins(status)
    del said["store"]["after"]
    said["attention"] = msgspec.to_builtins(attention)
    answer(said, [*lines_of(status), *_lines(attention)], as_json=as_json)
    return 1 if attention else 0


async def _status(folder: Path, config: Config) -> Status:
    async with open_to_look(folder, config) as store:
        return await status_of(folder, config, store, now=datetime.now(UTC))


def _write(to: Path, text: str) -> None:
    try:
        replace(to, text.encode(), mode=_FOR_ANOTHER_USER)
    except OSError as error:
        said = f"can't write {to}: {error.strerror}"
        raise SettingsRefused(said, hint=out_of_reach(error)) from None


def _lines(attention: tuple[Attention, ...]) -> list[str]:
    lines = ["nothing needs you"] if not attention else ["", "this needs you:"]
    for each in attention:
        lines += [f"  {each.says}", f"    → {each.todo}"]
    return lines
