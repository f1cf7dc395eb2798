"""A release for tests: the server's folder as deploy/ builds it, and later ones made of it."""

import shutil
from pathlib import Path
from typing import Final

from bundling.archive import SUMS, write_sums
from bundling.folders import server_folder
from bundling.source import source_at

ROOT: Final = Path(__file__).parents[2]
ADDED: Final = "/usr/share/tapedrop/new-in-this-release"
"""What a later release puts on a machine and the one before does not."""
_CHANGED: Final = (
    "lib/systemd/system/tapedrop.service",
    "etc/tor/instances/tapedrop/torrc",
)


def release(to: Path) -> Path:
    """Return the folder that people unpack, built below `to`."""
    return server_folder(source_at(ROOT), to, ROOT / "build/wheels")


def version_of(folder: Path) -> str:
    """Return a release's version."""
    return (folder / "tree/share/version").read_text().strip()


def later(folder: Path, version: str, to: Path, *, also: str = _CHANGED[0]) -> Path:
    """Return another version: its unit, torrc and `also` differ, and it adds a file."""
    new = to / f"tapedrop-server-{version}"
    shutil.copytree(folder, new, symlinks=True)
    old = version_of(folder)
    (new / "tree/share/version").write_text(f"{version}\n")
    for packages in (new / "tree/lib").glob("python*/site-packages"):
        said = packages / f"tapedrop-{old}.dist-info"
        metadata = said / "METADATA"
        metadata.write_text(metadata.read_text().replace(f"Version: {old}", f"Version: {version}"))
        said.rename(packages / f"tapedrop-{version}.dist-info")
    system = new / "tree/share/system"
    for changed in {*_CHANGED, also}:
        with (system / changed).open("a") as file:
            file.write(f"# of {version}\n")
    (system / ADDED.lstrip("/")).write_text("new\n")
    with (system / "places").open("a") as places:
        places.write(f"new {ADDED} 644\n")
    with_sums(new)
    return new


def with_sums(folder: Path) -> None:
    """Write a release's list of sums anew."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    write_sums(folder, (path for path in files if path.name != SUMS or path.parent != folder))
