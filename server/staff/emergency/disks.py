"""Which disks below a folder are encrypted with LUKS, and how to erase the keys in their headers.

A file system lies on a block device; that may be made of others (device mapper, RAID), which sysfs
lists as its `slaves`. Where one is the opened side of a LUKS container, its device mapper UUID
begins with CRYPT-LUKS, and the header is on what it is made of (cryptsetup, lib/libdevmapper.c).
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from server.errors import NotErased

_OPENED: Final = "CRYPT-LUKS"
_CRYPTSETUP_AT: Final = "/usr/sbin:/sbin:/usr/bin:/bin"
_SECONDS: Final = 60


def luks_below(
    place: Path, *, sys: Path = Path("/sys"), mounts: Path = Path("/proc/self/mountinfo")
) -> list[str]:
    """Return the names of the block devices whose LUKS headers `place` depends on, as in /dev.

    Finds none where sysfs or the mounts can't be read, or the header is kept apart from its disk.
    """
    try:
        number = place.stat().st_dev
        device = _device(f"{os.major(number)}:{os.minor(number)}", sys, mounts)
        return list(dict.fromkeys(_headers(device))) if device else []
    except OSError:
        return []


def erase_header(device: Path) -> None:
    """Erase every key in a LUKS header: what is not open now can never be opened again.

    Raises NotErased, saying why.
    """
    program = shutil.which("cryptsetup", path=_CRYPTSETUP_AT)
    if program is None:
        raise NotErased("there is no cryptsetup here")
    command = [program, "luksErase", "--batch-mode", str(device)]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        raise NotErased("cryptsetup did not come to an end") from None
    if done.returncode != 0:
        raise NotErased("cryptsetup could not do it; as root: cryptsetup luksErase " + str(device))


def _device(number: str, sys: Path, mounts: Path) -> Path | None:
    """Return the folder in sysfs of the device with this number, or of what is mounted as it.

    Btrfs, for one, gives its folders numbers of its own.
    """
    found = sys / "dev/block" / number
    if found.exists():
        return found.resolve()
    for line in mounts.read_text().splitlines():
        fields, _, rest = line.partition(" - ")
        source = rest.split()[1] if len(rest.split()) > 1 else ""
        if fields.split()[2] == number and source.startswith("/dev/"):
            return _named(Path(source).name, sys)
    return None


def _named(name: str, sys: Path) -> Path | None:
    """Return the folder of the device with this name, the kernel's or device mapper's own."""
    for found in (sys / "class/block").iterdir():
        if name in (found.name, _read(found / "dm/name")):
            return found.resolve()
    return None


def _headers(device: Path) -> Iterator[str]:
    below = sorted((device / "slaves").iterdir()) if (device / "slaves").is_dir() else []
    for each in below:
        if _read(device / "dm/uuid").startswith(_OPENED):
            yield each.name
        yield from _headers(each.resolve())


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
