"""A bag that is being written on a stick, or lies there unfinished from another time.

    TAPEDROP/<random>.<drop>.part/    32 hex digits, and 16 that tell whose it is: SHA-256 of
                                      "tapedrop unfinished bag", a zero byte, the export public key
    TAPEDROP/<random>/                the same once it was read back whole

What lies in an unfinished bag is not trusted: it is kept only as far as it is, byte for byte, what
the store holds. Everything is opened below a descriptor of the folder that it is in, and never
through a link.
"""

import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from crypto.bag import DATA, FOLDER, UNFINISHED
from server.staff.sticks.stick import NameTaken, StickDiffers, sync_stick
from server.store import random_name

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NAME: Final = re.compile(r"([0-9a-f]{32})\.([0-9a-f]{16})\.part")


@dataclass(frozen=True, slots=True)
class Modes:
    """Who may read what is written, and who may put something beside it."""

    shared: int
    folder: int
    file: int


# A desk is another machine with other users. What is sealed and signed may be read by whoever has
# the stick; the desk's answers come beside it, and nobody but who wrote a bag can rename it.
_ON_A_STICK: Final = Modes(shared=0o1777, folder=0o755, file=0o644)
_ON_THIS_MACHINE: Final = Modes(shared=0o700, folder=0o700, file=0o600)


class Bags:
    """The TAPEDROP folder of a stick, held open, and made if need be."""

    def __init__(self, to: Path, export_key: Ed25519PublicKey, *, is_stick: bool) -> None:
        """Raises NameTaken, OSError."""
        self.to = to
        self.modes = _ON_A_STICK if is_stick else _ON_THIS_MACHINE
        said = b"tapedrop unfinished bag\x00" + export_key.public_bytes_raw()
        self._drop = sha256(said).hexdigest()[:16]
        self._above = os.open(to, _FOLDER & ~os.O_NOFOLLOW)
        try:
            self.folder = make_folder(FOLDER, self._above, to, self.modes.shared)
        except BaseException:
            os.close(self._above)
            raise

    def finished(self) -> list[str]:
        """Return the names of the folders that may be bags."""
        return [
            entry.name
            for entry in _entries(self.folder)
            if not entry.name.endswith(UNFINISHED) and entry.is_dir(follow_symlinks=False)
        ]

    def opened(self, name: str) -> AbstractContextManager[int]:
        """Hold a bag's folder open. Raises NotADirectoryError, OSError."""
        return opened_folder(name, self.folder)

    def remove(self, name: str) -> None:
        """Remove a bag."""
        shutil.rmtree(name, dir_fd=self.folder)

    def take_up(self) -> str:
        """Return the name of this drop's unfinished bag, begun now if there is none.

        Where there are several, it is the one with the most bytes, and the others are removed.
        Another drop's are left alone, and so is what a desk has not finished.
        """
        ours = [
            entry.name
            for entry in _entries(self.folder)
            if entry.is_dir(follow_symlinks=False) and self._is_ours(entry.name)
        ]
        if not ours:
            name = f"{random_name()}.{self._drop}{UNFINISHED}"
            os.close(make_folder(name, self.folder, self.to / FOLDER, self.modes.folder))
            return name
        _most, furthest = max((self._bytes_in(name), name) for name in ours)
        for name in ours:
            if name != furthest:
                self.remove(name)
        return furthest

    def finish(self, name: str, listed: Collection[str]) -> str:
        """Give an unfinished bag its name; return it. Raises NameTaken, StickDiffers, OSError.

        Then nothing is left in memory, and the bag was seen under its name with all it lists.
        """
        whole = name.partition(".")[0]
        with suppress(FileNotFoundError):
            os.stat(whole, dir_fd=self.folder, follow_symlinks=False)
            raise NameTaken(self.to / FOLDER / whole)
        os.rename(name, whole, src_dir_fd=self.folder, dst_dir_fd=self.folder)
        self.sync()
        with self.opened(whole) as bag:
            is_there = holds(bag, listed)
        if not is_there:  # fusefat 0.1a loses what is in a folder that it renames
            self.remove(whole)
            raise StickDiffers(self.to, whole)
        return whole

    def sync(self) -> None:
        """Have all that was written outlast a crash."""
        for folder in (self.folder, self._above):
            os.fsync(folder)
        sync_stick(self.folder)

    def close(self) -> None:
        """Let the stick go."""
        os.close(self.folder)
        os.close(self._above)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _is_ours(self, name: str) -> bool:
        match = _NAME.fullmatch(name)
        return match is not None and match[2] == self._drop

    def _bytes_in(self, name: str) -> int:
        try:
            with opened_folder(name, self.folder) as bag, opened_folder(DATA, bag) as data:
                return sum(entry.stat(follow_symlinks=False).st_size for entry in _entries(data))
        except (FileNotFoundError, NotADirectoryError):
            return 0


def make_folder(name: str, above: int, path: Path, mode: int) -> int:
    """Return a descriptor of the folder `name`, made if need be, in the one at `path`.

    Raises NameTaken where it is a link or a file, OSError.
    """
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=above)
    try:
        folder = os.open(name, _FOLDER, dir_fd=above)
    except NotADirectoryError:  # also what a link says to O_DIRECTORY with O_NOFOLLOW
        raise NameTaken(path / name) from None
    with suppress(OSError):  # somebody else's, or read-only, or FAT, which knows no modes
        os.fchmod(folder, mode)
    return folder


@contextmanager
def opened_folder(name: str, above: int) -> Iterator[int]:
    """Hold a folder open. Raises NotADirectoryError where it is a link or a file, OSError."""
    descriptor = os.open(name, _FOLDER, dir_fd=above)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def remove_others(folder: int, is_kept: Callable[[os.DirEntry[str]], bool]) -> dict[str, int]:
    """Leave in a folder only what `is_kept`; return the names and sizes of it. Raises OSError."""
    while True:
        there: dict[str, int] = {}
        removed = False
        for entry in _entries(folder):
            if is_kept(entry):
                there[entry.name] = entry.stat(follow_symlinks=False).st_size
            else:
                _remove(entry, folder)
                removed = True
        # While names go, a listing may skip others.
        if not removed:
            return there


def holds(bag: int, listed: Collection[str]) -> bool:
    """Return whether in a bag's folder is what is listed, by its lists' names, and nothing else."""
    try:
        with opened_folder(DATA, bag) as data:
            below = {f"{DATA}/{entry.name}" for entry in _entries(data)}
    except (FileNotFoundError, NotADirectoryError):
        return False
    return below | {entry.name for entry in _entries(bag)} - {DATA} == set(listed)


def _remove(entry: os.DirEntry[str], folder: int) -> None:
    if entry.is_dir(follow_symlinks=False):
        shutil.rmtree(entry.name, dir_fd=folder)
    else:
        os.unlink(entry.name, dir_fd=folder)


def _entries(folder: int) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        yield from entries
