"""Which disk something lies on, of which kind, and whether it is encrypted, as far as Linux tells.

/proc/self/mountinfo          what is mounted where (proc_pid_mountinfo(5))
/sys/block/<device>/dm/uuid   begins with CRYPT- where dm-crypt (LUKS) encrypts it
…/slaves/                     the devices that it is made of: LVM on top of dm-crypt, RAID
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from server.staff.checks import Ground

_DEEPEST: Final = 8
_MOUNTED_AT, _BEFORE_THE_REST = 4, " - "
_NO_DISK: Final = "0:"


@dataclass(frozen=True, slots=True)
class Mount:
    """A file system where it is mounted: its kind as the kernel calls it, and its device.

    The device is major:minor; or a name, where the file system (Btrfs) has a number of its own.
    """

    at: Path
    kind: str
    device: str


def mount_of(ground: Ground, path: Path) -> Mount | None:
    """Return the file system that holds `path`; None where the kernel doesn't tell."""
    real = path.resolve()
    found = None
    for line in ground.said("proc/self/mountinfo").splitlines():
        before, _, rest = line.partition(_BEFORE_THE_REST)
        fields, facts = before.split(), rest.split()
        at = Path(_unescaped(fields[_MOUNTED_AT]))
        # A later line lies on top of an earlier one at the same place.
        if real.is_relative_to(at) and (found is None or len(at.parts) >= len(found.at.parts)):
            found = Mount(at, facts[0], _device(ground, fields[2], facts[1]))
    return found


def _device(ground: Ground, number: str, source: str) -> str:
    """Return the device's number, or the name of what it was mounted from: /dev/mapper/… leads."""
    if number.startswith(_NO_DISK) and source.startswith("/dev/"):
        return (ground.root / source.lstrip("/")).resolve().name
    return number


def device_of(path: Path) -> str:
    """Return the device that holds `path`, as major:minor; nothing where it isn't there."""
    try:
        number = path.stat().st_dev
    except OSError:
        return ""
    return f"{os.major(number)}:{os.minor(number)}"


def is_encrypted(ground: Ground, device: str, *, depth: int = 0) -> bool:
    """Say whether dm-crypt is seen beneath a device, named `dm-0` or `253:0`."""
    if not device or depth > _DEEPEST:
        return False
    below = "sys/dev/block" if ":" in device else "sys/class/block"
    if ground.said(f"{below}/{device}/dm/uuid").startswith("CRYPT-"):
        return True
    try:
        slaves = [each.name for each in (ground.root / below / device / "slaves").iterdir()]
    except OSError:
        return False
    return bool(slaves) and all(is_encrypted(ground, each, depth=depth + 1) for each in slaves)


def _unescaped(field: str) -> str:
    """Return a path as it is: the kernel writes space, tab, line feed, backslash in octal."""
    for code in ("040", "011", "012", "134"):
        field = field.replace(f"\\{code}", chr(int(code, 8)))
    return field
