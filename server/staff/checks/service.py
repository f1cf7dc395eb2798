"""What fences in the drop that runs now: systemd's unit, as the kernel shows it from outside.

/proc/locks           "1: FLOCK  ADVISORY  WRITE PID MAJOR:MINOR:INODE 0 EOF" (proc_locks(5))
/proc/PID/status      NoNewPrivs: 1, and Seccomp: 2 where a filter is at work (proc_pid_status(5))
/proc/PID/net/dev     the network interfaces that the process has
/proc/PID/cgroup      the unit that it belongs to
"""

import os
from typing import Final

from server.config import Engine
from server.running import LOCK, is_running
from server.staff.checks import Answers, Ground, look, ok

UNIT: Final = "tapedrop.service"
_PID, _INODE = 4, 5
_ALONE: Final = {"lo"}
_FILTERED: Final = "2"
_START: Final = f"systemctl restart {UNIT}, and no `serve` by hand"


def service(ground: Ground) -> Answers:
    """The running drop has no network, can gain no right, and may make few system calls."""
    if not is_running(ground.folder):
        yield ok("the drop is not running: there is nothing to fence in")
        return
    process = _process(ground)
    if not process:
        yield look("which process is the drop can't be seen", f"systemctl status {UNIT}")
        return
    answers = list(_missing(ground, process))
    yield from answers
    if not answers:
        yield ok("systemd fences the drop in: no network, no new rights, few system calls")


def _process(ground: Ground) -> str:
    """Return the id of the process that holds the lock; nothing where the kernel doesn't tell."""
    facts = (ground.folder / LOCK).stat()
    device = f"{os.major(facts.st_dev):02x}:{os.minor(facts.st_dev):02x}"
    for line in ground.said("proc/locks").splitlines():
        fields = line.split()
        if len(fields) > _INODE and fields[_INODE] == f"{device}:{facts.st_ino}":
            return fields[_PID]
    return ""


def _missing(ground: Ground, process: str) -> Answers:
    """Yield what the unit would give it, and it doesn't have."""
    if not ground.said(f"proc/{process}/cgroup").rstrip().endswith(f"/{UNIT}"):
        todo = "systemctl enable --now tapedrop.target, where Tapedrop is installed"
        yield look(f"the drop does not run as {UNIT}, which fences it in", todo)
        return
    rights = dict(_fact(line) for line in ground.said(f"proc/{process}/status").splitlines())
    if rights.get("NoNewPrivs") != "1":
        yield look("the drop could gain rights (NoNewPrivileges=)", _START)
    if rights.get("Seccomp") != _FILTERED:
        yield look("the drop may make any system call (SystemCallFilter=)", _START)
    interfaces = [
        _fact(line)[0] for line in ground.said(f"proc/{process}/net/dev").splitlines()[2:]
    ]
    if not interfaces:
        yield look("which network the drop has can't be seen", f"systemctl status {UNIT}")
    elif set(interfaces) != _ALONE and ground.config.store.engine is Engine.FOLDER:
        says = f"the drop has a network: {', '.join(sorted(set(interfaces) - _ALONE))}"
        yield look(says, f"PrivateNetwork=yes in {UNIT}: systemctl cat {UNIT} says who changed it")


def _fact(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()
