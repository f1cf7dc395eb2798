"""Make a desk anew from a backup: believe nothing before the reporter's own key has vouched for it.

    the reporter's key opens vault.key.gpg → the vault opens desk.key → by that key the lists are
    signed → every byte is hashed while it is copied → the catalogue opens, page by page

All of it belongs together then; that it is *this* desk, eight words tell. What `desk.toml` says is
not used before: a gpg home named there would be somebody else's program. docs/vault-backup.md.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from msgspec import structs

from intake import catalogue as catalogues
from intake.arriving.pace import Step
from intake.catalogue import Catalogue
from intake.drop import Drop, SetAside, Status
from intake.durable import PRIVATE_FOLDER, rewrite, sync_folder
from intake.errors import (
    BackupRefused,
    FolderTaken,
    NoRoomThere,
)
from intake.keeping.backup import is_keyed
from intake.keeping.envelopes import Passing
from intake.keeping.finding import Found
from intake.keeping.medium import Medium, digest_of, put, read
from intake.keeping.snapshot import DATA
from intake.layout import Layout
from intake.proving.custody import Act, Head
from intake.settings import Settings, read_settings, written

_SPARE: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of restoring."""

    head: Head
    """How far the custody log reached in the backup."""
    day: date
    envelopes: int
    damaged: tuple[Drop, ...]
    """Whose envelope is damaged or gone on the disk."""


def restore(
    found: Found,
    to: Path,
    *,
    gpg_home: Path,
    day: date,
    told: Callable[[Step], None] = lambda _step: None,
) -> Restored:
    """Make the desk in `to`, which is new or empty.

    It is there whole or not at all; what was copied before it broke off is found the next time.
    An envelope that is damaged costs the others nothing. Raises FolderTaken, BackupRefused,
    NoRoomThere, VaultDamaged, CustodyBroken, OSError.
    """
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise FolderTaken(to)
    with _appearing(to.resolve()) as desk:
        snapshot = found.snapshot
        sizes = {digest: found.medium.size(digest) or 0 for digest in snapshot.envelopes}
        passing = Passing(told, total=sum(sizes.values()))
        _require_room(desk.folder, found, sum(sizes.values()))
        _small_files(found, desk)
        whole = frozenset(
            digest
            for digest in snapshot.envelopes
            if _envelope(found.medium, digest, desk, passing)
        )
        settings = _settings(desk, gpg_home)
        with catalogues.opened(desk.catalogue, found.vault) as catalogue:
            damaged = _settle(catalogue, found, whole, settings, day)
    return Restored(snapshot.head, snapshot.day, len(whole), tuple(damaged))


@contextmanager
def _appearing(folder: Path) -> Iterator[Layout]:
    """Give a desk's layout to fill, which takes its name when the block ends well.

    If it doesn't, the envelopes in it stay for the next time.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    desk = Layout(folder.with_name(f"{folder.name}.part"))
    desk.folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    for left in desk.folder.iterdir():
        if left == desk.evidence:
            continue
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()
    for subfolder in desk.subfolders:
        subfolder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    yield desk
    for subfolder in (*desk.subfolders, desk.folder):
        sync_folder(subfolder)
    desk.folder.rename(folder)
    sync_folder(folder.parent)


def _require_room(folder: Path, found: Found, envelopes: int) -> None:
    others = sum((found.folder / name).lstat().st_size for name in found.snapshot.files)
    there = sum(path.stat().st_size for path in (folder / "evidence").iterdir())
    needed, free = max(envelopes + others - there, 0) + _SPARE, shutil.disk_usage(folder).free
    if needed > free:
        raise NoRoomThere(needed=needed, free=free)


def _small_files(found: Found, desk: Layout) -> None:
    """Copy everything but the envelopes. Raises BackupRefused where one is not what was signed."""
    for name, digest in found.snapshot.files.items():
        to = desk.folder / name.removeprefix(f"{DATA}/")
        to.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        if _copied(to, read(found.folder / name)) != digest:
            raise BackupRefused(f"{name} is not what was signed")
        sync_folder(to.parent)


def _envelope(medium: Medium, digest: bytes, desk: Layout, passing: Callable[[int], None]) -> bool:
    """Copy an envelope; return whether it is whole."""
    to = desk.evidence / f"{digest.hex()}.gpg"
    if to.exists() and digest_of(to) == digest:  # from a restore that broke off
        passing(to.stat().st_size)
        return True
    part = to.with_suffix(".part")
    try:
        blocks = read(medium.envelope(digest))
        whole = _copied(part, blocks, passing) == digest
        if whole:
            part.replace(to)
        return whole
    finally:
        part.unlink(missing_ok=True)


def _copied(
    to: Path, blocks: Iterator[bytes], passing: Callable[[int], None] = lambda _size: None
) -> bytes | None:
    """Copy what the disk gives; return its SHA-256, or nothing where the disk fails."""
    failed = False

    def given() -> Iterator[bytes]:
        nonlocal failed
        try:
            yield from blocks
        except OSError:  # of the backup's disk only: this one's comes out of put()
            failed = True

    digest = put(to, given(), passing)
    return None if failed else digest


def _settings(desk: Layout, gpg_home: Path) -> Settings:
    """Have the desk look for its key where this machine has it; return its settings."""
    settings = read_settings(desk.settings)
    reporter = structs.replace(settings.reporter, gnupg_home=str(gpg_home))
    settings = structs.replace(settings, reporter=reporter)
    rewrite(desk.settings, written(settings))
    return settings


def _settle(
    catalogue: Catalogue, found: Found, whole: frozenset[bytes], settings: Settings, day: date
) -> list[Drop]:
    """Check the catalogue, note what it was restored from; return the drops without envelope."""
    if catalogue.damage():
        raise BackupRefused("its catalogue is damaged")
    if found.snapshot.head not in _heads(catalogue):
        raise BackupRefused("its catalogue is another than its lists say")
    drops = [*catalogue.drops.all(), *catalogue.drops.canaries()]
    missing = [
        drop
        for drop in drops
        if drop.digest not in whole and drop.set_aside is not SetAside.NOT_ARRIVED
    ]
    holds = {drop.digest: is_keyed(catalogue, drop) for drop in drops if drop.digest in whole}
    by = settings.reporter.initials or settings.desk.name
    with catalogue.whole():
        catalogue.custody.add(
            Act.RESTORED, by=by, day=day, entry=found.snapshot.head.number, envelopes=len(whole)
        )
        for drop in missing:
            # One that was opened keeps what is known of it: whole again, it opens as before.
            if drop.status is Status.STORED:
                why = SetAside.NOT_ARRIVED
                catalogue.drops.set_aside(drop, why)
                catalogue.custody.add(Act.SET_ASIDE, drop=drop.digest, by=by, day=day, why=why)
        if medium := found.medium.known_name():
            catalogue.backups.note(medium, day=day, head=found.snapshot.head, holds=holds)
    return missing


def _heads(catalogue: Catalogue) -> set[Head]:
    return {Head(), *(Head(entry.number, entry.hash) for entry in catalogue.custody.entries())}
