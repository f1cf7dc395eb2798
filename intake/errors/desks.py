"""The desk itself: its folder, its keys, its vault."""

import os
from collections.abc import Iterable
from pathlib import Path

from intake.errors.root import IntakeError


class NotADesk(IntakeError):
    """The folder holds no desk."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"no desk in {folder}")
        self.folder = folder


class FolderTaken(IntakeError):
    """A desk is made in a folder that is new or empty, and this one isn't."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} is not empty")
        self.folder = folder


class BadSettings(IntakeError):
    """`desk.toml`, or a pairing file, does not say what it must."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


class KeyNotUsable(IntakeError):
    """The reporter's key is not in the keyring, or can't be encrypted to."""

    def __init__(self, fingerprint: str, why: str) -> None:
        super().__init__(f"{fingerprint}: {why}")
        self.fingerprint = fingerprint
        self.why = why


class NotInNewsroom(IntakeError):
    """The server doesn't seal to the reporter's key."""

    def __init__(self, fingerprint: str) -> None:
        super().__init__(f"{fingerprint} is not one of the newsroom's keys")
        self.fingerprint = fingerprint


class NotConfirmed(IntakeError):
    """A person was asked to type something first, and typed something else."""


class WordsDiffer(NotConfirmed):
    """What was typed is not what another machine, or somebody else, shows or says."""


class NotASigner(IntakeError):
    """This desk is not among those that may sign the newsroom's key list."""

    def __init__(self, signers: Iterable[str]) -> None:
        super().__init__("another desk signs the key list")
        self.signers = ", ".join(sorted(signers))


class CantChangeKeys(IntakeError):
    """The newsroom's keys stay as they are; `why` is a clause."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class KeyNeeded(IntakeError):
    """A subkey is not destroyed, because something would be lost; `why` are clauses."""

    def __init__(self, fingerprint: str, why: Iterable[str]) -> None:
        self.fingerprint = fingerprint
        self.why = "; ".join(why)
        super().__init__(f"{fingerprint} is needed: {self.why}")


class VaultLocked(IntakeError):
    """gpg has no secret key that opens the vault."""

    def __init__(self, fingerprint: str) -> None:
        super().__init__(f"no secret key opens the vault of {fingerprint}")
        self.fingerprint = fingerprint


class KeyringRefused(IntakeError):
    """The kernel will not keep the vault's key; `errno` says why."""

    def __init__(self, number: int) -> None:
        super().__init__(os.strerror(number).lower())
        self.errno = number


class VaultDamaged(IntakeError):
    """A file that the vault stands on is not what was written; `what` names it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not what was written")
        self.what = what


class CatalogueNewer(IntakeError):
    """A later Tapedrop has changed the catalogue's tables."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(f"catalogue version {found}, where {known} is known")
        self.found = found
        self.known = known


class CatalogueFailed(IntakeError):
    """The catalogue can't be read or written now; what was not finished was taken back."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class DeskBusy(IntakeError):
    """Another command is at work at this desk, and this one can't be beside it."""
