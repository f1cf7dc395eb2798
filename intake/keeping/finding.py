"""Find the snapshot that somebody means, and let the desk's own key vouch for it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from crypto.errors import CryptoError, NewerVersion
from crypto.gpg import Gpg
from intake.errors import (
    BackupRefused,
    BadSettings,
    IntakeError,
    NoBackup,
    VaultDamaged,
)
from intake.keeping.medium import FOLDER, Medium, content, digest_of
from intake.keeping.snapshot import DATA, Snapshot, read_lists, verified, words
from intake.settings import read_settings
from intake.vault import Vault, unlock

LARGEST_KEY_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """A snapshot whose lists are signed by the desk whose vault it holds."""

    folder: Path
    medium: Medium
    snapshot: Snapshot
    vault: Vault = field(repr=False)
    words: str
    passed_over: tuple[tuple[str, IntakeError | CryptoError], ...]
    """Later snapshots that do not hold together, and why."""


def find(backup: Path, *, gpg: Gpg) -> Found:
    """Return the latest snapshot that `backup` means and that holds together.

    `backup` is a disk, a desk's folder on it, or a snapshot. gpg may ask for a PIN. Raises
    NoBackup, BackupRefused, NewerVersion, VaultLocked, VaultDamaged, GpgFailed.
    """
    medium, folders = _meant(backup)
    passed_over: list[tuple[str, IntakeError | CryptoError]] = []
    vaults: dict[bytes, Vault] = {}
    for folder in folders:
        try:
            untrusted = read_lists(folder)
            sealed = content(folder / DATA / "vault.key.gpg", most=LARGEST_KEY_BYTES)
            # One PIN, however many snapshots: they have the same vault.
            vault = vaults.get(sealed) or unlock(sealed, gpg=gpg, fingerprint=_reporter(folder))
            vaults[sealed] = vault
            container = content(folder / DATA / "desk.key", most=LARGEST_KEY_BYTES)
            signer = vault.signing_key(container).public_key()
            snapshot = verified(untrusted, signer)
            _require_whole(folder, snapshot)
        except OSError as error:
            passed_over.append((folder.name, BackupRefused(_why(error))))
        except (BackupRefused, VaultDamaged, NewerVersion) as error:
            passed_over.append((folder.name, error))
        else:
            return Found(folder, medium, snapshot, vault, words(signer), tuple(passed_over))
    raise passed_over[0][1]


def _require_whole(folder: Path, snapshot: Snapshot) -> None:
    for name, digest in snapshot.files.items():
        if digest_of(folder / name) != digest:
            raise BackupRefused(f"{name} is not what was signed")


def _reporter(folder: Path) -> str:
    """Return whose key is to be tried: nobody vouches for it yet, and a wrong one opens nothing."""
    path = folder / DATA / "desk.toml"
    content(path, most=LARGEST_KEY_BYTES)
    try:
        return read_settings(path).reporter.key
    except BadSettings:
        raise BackupRefused("desk.toml can't be read") from None


def _meant(backup: Path) -> tuple[Medium, list[Path]]:
    """Return the medium, and its snapshots that are meant, the latest first."""
    if backup.parent.name == "snapshots" and (backup / DATA).is_dir():
        medium = Medium(backup.parent.parent)
        medium.require_folders()
        return medium, [backup]
    if (backup / "snapshots").is_dir():
        desks = [backup]
    else:
        folder = backup if backup.name == FOLDER else backup / FOLDER
        desks = sorted(folder.iterdir()) if folder.is_dir() else []
    if len(desks) > 1:
        named = ", ".join(desk.name for desk in desks)
        raise NoBackup(backup, f"it holds backups of several desks ({named}); name one's folder")
    if not desks:
        raise NoBackup(backup, "there is no backup of a desk")
    medium = Medium(desks[0])
    medium.require_folders()
    finished = medium.finished()
    if not finished:
        raise NoBackup(backup, "no backup there was ever finished")
    return medium, finished


def _why(error: OSError) -> str:
    return (error.strerror or "it can't be read").lower()
