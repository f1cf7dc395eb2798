"""tapedrop-server export: carry the drops out on a stick."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from server.cli.options import answer, config_option, drop_at, json_option
from server.cli.talk import Progress, counted, note, size_text
from server.config import Config, Engine
from server.newsroom import newsroom_of
from server.staff.desks.pairing import read_export_key
from server.staff.sticks.export import Exported, export
from server.store.opening import open_to_look


@click.command(
    "export",
    short_help="Carry every sealed drop out on a stick.",
    epilog="""\b
Example: onto the stick that is mounted there
  tapedrop-server export --to /media/stick
""",
)
@click.option(
    "--to",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The stick, or any folder; it is made if need be.",
)
@config_option
@json_option
def command(to: Path, config_file: Path, as_json: bool) -> None:
    """Copy every sealed drop into a signed bag, read it back, and say where it is.

    Nothing is deleted here. When it was stopped, or the stick was pulled, run the same again: it
    goes on where it was.
    """
    folder, config = drop_at(config_file)
    try:
        with _progress() as progress:
            exported = asyncio.run(_exported(folder, config, to, progress))
    except KeyboardInterrupt:
        note("run the same again, and it goes on")
        raise
    bags = [str(folder) for folder in exported.folders]
    said = {
        "bag": bags[0] if bags else None,
        "bags": bags,
        "drops": exported.drops,
        "bytes": exported.bytes,
        "kept_bytes": exported.kept,
        "safe_to_unplug": bool(exported.place and exported.place.is_stick),
    }
    answer(said, _lines(exported, to), as_json=as_json)


def _lines(exported: Exported, to: Path) -> list[str]:
    if exported.place is None or not exported.folders:
        return ["there is nothing to export"]
    where = ", ".join(map(str, exported.folders))
    lines = [f"{counted(exported.drops, 'drop')}, {size_text(exported.bytes)}: {where}"]
    if exported.was_there:
        note("this bag was on it already; it was compared with the store")
    elif exported.kept:
        note(f"went on with a bag that was not finished: {size_text(exported.kept)} were there")
    lines.append("read back whole")
    if not exported.from_stick:
        lines[-1] += ", though maybe from this machine's memory: the desk looks again"
    if exported.place.is_stick:
        return [*lines, "safe to unplug"]
    return [*lines, f"{to} is a folder on this machine, not a stick: carry the bag out yourself"]


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show a line for each thing that takes long."""
    with ExitStack() as stack:
        shown: dict[str, Progress] = {}

        def tell(what: str, passed: int, total: int) -> None:
            if what not in shown:
                shown[what] = stack.enter_context(Progress(what))
            shown[what](passed, total)

        yield tell


async def _exported(
    folder: Path, config: Config, to: Path, progress: Callable[[str, int, int], None]
) -> Exported:
    now = datetime.now(UTC)
    is_folder = config.store.engine is Engine.FOLDER
    async with open_to_look(folder, config) as store:
        return await export(
            store,
            to,
            export_key=read_export_key(folder / config.credentials.export_key),
            newsroom=newsroom_of(folder, config, now=now).fingerprints,
            day=now.date(),
            receipts=folder / config.places.receipts,
            machine=(folder / config.places.store,) if is_folder else (),
            progress=progress,
        )
