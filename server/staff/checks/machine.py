"""The machine beneath a drop: nothing of a recording may reach its disk, and its clock is right."""

import resource
from pathlib import Path
from typing import Final

from scrub import SandboxUnavailable, Zygote
from server.connections import allow_descriptors
from server.errors import NotFit
from server.scrubbing import OPENER
from server.staff.checks import Answers, Ground, fail, look, ok
from server.staff.checks.devices import device_of, is_encrypted
from server.staff.checks.starting import clock_fit

_NO_PROGRAM: Final = ("|/bin/false", "|/usr/bin/false", "|/bin/true")


def swap(ground: Ground) -> Answers:
    """What is in memory, a recording with it, may be written to swap."""
    answered = False
    for line in ground.said("proc/swaps").splitlines()[1:]:
        name, kind, *_ = line.split()
        if _is_swap_safe(ground, name, kind):
            continue
        answered = True
        todo = f"swapoff {name}, and take it out of /etc/fstab; or encrypt it"
        yield fail(f"{name} is swap, and not encrypted", todo)
    if not answered:
        yield ok("no swap, or only encrypted or in memory")


def _is_swap_safe(ground: Ground, name: str, kind: str) -> bool:
    device = Path(name).name
    if device.startswith("zram"):
        backing = ground.said(f"sys/block/{device}/backing_dev").strip()
        return backing in {"", "none"}
    if kind == "file":
        return is_encrypted(ground, device_of(Path(name)))
    return is_encrypted(ground, Path(name).resolve().name)


def cores(ground: Ground) -> Answers:
    """A program that crashes may leave its memory in a file."""
    pattern = ground.said("proc/sys/kernel/core_pattern").strip()
    if pattern.startswith("|") and not pattern.startswith(_NO_PROGRAM):
        program = pattern[1:].split()[0]
        todo = "sysctl kernel.core_pattern=core, and remove the package that sets it"
        yield look(f"what crashes is handed to {program}, whatever the limits say", todo)
    elif resource.getrlimit(resource.RLIMIT_CORE)[0] != 0:
        # The drop's own processes set their limit themselves; what else is started here doesn't.
        yield look("core dumps are on for this user", "ulimit -c 0, or LimitCORE=0 of its service")
    else:
        yield ok("no core dumps")


def clock(ground: Ground) -> Answers:
    """Keys are judged, mailboxes are deleted and days are told by this clock."""
    answered = False
    try:
        clock_fit(ground.at(ground.config.places.receipts), ground.now.date())
    except NotFit as error:
        answered = True
        yield from (fail(problem, "set the clock") for problem in error.problems)
    if not ground.clock_is_kept():
        answered = True
        todo = "see that something does: systemd-timesyncd, chrony; or look at it now and then"
        yield look("nothing is seen to set this machine's clock", todo)
    if not answered:
        yield ok(f"it is set by something, and says {ground.now.date()}")


def sandbox(ground: Ground) -> Answers:
    """The fences must start around what reads recordings: Landlock, seccomp, limits."""
    if ground.config.work.unfenced_scrubbing:
        todo = "take unfenced_scrubbing out of the configuration; no source may use this drop"
        yield fail("recordings are read without a sandbox", todo)
    try:
        Zygote.start(OPENER).close()
    except SandboxUnavailable as error:
        todo = "take a kernel with Landlock and seccomp: Debian 12's has both"
        yield fail(f"this machine can't fence in what reads recordings: {error}", todo)
    else:
        yield ok("Landlock, seccomp and limits start")


def open_files(ground: Ground) -> Answers:
    """Each connection needs two open files."""
    most = ground.config.connections.max_open
    try:
        allow_descriptors(most)
    except NotFit as error:
        yield from (fail(problem, "LimitNOFILE= of its service") for problem in error.problems)
    else:
        yield ok(f"enough may be open for {most} connections")
