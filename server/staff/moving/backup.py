"""Back a drop up: everything that makes it this drop, in one file that only the staff can open.

    in the tar                     what it is, and where the settings say that it lies
    tapedrop.toml                  the settings themselves
    credentials/salt, …            the drop's secrets: salt, export key, canary, the store's keys
    newsroom/…, staff/…            public keys: of the newsroom, of security staff
    desks/…, receipts/…            the desks it is paired with, and what they have said
    logo, authority                where the settings name them
    lockdown                       where the drop is locked down
    onion/…                        the keys of the onion service, where `tor.keys` names them

What is in the store is not in it: that is sealed already, and is copied as it is. Nor is the spool.
Whoever opens a backup can stand in for the drop, to sources and to desks, from then on. They can
open no recording, and no mailbox without its codename.

The tar goes to gpg as it is made: nothing of it touches a disk in the clear. The format is
docs/backup.md.
"""

import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from hashlib import file_digest, sha256
from pathlib import Path
from typing import BinaryIO, Final

from crypto.gpg import Gpg
from server.config import Config
from server.errors import NotFit, SettingsRefused, StoreFailed, StoreFull
from server.files import NO_ROOM, sync_folder
from server.staff.moving.archive import FILE_NAME, LARGEST_FILE, MOST_FILES, Entry, tar

SETTINGS: Final = "tapedrop.toml"
ONION: Final = "onion"
KEYRINGS: Final = ("newsroom", "staff")
PUBLIC_KEYS: Final = ("pubring.kbx", "pubring.gpg", "trustdb.gpg")
"""What of a GNUPGHOME is only public: the keys, and which are disabled."""
ONION_FILES: Final = ("hostname", "hs_ed25519_public_key", "hs_ed25519_secret_key")
CLIENTS: Final = "authorized_clients"
CLIENT: Final = ".auth"
NEEDED: Final = ("credentials/salt", "credentials/export.key")
_NO_ONION: Final = "run this as root, or leave the onion address out with --without-onion"
_FOR_ANYBODY: Final = 0o644
"""It is sealed, and on a stick: whoever reads it elsewhere is a user that is not known here."""
_BLOCK: Final = 256 * 1024
_LIMIT_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A backup that was read back whole: its SHA-256 in hex, and what is in it."""

    path: Path
    bytes: int
    digest: str
    files: int
    onion: bool


def files_of(config: Config) -> dict[str, str]:
    """Return what a backup holds as one file each: its name there, and its path here.

    A path may be empty: then there is no such file.
    """
    return {
        "credentials/salt": config.credentials.salt,
        "credentials/export.key": config.credentials.export_key,
        "credentials/canary": config.credentials.canary,
        "credentials/store.toml": config.store.credentials,
        "authority": config.store.authority,
        "logo": config.newsroom.logo,
        "lockdown": "lockdown",
    }


def folders_of(config: Config) -> dict[str, str]:
    """Return what a backup holds as a folder each: its name there, and its path here."""
    return {
        "newsroom": config.newsroom.keyring,
        "staff": config.staff.keyring,
        "desks": config.places.desks,
        "receipts": config.places.receipts,
    }


def backup(
    config_file: Path,
    config: Config,
    to: Path,
    *,
    staff: Gpg,
    keys: tuple[str, ...],
    day: date,
    with_onion: bool = True,
) -> BackedUp:
    """Write a backup of the drop to the new file `to`, encrypted to the staff's subkeys `keys`.

    The drop may run meanwhile: each file is the old or the new one. Raises SettingsRefused when
    `to` is there, NotFit when something can't be read, StoreFull or StoreFailed when `to` can't be
    written; then nothing is left of it.
    """
    entries = list(_entries(config_file, config, with_onion=with_onion))
    if len(entries) > MOST_FILES:
        raise NotFit([f"there are more files than a backup may hold: {len(entries)}"])
    part = to.with_name(f".{to.name}.{secrets.token_hex(8)}")
    try:
        _is_new(to)
        digest = _seal(entries, part, staff, keys, day)
        with suppress(OSError):  # FAT knows no owners
            part.chmod(_FOR_ANYBODY)
        if _digest_of(part) != digest:
            raise StoreFailed(f"{to} gave back other bytes than were written")
        _is_new(to)
        part.replace(to)
        sync_folder(to.parent)
        size = to.stat().st_size
    except OSError as error:
        if error.errno in NO_ROOM:
            raise StoreFull(f"{to.parent} is full") from None
        raise StoreFailed(f"can't write {to}: {os.strerror(error.errno or 0)}") from None
    finally:
        with suppress(OSError):  # where it has its name, or the stick is gone
            part.unlink()
    onion = any(entry.name.startswith(f"{ONION}/") for entry in entries)
    return BackedUp(to, size, digest.hex(), len(entries), onion)


def _is_new(to: Path) -> None:
    if os.path.lexists(to):
        raise SettingsRefused(f"{to} is there already; a backup never replaces anything")


def _seal(entries: list[Entry], path: Path, staff: Gpg, keys: tuple[str, ...], day: date) -> bytes:
    """Write the encrypted tar; return its digest."""
    digest = sha256()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:

        def sink(block: bytes) -> None:
            digest.update(block)
            file.write(block)

        staff.encrypt(
            tar(entries), sink, to=keys, day=day, limit_seconds=_LIMIT_SECONDS, hidden=False
        )
        file.flush()
        os.fsync(file.fileno())
        # What is read back must come from the disk, not from memory.
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return digest.digest()


def _digest_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file_digest(file, "sha256").digest()


def _entries(config_file: Path, config: Config, *, with_onion: bool) -> Iterator[Entry]:
    """Yield each file of the drop in an order of its own. Raises NotFit, naming what can't go."""
    folder = config_file.parent
    settings = config_file.lstat()
    # Who writes the settings could name a folder of root's as the receipts'.
    rule = _of_the_drop(settings if settings.st_uid else (folder / config.places.receipts).stat())
    yield _entry(SETTINGS, config_file, rule)
    for name, path in files_of(config).items():
        if path and ((folder / path).exists() or name in NEEDED):
            yield _entry(name, folder / path, rule)
    for name, path in folders_of(config).items():
        if name == "staff" and not (folder / path).exists():
            continue  # a drop that is older than the staff's keyring
        for found in _files_in(folder / path, PUBLIC_KEYS if name in KEYRINGS else None):
            yield _entry(f"{name}/{found.name}", found, rule)
    if config.tor.keys and with_onion:
        yield from _onion(folder / config.tor.keys)


