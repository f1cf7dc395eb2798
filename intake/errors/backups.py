"""Backups, and the disks they are on."""

from pathlib import Path

from intake.errors.root import IntakeError


class NoBackup(IntakeError):
    """There is no backup of a desk where one was named; or of several, and `why` says so."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


class BackupRefused(IntakeError):
    """A backup does not hold together, or is another desk's; `why` is a clause."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class NoRoomThere(IntakeError):
    """A disk has not enough room for a backup, or for what is restored; both in bytes."""

    def __init__(self, *, needed: int, free: int) -> None:
        super().__init__(f"{needed} bytes needed, {free} free")
        self.needed = needed
        self.free = free


class BackupDiskFull(IntakeError):
    """A backup's disk filled up while it was written."""


class BackupDiffers(IntakeError):
    """What was written to a backup's disk reads back as something else."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} does not read back as written")
        self.path = path
