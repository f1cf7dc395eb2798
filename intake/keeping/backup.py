"""Back a desk up: what it knows, then the envelopes, then the lists; and only then believe in it.

The catalogue is copied first, as it is at one moment, and what it knows decides which envelopes
belong to the snapshot. docs/vault-backup.md has the layout, and when a backup counts as verified.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from errno import EDQUOT, ENOSPC
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from crypto.errors import NewerVersion
from intake import catalogue as catalogues
from intake.arriving.evidence import Evidence
from intake.arriving.pace import Step
from intake.catalogue import Catalogue
from intake.drop import Drop, Status
from intake.durable import PRIVATE_FOLDER, sync_folder
from intake.errors import (
    BackupDiffers,
    BackupDiskFull,
    BackupRefused,
    VaultDamaged,
)
from intake.keeping.envelopes import Copied, copy_envelopes
from intake.keeping.medium import UNFINISHED, Medium, digest_of, new_snapshot, put
from intake.keeping.snapshot import (
    DATA,
    Snapshot,
    is_name,
    lists,
    read_lists,
    verified,
)
from intake.layout import Layout
from intake.proving.custody import Act, Head
from intake.vault import Vault

KEPT_SNAPSHOTS: Final = 3
LARGEST_FILE_BYTES: Final = 64 * 1024 * 1024
"""Of all but the catalogue and envelopes; a bag's manifest is the largest, at 16 MiB."""


@dataclass(slots=True)
class BackedUp:
    """What came of a backup."""

    snapshot: Path
    head: int
    """The number of the custody log's last entry in it."""
    copied: Copied
    purged: int = 0
    """Envelopes of purged drops that were removed from the disk."""
    removed: int = 0
    """Snapshots that were removed: earlier than the last three, or than a purge."""
    unsound: list[str] = field(default_factory=list)
    """Snapshots that do not hold together, or aren't this desk's; they were left alone."""
    strange: list[str] = field(default_factory=list)
    """Snapshots of a state that this desk doesn't come from; they were left alone too."""


def back_up(
    layout: Layout,
    disk: Path,
    *,
    catalogue: Catalogue,
    vault: Vault,
    evidence: Evidence,
    desk: str,
    by: str,
    day: date,
    rehash: bool = False,
    told: Callable[[Step], None] = lambda _step: None,
) -> BackedUp:
    """Write a snapshot of the desk to a disk, verify it, and note what it holds.

    Envelopes that are there already are read unless the last backup on this disk did; with
    `rehash`, all of them are. `told` hears how far it is; every byte that is copied passes twice.
    Raises BackupRefused, BackupDiffers, BackupDiskFull, NoRoomThere, VaultDamaged, DeskBusy where
    another backup to this disk is under way, OSError: nothing is noted then, and what was copied so
    far is found there the next time.
    """
    signing_key = vault.signing_key(layout.signing_key.read_bytes())
    signer = signing_key.public_key()
    with _full_there():
        medium = Medium.at(disk, folder_name(desk, signer))
        name = medium.name()
    with _full_there(), new_snapshot(medium, day.isoformat()) as part:
        (part / DATA).mkdir(mode=PRIVATE_FOLDER)
        files = {f"{DATA}/catalogue.db": _catalogue(catalogue, part / DATA / "catalogue.db")}
        with catalogues.opened(part / DATA / "catalogue.db", vault) as now:
            _require_whole(now)
            head = now.custody.head
            drops = [*now.drops.all(), *now.drops.canaries()]
            keyed = {drop.digest: is_keyed(now, drop) for drop in drops}
            inside = {drop.digest: now.keys.inside(drop.digest) for drop in drops}
        # What lies there by the right name may be anybody's, until this desk has read it there.
        read = frozenset() if rehash else catalogue.backups.noted(name)
        copied = copy_envelopes(drops, evidence, medium, read=read, told=told)
        files |= _small_files(layout, part)
        snapshot = Snapshot(day, desk, head, files, frozenset(copied.there))
        written = _sign(part, snapshot, signing_key)
        for folder in (*(path for path in part.rglob("*") if path.is_dir()), part):
            sync_folder(folder)
        sync_folder(medium.evidence)
    done = BackedUp(part.with_suffix(""), head.number, copied)
    _require_there(done.snapshot, written)
    with catalogue.whole():
        # The snapshot lacks the key of what somebody has opened inside of a drop meanwhile.
        holds = {
            digest: keyed[digest] and catalogue.keys.inside(digest) == inside[digest]
            for digest in copied.there
        }
        catalogue.backups.note(name, day=day, head=head, holds=holds)
        catalogue.custody.add(Act.BACKED_UP, by=by, day=day, envelopes=len(copied.there))
    _prune(medium, catalogue, signer, done)
    return done


