"""Make the server's Debian package from the very folder that its archive holds.

    /usr/lib/tapedrop/<version>/          the folder's tree/
    /usr/lib/tapedrop/current             a link to it, so that dpkg switches to a new one
    what tree/share/system/places lists   where it says; below /etc, dpkg asks before it replaces
                                          what staff changed (conffiles, deb(5))
    /usr/share/doc/tapedrop-server/       the guides, copyright, changelog.gz, licences/,
                                          sbom.cdx.json
    /usr/share/man/man1/                  a page for man

What its scripts do is in deploy/server/debian/, and short: they call the same setup that install.sh
does. The same folder and the same second make the same bytes: names are sorted by dpkg-deb, times
are SOURCE_DATE_EPOCH, everything belongs to root, and xz runs in one thread.
"""

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from bundling.debian_changelog import debian_changelog
from bundling.folders import read_places

PACKAGE: Final = "tapedrop-server"
ARCHITECTURE: Final = "amd64"
MAINTAINER: Final = "Tapedrop maintainers <maintainers@tapedrop.invalid>"
"""Who built it, for dpkg; the project has no address of its own, and says so by this one."""

_OURS: Final = Path(__file__).parent.parent / "server/debian"
_SCRIPTS: Final = ("preinst", "postinst", "prerm", "postrm")
_KIBIBYTE: Final = 1024


def deb(folder: Path, to: Path, *, version: str, seconds: int) -> Path:
    """Write the package of an unpacked `tapedrop-server-<version>/` into the folder `to`.

    `seconds` is the time that everything in it bears (SOURCE_DATE_EPOCH). Returns the package.
    """
    package = to / f"{PACKAGE}_{version}_{ARCHITECTURE}.deb"
    with tempfile.TemporaryDirectory(prefix="tapedrop-deb-") as made:
        stage = Path(made) / "root"
        _programs(folder, stage, version)
        configured = _system(folder / "tree/share/system", stage)
        _documents(folder, stage, version=version, seconds=seconds)
        _control(stage, version=version, configured=configured)
        _stamp(stage, seconds)
        command = ["dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--threads-max=1", "--build"]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(seconds), "LC_ALL": "C.UTF-8"}
        subprocess.run(
            [*command, stage, package], env=environment, check=True, stdout=subprocess.DEVNULL
        )
    return package


def _programs(folder: Path, stage: Path, version: str) -> None:
    home = stage / "usr/lib/tapedrop"
    shutil.copytree(folder / "tree", home / version, symlinks=True)
    # By it setup sees that these are other programs, although they are called the same.
    shutil.copyfile(folder / "SHA256SUMS", home / version / "share/SHA256SUMS")
    (home / "current").symlink_to(version)


def _system(system: Path, stage: Path) -> list[str]:
    """Put what goes to / where it goes; return what of it staff may change, below /etc."""
    configured = []
    for place in read_places((system / "places").read_text()):
        there = stage / place.destination.lstrip("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(system / place.destination.lstrip("/"), there)
        there.chmod(place.mode)
        if place.destination.startswith("/etc/"):
            configured.append(place.destination)
    return sorted(configured)


def _documents(folder: Path, stage: Path, *, version: str, seconds: int) -> None:
    documents = stage / "usr/share/doc" / PACKAGE
    documents.mkdir(parents=True)
    for name in ("licences", "docs"):
        shutil.copytree(folder / name, documents / name)
    for name in ("SECURITY.md", "sbom.cdx.json"):
        shutil.copyfile(folder / name, documents / name)
    (documents / "copyright").write_text(_copyright(folder))
    changes = debian_changelog(
        (folder / "CHANGELOG.md").read_text(),
        package=PACKAGE,
        version=version,
        maintainer=MAINTAINER,
        seconds=seconds,
    )
    (documents / "changelog.gz").write_bytes(gzip.compress(changes.encode(), mtime=0))
    manual = stage / "usr/share/man/man1/tapedrop-server.1.gz"
    manual.parent.mkdir(parents=True)
    manual.write_bytes(gzip.compress((_OURS / "tapedrop-server.1").read_bytes(), mtime=0))
    overrides = stage / "usr/share/lintian/overrides" / PACKAGE
    overrides.parent.mkdir(parents=True)
    shutil.copyfile(_OURS / "lintian-overrides", overrides)


def _copyright(folder: Path) -> str:
    """Return whose it all is: ours, and each library that comes along, with its licence."""
    carried = json.loads((folder / "sbom.cdx.json").read_text())["components"]
    names = sorted(f"  {each['name']} {each['version']}" for each in carried)
    ours = (_OURS / "copyright.in").read_text()
    listed = ours.replace("@LIBRARIES@", "\n".join(names))
    return listed.replace("@AGPL@", (folder / "LICENSE").read_text().rstrip())


def _control(stage: Path, *, version: str, configured: list[str]) -> None:
    control = stage / "DEBIAN"
    carried = [path for path in sorted(stage.rglob("*")) if path.is_file()]
    kibibytes = sum(-(-path.lstat().st_size // _KIBIBYTE) for path in carried)
    control.mkdir()
    about = (_OURS / "control.in").read_text()
    for word, value in {
        "@VERSION@": version,
        "@ARCHITECTURE@": ARCHITECTURE,
        "@MAINTAINER@": MAINTAINER,
        "@KIBIBYTES@": str(kibibytes),
    }.items():
        about = about.replace(word, value)
    (control / "control").write_text(about)
    (control / "conffiles").write_text("".join(f"{name}\n" for name in configured))
    sums = [
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  "
        f"{path.relative_to(stage)}\n"
        for path in carried
        if not path.is_symlink() and f"/{path.relative_to(stage)}" not in configured
    ]
    (control / "md5sums").write_text("".join(sums))
    for script in _SCRIPTS:
        text = (_OURS / script).read_text().replace("@VERSION@", version)
        (control / script).write_text(text)
        (control / script).chmod(0o755)


def _stamp(stage: Path, seconds: int) -> None:
    """Give everything one time, and to folders and plain files the modes that a umask can't bend.

    What a table of places gave a mode of its own keeps it.
    """
    for path in [stage, *stage.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
        elif path.is_file() and not path.is_symlink() and not _placed(path, stage):
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
        os.utime(path, (seconds, seconds), follow_symlinks=False)


def _placed(path: Path, stage: Path) -> bool:
    inside = path.relative_to(stage).parts
    return inside[0] != "DEBIAN" and inside[:3] not in {
        ("usr", "lib", "tapedrop"),
        ("usr", "share", "doc"),
        ("usr", "share", "lintian"),
        ("usr", "share", "man"),
    }
