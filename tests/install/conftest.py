"""Debian in a folder, with a systemd of its own: what is installed there is what people install."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from debian import copied, debian
from machine import Machine

_NEEDED = ("debootstrap", "systemd-nspawn", "nsenter")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip all of it, by name, where it can't be."""
    lacking = [program for program in _NEEDED if shutil.which(program) is None]
    why = "needs root" if os.geteuid() else f"needs {', '.join(lacking)}" if lacking else ""
    if why:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session")
def bookworm() -> Path:
    """Debian 12 in a folder; nobody writes into it."""
    return debian("bookworm")


@pytest.fixture
def folder(tmp_path: Path, bookworm: Path) -> Iterator[Path]:
    """A copy of it to write to; not started."""
    yield (root := copied(bookworm, tmp_path / "debian"))
    shutil.rmtree(root)


@pytest.fixture
def machine(folder: Path) -> Iterator[Machine]:
    """A bare Debian 12 that runs."""
    with Machine.booted(folder) as running:
        yield running
