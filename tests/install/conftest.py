"""Debian in a folder, with a systemd of its own: what is installed there is what people install."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from drops import Newsroom

from install import release
from install.debian import copied, debian
from install.installed import Installed
from install.machine import Machine

_NEEDED = ("debootstrap", "systemd-nspawn", "nsenter")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip all of it, by name, where it can't be."""
    lacking = [program for program in _NEEDED if shutil.which(program) is None]
    why = "needs root" if os.geteuid() else f"needs {', '.join(lacking)}" if lacking else ""
    if why:
        here = Path(__file__).parent
        for item in (item for item in items if here in item.path.parents):
            item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session")
def bookworm() -> Path:
    """Debian 12 in a folder; nobody writes into it."""
    return debian("bookworm")


@pytest.fixture(scope="session")
def trixie() -> Path:
    """Debian 13 in a folder; nobody writes into it."""
    return debian("trixie")


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


@pytest.fixture(scope="session")
def server_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's folder, as a release's archive unpacks to it."""
    return release.release(tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="session")
def installed(
    tmp_path_factory: pytest.TempPathFactory,
    bookworm: Path,
    server_release: Path,
    newsroom: Newsroom,
) -> Iterator[Installed]:
    """A machine that was a bare Debian: installed on, paired with a desk, started.

    Tests share it, and leave it as they found it: a drop that runs.
    """
    root = copied(bookworm, tmp_path_factory.mktemp("installed") / "debian")
    with Machine.booted(root) as machine:
        made = Installed(machine, server_release, newsroom)
        made.bring(server_release)
        done = made.install()
        assert done.returncode == 0, done.stdout + done.stderr
        made.pair(tmp_path_factory.mktemp("desk") / "desk")
        made.start()
        yield made
    shutil.rmtree(root)
