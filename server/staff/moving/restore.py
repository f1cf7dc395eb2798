"""Make a drop again from its backup, on a machine where it has never been.

Everything is unpacked into a hidden folder inside the new one, whose parent may be root's; only
when gpg has vouched for all of it does it move to its places, the settings last: where they are,
everything is. No path in the backup is ever followed: each name is one
of a few that we know, and where it goes is what the settings say.

Encryption says nothing of who made a backup: anybody can encrypt to a public key, and whoever has
this drop restored with settings and keys of theirs has all that comes from then on. So the digest
that `backup` told is compared first.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from crypto.gpg import Gpg
from server.config import Config, read_config
from server.errors import BadBackup, SettingsRefused
from server.files import sync_folder
from server.running import make_lock
from server.staff.moving.archive import FILE_NAME, Unpacking
from server.staff.moving.backup import (
    CLIENTS,
    KEYRINGS,
    NEEDED,
    ONION,
    ONION_FILES,
    PUBLIC_KEYS,
    SETTINGS,
    files_of,
    folders_of,
)

ELSEWHERE: Final = "elsewhere"
PART: Final = ".restoring"
_UNPACKED: Final = ".unpacked"
_BLOCK: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Restored:
    """A drop that is whole but for its store.

    `elsewhere` is what the settings have outside of the drop's folder: where it lies, where it
    belongs.
    """

    folder: Path
    config: Config
    files: int
    onion: bool
    locked_down: bool
    elsewhere: tuple[tuple[Path, str], ...]


def digest_of(sealed: Path) -> str:
    """Return what `backup` said of this file, if it is the same: its SHA-256 in hex."""
    with sealed.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def restore(sealed: Path, to: Path, *, gpg: Gpg, digest: str) -> Restored:
    """Make the drop in `to`, which is new or empty, from the backup whose digest is `digest`.

    Raises SettingsRefused when something is in the way, or the settings are of a later version;
    BadBackup, NewerVersion, NoKeyOpens, Tampered, GpgFailed. Then nothing is left of it.
    """
    is_new = not to.exists()
    if not is_new and (not to.is_dir() or any(not _is_hidden(path) for path in to.iterdir())):
        hint = "where it is what an interrupted restore left, empty the folder first"
        raise SettingsRefused(
            f"there is something in {to}; a drop is restored into a new folder", hint=hint
        )
    _make_folder(to)
    part = to / PART
    # Left by one that was interrupted; nothing was ever told of it.
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700)
    try:
        names = _unpack(sealed, part / _UNPACKED, gpg, digest)
        if missing := {SETTINGS, *NEEDED} - names:
            raise BadBackup(f"{min(missing)} is missing in it")
        config = read_config(part / _UNPACKED / SETTINGS)
        elsewhere = _arrange(part, config, names)
        make_lock(part)
        _sync(part)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        if is_new:
            with suppress(OSError):
                to.rmdir()
        raise
    _appear(part, to)
    return Restored(
        to,
        config,
        len(names),
        onion=any(name.startswith(f"{ONION}/") for name in names),
        locked_down="lockdown" in names,
        elsewhere=tuple((to / ELSEWHERE / name, path) for name, path in elsewhere),
    )


def _unpack(sealed: Path, into: Path, gpg: Gpg, digest: str) -> set[str]:
    """Unpack all of it; return the names. Nothing is to be believed unless this returns."""
    read = sha256()

    def blocks() -> Iterator[bytes]:
        with sealed.open("rb") as file:
            while block := file.read(_BLOCK):
                read.update(block)
                yield block

    unpacking = Unpacking(lambda name: _new_file(into, name))
    gpg.decrypt(blocks(), unpacking.feed)
    if read.hexdigest() != digest:
        raise BadBackup(f"{sealed} changed meanwhile")
    return unpacking.finished()


def _new_file(into: Path, name: str) -> BinaryIO:
    """Return the new file for what has this name in a backup. Raises BadBackup for any other."""
    if not _has_a_place(name):
        raise BadBackup("it holds something that has no place in a drop")
    path = into / name
    _make_folder(path.parent)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def _appear(part: Path, to: Path) -> None:
    for found in sorted(part.iterdir(), key=lambda path: path.name == SETTINGS):
        sync_folder(to)
        found.rename(to / found.name)
    part.rmdir()
    sync_folder(to)
    sync_folder(to.parent)


def _is_hidden(path: Path) -> bool:
    """Say whether it may be there before: what a shell keeps in its user's home."""
    return path.name.startswith(".")


def _has_a_place(name: str) -> bool:
    if name == SETTINGS or name in files_of(Config()):
        return True
    folder, _, file = name.rpartition("/")
    if folder in KEYRINGS:
        return file in PUBLIC_KEYS
    if folder == ONION:
        return file in ONION_FILES
    known = folder in folders_of(Config()) or folder == f"{ONION}/{CLIENTS}"
    return known and FILE_NAME.fullmatch(file) is not None


def _arrange(part: Path, config: Config, names: set[str]) -> list[tuple[str, str]]:
    """Move everything to where the settings say; return what they have outside of the drop."""
    unpacked = part / _UNPACKED
    elsewhere = []
    files = {name: path for name, path in files_of(config).items() if name in names}
    for name, path in ({SETTINGS: SETTINGS} | files | folders_of(config)).items():
        if not (unpacked / name).exists():
            (unpacked / name).mkdir(mode=0o700)  # a folder that was empty
        place = part / path
        if _leads_out(path):
            elsewhere.append((name, path))
            place = part / ELSEWHERE / name
        _move(unpacked / name, place)
    if (unpacked / ONION).exists():
        _move(unpacked / ONION, part / ONION)
    shutil.rmtree(unpacked)
    for made in (config.places.spool, config.places.outbox):
        if not _leads_out(made):
            _make_folder(part / made)
    return elsewhere


def _move(found: Path, place: Path) -> None:
    _make_folder(place.parent)
    if place.exists():
        raise BadBackup("its settings have two things in one place")
    found.rename(place)


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700)


def _leads_out(path: str) -> bool:
    """Say whether a path is none of the drop's: nor is what a shell, or ssh, reads at its home."""
    pure = PurePosixPath(path)
    return pure.is_absolute() or any(part.startswith(".") for part in pure.parts)


def _sync(folder: Path) -> None:
    """Make everything below outlast a crash."""
    for below, _, names in os.walk(folder):
        for name in names:
            with (Path(below) / name).open("rb") as file:
                os.fsync(file.fileno())
        sync_folder(Path(below))
