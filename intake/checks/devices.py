"""What a folder lies on: in memory, or a disk that is encrypted or not, as far as Linux tells.

/proc/self/mountinfo               what is mounted where (proc_pid_mountinfo(5))
/sys/dev/block/<a:b>/dm/uuid       begins with CRYPT- where dm-crypt (LUKS) encrypts it
…/slaves/                          what it is made of: LVM on dm-crypt, RAID
"""

import re
from enum import Enum, auto
from pathlib import Path
from typing import Final

from intake.checks import Machine

_DEEPEST: Final = 8
_IN_MEMORY: Final = {"tmpfs", "ramfs"}
_UPPER: Final = re.compile(r"(?:^|,)upperdir=([^,]+)")
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")


class Lies(Enum):
    """Where something lies."""

    IN_MEMORY = auto()
    ENCRYPTED = auto()
    PLAIN = auto()
    UNSEEN = auto()
    """The kernel doesn't tell."""


def where(machine: Machine, path: Path, *, depth: int = 0) -> Lies:
    """Say what holds `path`, or what would."""
    found: tuple[int, str, str, str] | None = None
    for line in machine.said("proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        fields, facts = before.split(), after.split()
        at = Path(_unescaped(fields[4]))
        # A later line lies on top of an earlier one at the same place.
        if path.resolve().is_relative_to(at) and (found is None or len(at.parts) >= found[0]):
            found = len(at.parts), facts[0], _device(machine, fields[2], facts[1]), facts[-1]
    if found is None or depth > _DEEPEST:
        return Lies.UNSEEN
    _, kind, device, options = found
    if kind in _IN_MEMORY:
        return Lies.IN_MEMORY
    if kind == "overlay":  # a system that runs from a stick: what is written goes to its upper part
        upper = _UPPER.search(options)
        return where(machine, Path(_unescaped(upper[1])), depth=depth + 1) if upper else Lies.UNSEEN
    return Lies.ENCRYPTED if is_encrypted(machine, device) else Lies.PLAIN


def is_encrypted(machine: Machine, device: str, *, depth: int = 0) -> bool:
    """Say whether dm-crypt is seen beneath a device, named `dm-0` or `253:0`."""
    if not device or depth > _DEEPEST:
        return False
    folder = f"sys/dev/block/{device}" if ":" in device else f"sys/class/block/{device}"
    if machine.said(f"{folder}/dm/uuid").startswith("CRYPT-"):
        return True
    slaves = machine.below(f"{folder}/slaves")
    return bool(slaves) and all(
        is_encrypted(machine, each.name, depth=depth + 1) for each in slaves
    )


def _device(machine: Machine, number: str, source: str) -> str:
    """Return the device's number, or its name where the file system (Btrfs) has its own number."""
    if number.startswith("0:") and source.startswith("/dev/"):
        return (machine.root / source.lstrip("/")).resolve().name
    return number


def _unescaped(field: str) -> str:
    """Return a path as it is: the kernel writes what would end a field in octal."""
    return _ESCAPED.sub(lambda code: chr(int(code[1], 8)), field)
