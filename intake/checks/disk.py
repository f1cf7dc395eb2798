"""The disk below a desk: encrypted, with room for the next stick, and closed to others."""

import os
import shutil
import stat
from pathlib import Path
from typing import Final

from intake.arriving.evidence import Evidence
from intake.checks import Answers, Desk, Machine, fail, look, ok
from intake.checks.devices import Lies, where
from intake.wording import size_text

_LITTLE: Final = 5_000_000_000
_OF_OTHERS: Final = 0o077
_SHOWN: Final = 3
_ENCRYPT: Final = (
    "move it to an encrypted disk (LUKS; on Tails the persistent storage): names, sizes and "
    "times of envelopes are in the clear, and so is what other programs write"
)


def home(machine: Machine) -> Answers:
    """Keys and whatever other programs write of recordings lie in the home folder."""
    places = {"the home folder": machine.home, "the keyring": machine.gnupg}
    if where(machine, machine.home) is Lies.IN_MEMORY:  # Tails: nothing of it outlasts the session
        del places["the home folder"]
    yield from _encryption(machine, places)


def encryption(desk: Desk) -> Answers:
    """What the desk keeps is encrypted by itself; that it has anything, and how much, is not."""
    yield from _encryption(desk.machine, {"the desk's folder": desk.layout.folder})


def _encryption(machine: Machine, places: dict[str, Path]) -> Answers:
    by_where: dict[Lies, list[str]] = {}
    for name, place in places.items():
        by_where.setdefault(where(machine, place), []).append(name)
    for lies, names in by_where.items():
        named = " and ".join(names)
        match lies:
            case Lies.ENCRYPTED:
                yield ok(f"{named}: encrypted")
            case Lies.PLAIN:
                yield fail(f"the disk is not seen to be encrypted that holds {named}", _ENCRYPT)
            case Lies.UNSEEN:
                todo = "see yourself that it is an encrypted disk (LUKS)"
                yield look(f"the kernel does not tell what holds {named}", todo)
            case Lies.IN_MEMORY:
                todo = "put it on an encrypted disk, unless it shall end with the session"
                yield look(f"in memory, and gone when the machine is turned off: {named}", todo)


def room(desk: Desk) -> Answers:
    """A stick full of drops must find room, and so must its recordings once they are opened."""
    free = shutil.disk_usage(desk.layout.folder).free
    if free < _LITTLE:
        todo = "make room; working copies may go, and are made anew by opening: working/"
        yield look(f"only {size_text(free)} are free", todo)
    else:
        yield ok(f"{size_text(free)} are free")


def imports(desk: Desk) -> Answers:
    """An import that was interrupted is gone on with by importing the same bag again."""
    if half := Evidence(desk.layout.evidence).parts():
        many = "an envelope is" if len(half) == 1 else f"{len(half)} envelopes are"
        yield look(f"{many} here in part only", "plug the stick in, and import again")
    else:
        yield ok("none was interrupted")


def modes(desk: Desk) -> Answers:
    """Nobody else who has an account on this machine reads, or changes, what the desk has."""
    open_to_others, of_others = [], []
    for path in [desk.layout.folder, *sorted(desk.layout.folder.rglob("*"))]:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode) or found.st_uid != os.geteuid():
            of_others.append(path)
        elif stat.S_IMODE(found.st_mode) & _OF_OTHERS:
            open_to_others.append(path)
    if of_others:
        todo = "see what it is: a desk has no links, and no files of other users"
        yield fail(f"not the desk's own: {_some(desk, of_others)}", todo)
    if open_to_others:
        todo = f"chmod -R go= {desk.layout.folder}"
        yield look(f"others may read or change {_some(desk, open_to_others)}", todo)
    if not of_others and not open_to_others:
        yield ok("only you can read the desk's folder")


def _some(desk: Desk, paths: list[Path]) -> str:
    names = [path.relative_to(desk.layout.folder.parent).as_posix() for path in paths[:_SHOWN]]
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return f"{', '.join(names)}{more}"
