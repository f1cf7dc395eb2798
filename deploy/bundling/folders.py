"""The two folders that people install.

    tapedrop-server-VERSION/
        install.sh uninstall.sh README.txt CHANGELOG.md LICENSE SHA256SUMS sbom.cdx.json licences/
        SECURITY.md docs/    the guides, which are also in tree/share: no machine here is online
        tree/             what lies in /usr/lib/tapedrop/VERSION: an environment of Python's (venv)
                          made by hand, for the Python of Debian 12 and that of Debian 13
        tree/share/       version; setup and both scripts once more: each version brings its own
        tree/share/system/    places, and what it lists, below the path that each file gets
    tapedrop-desk-VERSION/
        tapedrop-intake tapedrop-scrub tapedrop.desktop install.sh README.txt … licences/ docs/
        lib/start.py lib/terminal.sh lib/terminal.bash
        lib/python3/      our own code, and packages that are the same file for either Python
        lib/python3.11/ lib/python3.13/    packages that are made for one

The server's holds no line of `intake/`, the desk's none of `server/`. Every file is 0644, what is
started 0755. A stick's FAT knows neither links nor modes: the desk's needs none.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bundling import BuildFailed, licences, sbom
from bundling.archive import emptied, write_sums
from bundling.source import Source
from bundling.wheels import PYTHONS, Wheel, fetched

_SHARE: Final = "tree/share"
_OF_A_SERVER: Final = (
    ("start.sh", "tree/bin/tapedrop-server", 0o755),
    ("install.sh", "install.sh", 0o755),
    ("install.sh", f"{_SHARE}/install.sh", 0o755),
    ("uninstall.sh", "uninstall.sh", 0o755),
    ("uninstall.sh", f"{_SHARE}/uninstall.sh", 0o755),
    ("setup.sh", f"{_SHARE}/setup", 0o755),
    ("places", f"{_SHARE}/system/places", 0o644),
    ("README.txt", "README.txt", 0o644),
)
"""What the server's folder gets of deploy/server, besides what `places` lists."""
_OF_A_DESK: Final = (
    ("start.sh", "tapedrop-intake", 0o755),
    ("start.sh", "tapedrop-scrub", 0o755),
    ("start.py", "lib/start.py", 0o644),
    ("terminal.sh", "lib/terminal.sh", 0o755),
    ("terminal.bash", "lib/terminal.bash", 0o644),
    ("tapedrop.desktop", "tapedrop.desktop", 0o755),
    ("install.sh", "install.sh", 0o755),
    ("README.txt", "README.txt", 0o644),
)
"""What the desk's folder gets of deploy/intake."""
_PLACES: Final = "deploy/server/places"
_EVERYWHERE: Final = ("CHANGELOG.md", "LICENSE")


@dataclass(frozen=True, slots=True)
class Place:
    """One file that is installed: from where in deploy/server, to where, with which mode."""

    source: str
    destination: str
    mode: int

    @property
    def bundled(self) -> str:
        """Where it lies in the server's folder."""
        return f"{_SHARE}/system{self.destination}"


def server_folder(source: Source, to: Path, cache: Path, requirements: str = "server") -> Path:
    """Make the server's folder below `to`, with the packages that `requirements` pins."""
    folder = emptied(to / f"tapedrop-{requirements}-{source.version}")
    wheels: list[Wheel] = []
    for python in PYTHONS:
        packages = folder / f"tree/lib/python{python}/site-packages"
        wheels += _fill(
            packages, ("crypto", "scrub", "server"), requirements, python, source, cache
        )
    _write(folder / "tree/pyvenv.cfg", b"home = /usr/bin\ninclude-system-site-packages = false\n")
    (folder / "tree/bin").mkdir()
    (folder / "tree/bin/python3").symlink_to("/usr/bin/python3")
    _write(folder / _SHARE / "version", f"{source.version}\n".encode())
    for file, copy, mode in _OF_A_SERVER:
        _write(folder / copy, source.read(f"deploy/server/{file}"), mode)
    for place in places(source):
        held = source.read(f"deploy/server/{place.source}")
        _write(folder / place.bundled, held, place.mode)
    _guides(folder / _SHARE, source)
    return _finished(folder, source, wheels)


