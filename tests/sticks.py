"""Real sticks for tests: mounted images that can be pulled, filled and made read-only."""

import fcntl
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_SHUTDOWN = 0x8004_587D
"""ext4's ioctl to be gone at once, as when the device is (EXT4_IOC_SHUTDOWN, fs/ext4/ext4.h)."""
_NO_LOG_FLUSH = 2


class Stick:
    """An ext4 image on a loop device. `at` is where it is mounted; it can be put in again."""

    def __init__(self, folder: Path, size: int) -> None:
        self.image = folder / "stick.img"
        self.at = folder / "stick"
        self.at.mkdir()
        self.size = size
        with self.image.open("wb") as image:
            image.truncate(size)
        _run("mkfs.ext4", "-q", "-m0", "-E", "lazy_itable_init=0", self.image)
        self.put_in()

    def put_in(self, *options: str) -> None:
        _run("mount", "-o", ",".join(["loop", *options]), self.image, self.at)

    def take_out(self) -> None:
        _run("umount", self.at)
        # Whoever made a mount namespace of their own meanwhile has it yet, and until they end, it
        # would be put in again as it was: pulled.
        for _ in range(6000):
            if not _said("losetup", "--associated", self.image):
                return
            time.sleep(0.1)
        raise TimeoutError(self.image)

    def pull(self) -> None:
        """From now on whatever is asked of it fails, as far as it isn't in memory (EIO)."""
        descriptor = os.open(self.at, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, _NO_LOG_FLUSH.to_bytes(4, "little"))
        finally:
            os.close(descriptor)

    def cut(self) -> None:
        """Lose all of the device but its beginning: what lay there reads as EIO."""
        os.truncate(self.image, 4096)

    def lock(self) -> None:
        """Make it read-only, which works while no file on it is being written."""
        _run("mount", "-o", "remount,ro", self.at)


@contextmanager
def ext4_stick(folder: Path, size: int) -> Iterator[Stick]:
    """Have a stick; skips where nothing can be mounted."""
    try:
        stick = Stick(folder, size)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("nothing can be mounted here: needs root and a loop device")
    try:
        yield stick
    finally:
        subprocess.run(["umount", "--lazy", stick.at], check=False, capture_output=True)


@contextmanager
def fat_stick(
    folder: Path, size: int, *, at: Path | None = None, options: str = "rw+"
) -> Iterator[Path]:
    """Have a FAT32 image in `folder`, mounted at `at` through FUSE; skips where it can't be."""
    image, at = folder / "fat.img", at or folder / "fat"
    at.mkdir(parents=True)
    with image.open("wb") as file:
        file.truncate(size)
    try:
        _run("mkfs.vfat", "-F", "32", image)
        _run("fusefat", "-o", options, image, at)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no FAT32 here: needs dosfstools, fusefat and /dev/fuse")
    try:
        yield at
    finally:
        subprocess.run(["fusermount", "-u", "-z", at], check=True, capture_output=True)


def _said(*words: str | Path) -> bytes:
    return subprocess.run(words, check=True, capture_output=True).stdout


def _run(*words: str | Path) -> None:
    subprocess.run(words, check=True, capture_output=True)
