"""Debian in a folder: made once by debootstrap, kept in a cache, copied for each test that asks.

    ~/.cache/tapedrop-tests/<suite>-<what it is made of>/

It comes from where this machine's own apt has its packages from. Beyond a bare Debian with systemd
it holds, fetched but not installed, the packages that a drop needs: so a test that has no network
installs them as a person would, by apt.
"""

import os
import shutil
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Final

ON_BARE_DEBIAN: Final = ("systemd", "systemd-sysv", "dbus", "udev", "ca-certificates")
"""What Debian's installer puts on every machine, as far as a test meets it."""
FOR_A_DROP: Final = ("python3", "gnupg", "tor", "nftables", "apparmor")
_RECIPE: Final = "2"
"""Raised when what `_make` does has changed."""


def debian(suite: str = "bookworm") -> Path:
    """Return the cached Debian, made first where it isn't there. Nobody writes into it."""
    made_of = sha256(repr((_RECIPE, ON_BARE_DEBIAN, FOR_A_DROP)).encode()).hexdigest()[:8]
    root = _cache() / f"{suite}-{made_of}"
    if not root.exists():
        root.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{suite}-", dir=root.parent) as building:
            _make(suite, Path(building) / "root")
            try:
                (Path(building) / "root").rename(root)
            except OSError:  # another test process was quicker
                assert root.exists()
    return root


def copied(root: Path, to: Path) -> Path:
    """Return a copy that may be written to, with owners, links and devices as they are."""
    subprocess.run(["cp", "-a", "--reflink=auto", root, to], check=True)
    return to


def in_folder(root: Path, *words: str | Path) -> None:
    """Run a command in the folder, with this machine's network. Raises when it fails."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    environment |= {"DEBIAN_FRONTEND": "noninteractive", "HOME": "/root"}
    environment |= {name: said for name, said in os.environ.items() if name.endswith("_proxy")}
    command = ["chroot", root, *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def _make(suite: str, root: Path) -> None:
    include = ",".join(ON_BARE_DEBIAN)
    words = ["debootstrap", "--variant=minbase", f"--include={include}"]
    done = subprocess.run([*words, suite, root, _mirror()], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    in_folder(root, "apt-get", "clean")
    in_folder(root, "apt-get", "update", "-q")
    in_folder(root, "apt-get", "install", "-qy", "--download-only", *FOR_A_DROP)
    (root / "etc/resolv.conf").unlink()
    # Each copy is a machine of its own.
    (root / "etc/machine-id").write_text("")
    (root / "etc/hostname").write_text("drop\n")


def _mirror() -> str:
    """Return where this machine's apt has Debian's main archive from."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    found = subprocess.run([*asked, "Created-By: Packages"], capture_output=True, text=True)
    archives = [uri for uri in found.stdout.split() if uri.rstrip("/").endswith("/debian")]
    assert archives, "this machine's apt names no archive of Debian's"
    return archives[0]


def _cache() -> Path:
    folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(folder) / "tapedrop-tests"