def is_keyed(catalogue: Catalogue, drop: Drop) -> bool:
    """Say whether a catalogue has what opens a drop: a session key that has opened it once.

    One that a colleague has told is nobody's word until then.
    """
    return drop.status is Status.OPENED and catalogue.keys.of(drop.digest) is not None


def folder_name(desk: str, signer: Ed25519PublicKey) -> str:
    """Return what a desk's folder on every disk is called."""
    begins = signer.public_bytes_raw().hex()[:8]
    return desk if desk.endswith(f"-{begins}") else f"{desk}-{begins}"


@contextmanager
def _full_there() -> Iterator[None]:
    """Say whose disk it is that is full: what fails in the desk's catalogue is no OSError yet."""
    try:
        yield
    except OSError as error:
        if error.errno in {ENOSPC, EDQUOT}:
            raise BackupDiskFull from None
        raise


def _catalogue(catalogue: Catalogue, to: Path) -> bytes:
    catalogue.copy_to(to)
    return digest_of(to)


def _require_whole(copied: Catalogue) -> None:
    """Raise VaultDamaged unless every page is authentic, CustodyBroken unless the log holds."""
    if copied.damage():
        raise VaultDamaged("catalogue.db")
    for _entry in copied.custody.entries():
        pass


def _small_files(layout: Layout, part: Path) -> dict[str, bytes]:
    """Copy everything but envelopes and catalogue; return names and digests."""
    digests = {}
    for path in small_files(layout):
        name = f"{DATA}/{path.relative_to(layout.folder).as_posix()}"
        to = part / name
        to.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        try:
            given = path.read_bytes()
        except FileNotFoundError:  # an answer that was replaced just now
            continue
        put(to, [given])
        digests[name] = sha256(given).digest()
        if digest_of(to) != digests[name]:
            raise BackupDiffers(to)
    return digests


def small_files(layout: Layout) -> Iterator[Path]:
    """Yield the desk's files that go into each snapshot; nothing that somebody put beside them."""
    yield from (layout.settings, layout.pairing, layout.vault_key, layout.signing_key)
    for folder in layout.subfolders:
        if folder in {layout.evidence, layout.working} or not folder.is_dir():
            continue
        for path in sorted(folder.rglob("*")):
            name = f"{DATA}/{path.relative_to(layout.folder).as_posix()}"
            # Unfinished ones are made anew by whatever left them.
            whole = path.is_file() and not path.is_symlink() and path.suffix != UNFINISHED
            if whole and is_name(name):
                yield path


def _sign(part: Path, snapshot: Snapshot, signing_key: Ed25519PrivateKey) -> Mapping[str, bytes]:
    written = lists(snapshot, signing_key)
    for name, text in written.items():
        put(part / name, [text])
    _require_there(part, written)
    return written


def _require_there(folder: Path, written: Mapping[str, bytes]) -> None:
    """Raise BackupDiffers unless the lists are there: fusefat loses them as they get a name."""
    try:
        there = read_lists(folder)
    except BackupRefused:
        there = {}
    if there != written:
        raise BackupDiffers(folder)


def _prune(medium: Medium, catalogue: Catalogue, signer: Ed25519PublicKey, done: BackedUp) -> None:
    """Remove purged envelopes, and the snapshots that hold their keys or are no longer needed."""
    for digest in catalogue.purged.digests():
        if medium.size(digest) is not None:
            medium.envelope(digest).unlink()
            done.purged += 1
    sync_folder(medium.evidence)
    log = {Head(entry.number, entry.hash) for entry in catalogue.custody.entries()} | {Head()}
    purge, kept = catalogue.purged.last_entry(), 1
    for path in medium.finished():
        if path == done.snapshot:
            continue
        try:
            head = verified(read_lists(path), signer).head
        except (BackupRefused, NewerVersion):
            done.unsound.append(path.name)
            continue
        if head not in log:
            # A later state than this desk was restored from, or a twin's: maybe the only one.
            done.strange.append(path.name)
        elif kept == KEPT_SNAPSHOTS or head.number < purge:
            medium.remove(path)
            done.removed += 1
        else:
            kept += 1