def _onion(onion: Path) -> Iterator[Entry]:
    try:
        for name in ONION_FILES:
            yield _entry(f"{ONION}/{name}", onion / name, None)
        clients = onion / CLIENTS
        if clients.is_dir() and not clients.is_symlink():
            for path in _files_in(clients, None):
                # tor reads no others, and should somebody put a link there now, it finds no more.
                if path.suffix == CLIENT:
                    yield _entry(f"{ONION}/{CLIENTS}/{path.name}", path, None)
    except NotFit as error:
        raise NotFit([*error.problems, _NO_ONION]) from None


def _files_in(folder: Path, only: Sequence[str] | None) -> Iterator[Path]:
    """Yield the plain files in a folder, or those of certain names; none that is hidden."""
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise NotFit([f"can't read {folder}: {error.strerror}"]) from None
    for path in paths:
        if path.name.startswith(".") or path.is_symlink() or not path.is_file():
            continue
        if only is None and not FILE_NAME.fullmatch(path.name):
            raise NotFit([f"{path} has no place in a backup; move it elsewhere"])
        if only is None or path.name in only:
            yield path


_Rule = Callable[[os.stat_result], bool] | None
"""Whether a file may go into a backup, by what it is: root reads what its user could not.

None for tor's own, which are not the drop's: there any file may that no link leads to.
"""


def _of_the_drop(drop: os.stat_result) -> _Rule:
    """Allow what the drop's own user may read.

    The settings name files, and whoever has taken the drop over writes the settings: what root
    alone may read must not go where they could have put a key of theirs.
    """

    def may(found: os.stat_result) -> bool:
        by_group = found.st_gid == drop.st_gid and found.st_mode & stat.S_IRGRP
        by_anybody = found.st_mode & stat.S_IROTH
        return found.st_uid == drop.st_uid or bool(by_group or by_anybody)

    return may


def _entry(name: str, path: Path, may: _Rule) -> Entry:
    """Return one file, whose size is known from now on; it is read when its turn has come."""
    try:
        with _opened(path, may) as file:
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise NotFit([f"can't read {path}: {error.strerror}"]) from None
    if size > LARGEST_FILE:
        raise NotFit([f"{path} is too large for a backup"])
    return Entry(name, size, _blocks(path, size, may))


def _blocks(path: Path, size: int, may: _Rule) -> Iterator[bytes]:
    try:
        with _opened(path, may) as file:
            left = size
            while block := file.read(min(_BLOCK, left + 1)):
                left -= len(block)
                yield block
    except OSError as error:
        raise NotFit([f"can't read {path}: {error.strerror}"]) from None


def _opened(path: Path, may: _Rule) -> BinaryIO:
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (os.O_NOFOLLOW if may is None else 0)
    refused = NotFit([f"{path} is not a plain file of the drop's own"])
    try:
        file = os.fdopen(os.open(path, flags), "rb")
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise refused from None
        raise
    found = os.fstat(file.fileno())
    if stat.S_ISREG(found.st_mode) and (may is None or may(found)):
        return file
    file.close()
    raise refused