def desk_folder(source: Source, to: Path, cache: Path) -> Path:
    """Make the desk's folder below `to`."""
    folder = emptied(to / f"tapedrop-desk-{source.version}")
    pins = source.root / "requirements/intake.txt"
    wheels = {python: fetched(pins, python, cache) for python in PYTHONS}
    shared = set.intersection(*({each.digest_hex for each in own} for own in wheels.values()))
    for python, own in wheels.items():
        _unpack(
            folder / f"lib/python{python}", [each for each in own if each.digest_hex not in shared]
        )
    # FFmpeg's libraries alone are 100 MB, and a stick's FAT knows no links.
    both = folder / "lib/python3"
    _unpack(both, [each for each in wheels[PYTHONS[0]] if each.digest_hex in shared])
    _add_ours(both, ("crypto", "scrub", "intake"), source)
    for file, copy, mode in _OF_A_DESK:
        _write(folder / copy, source.read(f"deploy/intake/{file}"), mode)
    return _finished(folder, source, [each for own in wheels.values() for each in own])


def places(source: Source) -> list[Place]:
    """Return what `deploy/server/places` lists; raises BuildFailed when a line isn't understood."""
    return read_places(source.read(_PLACES).decode())


def read_places(table: str) -> list[Place]:
    """Return what a table of places lists; raises BuildFailed when a line isn't understood."""
    rows = []
    for line in table.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split()
        if len(words) != 3 or not words[1].startswith("/") or ".." in words[1]:
            raise BuildFailed(f"deploy/server/places: source, destination, mode in: {line}")
        rows.append(Place(words[0], words[1], int(words[2], 8)))
    return rows


def _fill(
    packages: Path, ours: tuple[str, ...], pins: str, python: str, source: Source, cache: Path
) -> tuple[Wheel, ...]:
    """Put our packages and those they need for one Python into a folder; return the wheels."""
    wheels = fetched(source.root / f"requirements/{pins}.txt", python, cache)
    _unpack(packages, wheels)
    _add_ours(packages, ours, source)
    return wheels


def _unpack(packages: Path, wheels: Iterable[Wheel]) -> None:
    for wheel in wheels:
        for name, held in wheel.files():
            _write(packages / name, held)


def _add_ours(packages: Path, ours: tuple[str, ...], source: Source) -> None:
    for package in ours:
        for file in source.below(package):
            _write(packages / file, source.read(file))
    _write(packages / f"tapedrop-{source.version}.dist-info/METADATA", _metadata(source.version))


def _metadata(version: str) -> bytes:
    """Return what tells other programs which Tapedrop this is: core metadata 2.4."""
    return (
        f"Metadata-Version: 2.4\nName: tapedrop\nVersion: {version}\n"
        "License-Expression: AGPL-3.0-or-later\n"
    ).encode()


def _finished(folder: Path, source: Source, wheels: list[Wheel]) -> Path:
    """Add what both folders have: guides, licences, the list of packages, the sums."""
    for name in _EVERYWHERE:
        _write(folder / name, source.read(name))
    _guides(folder, source)
    for wheel in wheels:
        for name, held in licences.texts(wheel, source):
            _write(folder / "licences" / name, held)
    _write(folder / sbom.NAME, sbom.listed(folder.name, source, wheels).encode())
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    write_sums(folder, files)
    # Folders were made as the umask wanted them.
    for path in folder.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    return folder


def _guides(folder: Path, source: Source) -> None:
    """Add what our programs name when they say where to read on; without the pictures."""
    for file in ("SECURITY.md", *source.below("docs")):
        if file.endswith(".md"):
            _write(folder / file, source.read(file))


def _write(path: Path, held: bytes, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(held)
    path.chmod(mode)
