"""The configuration: what in it isn't as safe as the default, and the command that sends alerts."""

import shutil
from pathlib import Path
from shlex import quote
from typing import Final

from server.config import Config, Engine, Findings, Work
from server.errors import NotFit
from server.staff.checks import Answer, Answers, Ground, fail, look, ok
from server.staff.checks.starting import missing_folders, read_logo
from server.staff.days import last_sweep
from server.staff.emergency.lockdown import locked_down
from server.staff.mail.carrying import PATH

_OTHERS_WRITE: Final = 0o022
_MAIL_UNIT: Final = "lib/systemd/system/tapedrop-mail.service"
_UNIT_RUNS: Final = Path("/usr")
_USUAL: Final = Work()
_NIGHTS: Final = 2
_TIMER: Final = "etc/systemd/system/tapedrop.target.wants/tapedrop-sweep.timer"


def settings(ground: Ground) -> Answers:
    """Settings that somebody chose and that weaken the drop; the defaults are safe."""
    answers = [*_weaker(ground.config), *_swept(ground)]
    yield from answers
    if not answers:
        yield ok("nothing in it is weaker than the default")


def _weaker(config: Config) -> Answers:
    if config.work.unfenced_scrubbing:
        todo = "take it out; no source may use this drop"
        yield fail("work.unfenced_scrubbing reads recordings without a sandbox", todo)
    if config.listen.tcp:
        todo = "take it out: tor goes to listen.unix"
        yield look("listen.tcp lets every user of this machine in, for trying out only", todo)
    if config.newsroom.findings is Findings.VALUES:
        todo = "if the newsroom did not ask for it, take it out"
        yield look('newsroom.findings = "values" seals what was taken out of a recording', todo)
    work = config.work
    if work.reading_idle_minutes > _USUAL.reading_idle_minutes:
        todo = "take it out, unless sources asked for it"
        yield look("work.reading_idle_minutes lets replies be read for longer", todo)
    if work.session_idle_minutes > _USUAL.session_idle_minutes:
        todo = "take it out: what a visit leaves in memory stays for as long"
        yield look("work.session_idle_minutes remembers visits for longer", todo)
    if 0 in (config.admission.spool_floor_bytes, config.admission.store_floor_bytes):
        todo = "take the floor of 0 out of [admission]"
        yield look("uploads are taken until the disk is full", todo)


def _swept(ground: Ground) -> Answers:
    """Where the drop doesn't sweep, a timer does, or a front end that shares its bucket."""
    config = ground.config
    if config.keeping.sweep_nightly or config.store.engine is Engine.S3:
        return
    last = last_sweep(ground.at(config.places.receipts))
    if last is None:
        is_well = (ground.root / _TIMER).is_symlink()
    else:
        is_well = 0 <= (ground.now.date() - last).days <= _NIGHTS
    if not is_well:
        todo = (
            "systemctl enable --now tapedrop.target; or take it out, unless another machine sweeps"
        )
        yield look("keeping.sweep_nightly = false, and nobody has swept the store lately", todo)


def folders(ground: Ground) -> Answers:
    """What the settings name is there."""
    problems = missing_folders(ground.folder, ground.config)
    try:
        read_logo(ground.folder, ground.config.newsroom)
    except NotFit as error:
        problems += error.problems
    yield from (fail(problem, "make it, or correct the setting") for problem in problems)
    if not problems:
        yield ok("what the configuration names is there")


def lockdown(ground: Ground) -> Answers:
    """In a lockdown no uploads are taken."""
    if locked_down(ground.folder):
        yield look("the drop is locked down: no uploads are taken", "tapedrop-server unlock")
    else:
        yield ok("uploads are taken")


def alerts(ground: Ground) -> Answers:
    """The command that carries alerts away is there, can be run, and is nobody else's to change."""
    yield _alerts(ground)


def _alerts(ground: Ground) -> Answer:
    words = ground.config.staff.alert_command
    if not words:
        return look("nobody is alerted", "set staff.alert_command")
    # As it is looked for when an alert is sent.
    name = str(ground.at(words[0])) if "/" in words[0] else words[0]
    found = shutil.which(name, path=PATH)
    if found is None:
        todo = "write the whole path of a program that this user may run"
        return fail(f"staff.alert_command: {words[0]} is not there, or can't be run", todo)
    if Path(found).stat().st_mode & _OTHERS_WRITE:
        return fail(
            f"others can change {found}, which the drop runs", f"chmod go-w {quote(str(found))}"
        )
    if _is_mailed_by_unit(ground) and not Path(found).resolve().is_relative_to(_UNIT_RUNS):
        todo = f"put it into {_UNIT_RUNS}/local/bin, with all that it runs"
        return fail(f"tapedrop-mail.service can't run {found}, only what lies below /usr", todo)
    if not Path(words[0]).is_absolute():
        todo = f"write the whole path: {found}"
        return look(f"staff.alert_command: {words[0]} is looked for, and may be another", todo)
    return ok(f"alerts leave by {found}; check --send-alert tries it")


def _is_mailed_by_unit(ground: Ground) -> bool:
    """Say whether systemd carries this drop's letters away; a person's shell is not so fenced."""
    return f"--config {ground.folder}/tapedrop.toml" in ground.said(_MAIL_UNIT)
