"""tapedrop-server destroy: erase what makes this drop itself. For the day on which all is lost."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from server.cli.options import answer, config_option, folder_of, json_option
from server.cli.talk import confirm, note, warn
from server.config import Config, Engine, read_config
from server.errors import SettingsRefused
from server.staff.emergency.destroy import Done, Plan, destroy, plan

_STAYS: Final = (
    "what was carried elsewhere: the newsroom's keys open drops on sticks and at desks as before",
    "backups of this drop: destroy each, or whoever opens one can stand in for it",
    "what disks keep of a file that was written over: SSDs, snapshots, file systems with a journal",
)


@click.command(
    "destroy",
    short_help="Erase the drop's secrets and disk keys, for ever.",
    epilog="""\b
Example: look at what would go, then do it as root; it asks to type a sentence
  tapedrop-server destroy --dry-run
  tapedrop-server destroy
""",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be destroyed.")
@click.option("--confirm", "given", metavar="TEXT", help="Answer the question: `destroy FOLDER`.")
@config_option
@json_option
def command(dry_run: bool, given: str | None, config_file: Path, as_json: bool) -> int:
    """Erase salt, export and onion keys, the other secrets, and the disk's own keys (LUKS).

    From then on nobody can stand in for this drop, no codename opens a mailbox, and what lies on
    an encrypted disk is lost once the machine is off. Ends the running drop. There is no way back
    but a backup.
    """
    folder = folder_of(config_file)
    config = _settings(config_file)
    planned = plan(folder, config or Config())
    stays = [*_STAYS, *_stays_too(folder, config, planned)]
    told = [*_goes(planned), "what it can't erase:", *(f"  {each}" for each in stays)]
    if dry_run:
        said = _said(planned) | {"dry_run": True, "stays": stays}
        answer(said, ["it would erase, for ever:", *told], as_json=as_json)
        return 0
    note("this erases, for ever:")
    for line in told:
        note(line)
    sentence = f"destroy {folder.name}"
    option = f'--confirm "{sentence}"'
    confirm(f"to destroy it, type: {sentence}", sentence, given=given, option=option)
    done = list(_each(planned))
    failed = [each for each in done if each.problem]
    said = _said(planned) | {
        "dry_run": False,
        "stays": stays,
        "failed": {each.what: each.problem for each in failed},
    }
    lines = [f"gone: {each.what}" for each in done if not each.problem]
    lines.append("now switch this machine off: its memory still holds what was read lately")
    answer(said, lines, as_json=as_json)
    if failed and os.geteuid() != 0:
        note("hint: do the rest as root: sudo tapedrop-server destroy")
    return 1 if failed or config is None else 0


def _settings(config_file: Path) -> Config | None:
    """Return the settings; nothing where they can't be used: this must not wait for them."""
    try:
        return read_config(config_file)
    except SettingsRefused as error:
        warn(f"the settings can't be used, so only the usual places are looked at: {error}")
        return None


def _each(planned: Plan) -> Iterator[Done]:
    """Do it, and say at once what could not be done."""
    for each in destroy(planned):
        if each.problem:
            warn(f"NOT gone: {each.what}: {each.problem}")
        yield each


def _goes(planned: Plan) -> Iterator[str]:
    for file in planned.files:
        yield f"  {_shown(file)}"
    for disk in planned.disks:
        yield f"  the LUKS keys of {disk}: all that lies on this disk, once the machine is off"
    if planned.process is not None:
        yield f"  and it ends the running drop, process {planned.process}"
    if not (planned.files or planned.disks):
        yield "  nothing: there is no secret of this drop left here"


def _shown(file: Path) -> str:
    """Return a file as it is listed: a link with where it leads, because that goes as well."""
    try:
        return f"{file}, a link to {file.readlink()}"
    except OSError:
        return str(file)


def _stays_too(folder: Path, config: Config | None, planned: Plan) -> Iterator[str]:
    """Yield what stays here in particular."""
    if config is None:
        yield "what only the settings name: the onion's keys, a bucket, files outside of the folder"
    elif config.store.engine is Engine.S3:
        yield f"the bucket {config.store.bucket}: delete it, and revoke its keys at the engine"
    elif not planned.disks:
        yield f"the sealed drops in {folder / config.places.store}: no encrypted disk was found"
    if config is not None and config.tor.onion and not config.tor.keys:
        yield f"the keys of {config.tor.onion}: tor.keys doesn't say where they are"
    if planned.disks and os.geteuid() != 0:
        yield "the LUKS keys, unless you do this as root"


def _said(planned: Plan) -> dict[str, object]:
    return {
        "files": [str(file) for file in planned.files],
        "disks": [str(disk) for disk in planned.disks],
        "process": planned.process,
    }
