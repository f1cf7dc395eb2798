"""What is in memory, recordings and keys, must stay there.

/proc/swaps                         where the kernel puts what it has no room for
/sys/block/<zram>/backing_dev       a disk behind compressed memory, or "none"
/proc/sys/kernel/core_pattern       where what crashes leaves its memory (core(5))
"""

import resource
from pathlib import Path
from typing import Final

from intake.checks import Answers, Machine, fail, look, ok
from intake.checks.devices import Lies, is_encrypted, where

_NO_PROGRAM: Final = ("|/bin/false", "|/usr/bin/false", "|/bin/true")
_LIES: Final = {
    Lies.PLAIN: "lies on a disk that is not seen to be encrypted",
    Lies.ENCRYPTED: "lies on the disk, and outlasts the session",
    Lies.UNSEEN: "lies where the kernel doesn't tell",
}


def swap(machine: Machine) -> Answers:
    """Swap that is not encrypted keeps what was in memory, for whoever takes the disk."""
    answered = False
    for line in machine.said("proc/swaps").splitlines()[1:]:
        name, kind, *_ = line.split()
        if not _is_safe(machine, Path(name), kind):
            answered = True
            todo = f"swapoff {name}, and take it out of /etc/fstab; or encrypt it"
            yield fail(f"{name} is swap, and not seen to be encrypted", todo)
    if not answered:
        yield ok("no swap, or only encrypted or in memory")


def _is_safe(machine: Machine, swap: Path, kind: str) -> bool:
    if swap.name.startswith("zram"):
        return machine.said(f"sys/block/{swap.name}/backing_dev").strip() in {"", "none"}
    if kind == "file":
        return where(machine, swap) is Lies.ENCRYPTED
    return is_encrypted(machine, swap.resolve().name)


def cores(machine: Machine) -> Answers:
    """A player that crashes may leave the recording in a file; this program never does."""
    pattern = machine.said("proc/sys/kernel/core_pattern").strip()
    if pattern.startswith("|") and not pattern.startswith(_NO_PROGRAM):
        program = pattern[1:].split()[0]
        todo = "sysctl kernel.core_pattern=core, and remove the package that sets it"
        yield look(f"what crashes is handed to {program}, with all of its memory", todo)
    elif resource.getrlimit(resource.RLIMIT_CORE)[1] != 0 and not pattern.startswith("|"):
        todo = "put “* hard core 0” into /etc/security/limits.conf, and log in anew"
        yield look("a program that crashes may leave its memory in a file", todo)
    else:
        yield ok("no core dumps")


def temporary(machine: Machine) -> Answers:
    """Players and viewers leave copies in folders for temporary files; in memory they end."""
    answered = False
    folders = [machine.root / "tmp", *filter(None, [machine.runtime])]
    for folder in folders:
        lies = where(machine, folder)
        if lies is not Lies.IN_MEMORY:
            answered = True
            todo = f"mount a tmpfs there: systemctl enable tmp.mount; or work on Tails ({folder})"
            yield look(f"{folder} {_LIES[lies]}", todo)
    if not answered:
        yield ok("folders for temporary files lie in memory")
