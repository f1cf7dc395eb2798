"""The Debian package: what is in it, that two builds are one, and what Debian's own judge says."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import msgspec
import pytest
import segno
from bundling import folders
from bundling.deb import deb
from bundling.debian_changelog import debian_changelog
from bundling.source import source_at

ROOT: Final = Path(__file__).parents[3]
DEBIAN: Final = ROOT / "deploy/server/debian"
SECONDS: Final = 1_800_000_000
PLACES: Final = folders.places(source_at(ROOT))


def bundle(folder: Path) -> Path:
    """Make a small folder like the one that a release's archive holds, with real parts in it."""
    packages = folder / "tree/lib/python3.11/site-packages"
    shutil.copytree(
        ROOT / "crypto", packages / "crypto", ignore=shutil.ignore_patterns("__pycache__")
    )
    for library in (msgspec, segno):
        source = Path(str(library.__file__)).parent
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, packages / source.name, ignore=ignored)
    (folder / "tree/share/system").mkdir(parents=True)
    shutil.copyfile(ROOT / "deploy/server/places", folder / "tree/share/system/places")
    for place in PLACES:
        (folder / place.bundled).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / "deploy/server" / place.source, folder / place.bundled)
        (folder / place.bundled).chmod(place.mode)
    (folder / "tree/share/setup").write_text("#!/bin/sh\nexit 0\n")
    (folder / "tree/share/setup").chmod(0o755)
    (folder / "tree/bin").mkdir()
    (folder / "tree/bin/python3").symlink_to("/usr/bin/python3")
    (folder / "licences/segno").mkdir(parents=True)
    (folder / "licences/segno/LICENSE").write_text("BSD\n")
    libraries = [{"name": "segno", "version": "1.6.6"}, {"name": "msgspec", "version": "0.20.0"}]
    (folder / "sbom.cdx.json").write_text(json.dumps({"components": libraries}))
    (folder / "SHA256SUMS").write_text("")
    (folder / "docs").mkdir()
    for name in ("CHANGELOG.md", "LICENSE", "SECURITY.md", "docs/operator.md"):
        shutil.copyfile(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One package of such a folder."""
    folder = tmp_path_factory.mktemp("package")
    return deb(bundle(folder / "bundle"), folder, version="9.8.7", seconds=SECONDS)


@pytest.fixture(scope="module")
def judged(package: Path) -> list[str]:
    """What lintian has to say of it, hints about overrides included."""
    command = ["lintian", "--allow-root", "--display-info", "--tag-display-limit", "0"]
    told = subprocess.run([*command, str(package)], capture_output=True, text=True)
    return told.stdout.splitlines()


def listed(package: Path) -> dict[str, str]:
    """Return what is in a package: each path, and its mode and owner as tar shows them."""
    listing = subprocess.run(["dpkg-deb", "-c", package], capture_output=True, text=True)
    found = {}
    for line in listing.stdout.splitlines():
        mode, owner, _, _, _, path = line.split(maxsplit=5)
        found[path.removeprefix(".")] = f"{mode} {owner}"
    return found


def field(package: Path, name: str) -> str:
    """Return one field of a package's control file."""
    told = subprocess.run(["dpkg-deb", "-f", package, name], capture_output=True, text=True)
    return told.stdout.strip()


def controlled(package: Path, name: str) -> str:
    """Return one of a package's control files."""
    told = subprocess.run(["dpkg-deb", "-I", package, name], capture_output=True, text=True)
    return told.stdout


class TestWhatIsInIt:
    def test_the_programs_lie_under_their_version_and_a_link_leads_there(
        self, package: Path
    ) -> None:
        inside = listed(package)

        assert "/usr/lib/tapedrop/current -> 9.8.7" in inside
        assert "/usr/lib/tapedrop/9.8.7/bin/python3 -> /usr/bin/python3" in inside
        assert "/usr/lib/tapedrop/9.8.7/lib/python3.11/site-packages/crypto/envelope.py" in inside

    def test_each_row_of_the_places_lies_where_it_says_with_its_mode(self, package: Path) -> None:
        inside = listed(package)
        modes = {0o644: "-rw-r--r-- root/root", 0o755: "-rwxr-xr-x root/root"}

        assert "/lib/systemd/system/tapedrop.service" in inside
        for place in PLACES:
            assert inside[place.destination] == modes[place.mode], place

    def test_the_guide_comes_along(self, package: Path) -> None:
        assert "/usr/share/doc/tapedrop-server/docs/operator.md" in listed(package)

    def test_all_belongs_to_root_and_nobody_else_may_write(self, package: Path) -> None:
        for path, how in listed(package).items():
            mode, owner = how.split()
            assert owner == "root/root", path
            assert mode.startswith("l") or mode[5] + mode[8] == "--", path

    def test_dpkg_asks_before_it_replaces_what_staff_may_change(self, package: Path) -> None:
        asked = controlled(package, "conffiles").splitlines()

        assert "/etc/tapedrop/nftables.conf" in asked
        assert asked == sorted(
            place.destination for place in PLACES if place.destination.startswith("/etc/")
        )

    def test_whose_it_is_names_each_library_that_comes_along(self, package: Path) -> None:
        document = "./usr/share/doc/tapedrop-server/copyright"
        unpacked = subprocess.run(
            f"dpkg-deb --fsys-tarfile {package} | tar -xO {document}",
            shell=True,
            capture_output=True,
            text=True,
        )

        assert "  msgspec 0.20.0\n  segno 1.6.6\n" in unpacked.stdout
        assert "GNU AFFERO GENERAL PUBLIC LICENSE" in unpacked.stdout
        assert "@" not in unpacked.stdout.replace("@g10code.com", "")

    def test_no_placeholder_is_left_in_what_dpkg_reads(self, package: Path) -> None:
        for name in ("control", "preinst", "postinst", "prerm", "postrm"):
            assert not re.search(r"@[A-Z]+@", controlled(package, name)), name
        assert field(package, "Version") == "9.8.7"

    def test_it_wants_the_tor_that_has_proof_of_work(self, package: Path) -> None:
        assert "tor (>= 0.4.8)" in field(package, "Depends")


class TestUpdates:
    def test_apt_fetches_through_tor_because_nothing_else_goes_out(self) -> None:
        told = subprocess.run(
            ["apt-config", "-c", str(ROOT / "deploy/server/apt.conf"), "dump"],
            capture_output=True,
            text=True,
        )

        for scheme in ("http", "https"):
            set_to = f'Acquire::{scheme}::Proxy "socks5h://apt@127.0.0.1:9050/";'
            assert set_to in told.stdout.splitlines()


class TestBuilding:
    def test_two_builds_give_the_same_bytes_whatever_the_umask_and_the_folder(
        self, package: Path, tmp_path: Path
    ) -> None:
        before = os.umask(0o077)
        try:
            again = deb(bundle(tmp_path / "elsewhere"), tmp_path, version="9.8.7", seconds=SECONDS)
        finally:
            os.umask(before)

        assert again.read_bytes() == package.read_bytes()


class TestChangelog:
    def test_a_release_becomes_an_entry_with_its_day(self) -> None:
        changes = "# C\n\n## Unreleased\n\n- b\n\n## 1.2.0 (2026-11-21)\n\n- see [a](b.md) `x`\n"

        told = debian_changelog(changes, package="p", version="1.2.0", maintainer="M", seconds=0)

        assert told == (
            "p (1.2.0) stable; urgency=medium\n\n"
            "  * see a `x`\n\n"
            " -- M  Sat, 21 Nov 2026 00:00:00 +0000\n"
        )

    def test_a_version_that_was_not_released_says_so(self) -> None:
        told = debian_changelog("", package="p", version="1.3", maintainer="M", seconds=SECONDS)

        assert "p (1.3)" in told
        assert "not released" in told


class TestLintian:
    def test_finds_no_fault_that_no_override_explains(self, judged: list[str]) -> None:
        assert [line for line in judged if line.startswith(("E:", "W:"))] == []

    def test_finds_no_override_that_is_not_needed(self, judged: list[str]) -> None:
        assert [line for line in judged if "-override" in line] == []

    def test_each_override_has_a_comment_that_says_why(self) -> None:
        lines = (DEBIAN / "lintian-overrides").read_text().splitlines()
        above = dict(zip(lines[1:], lines, strict=False))

        for line in (each for each in lines if each and not each.startswith("#")):
            assert above[line].startswith("# "), line

    @pytest.mark.parametrize("script", ["preinst", "postinst", "prerm", "postrm"])
    def test_dpkg_s_scripts_are_plain_sh(self, script: str) -> None:
        told = subprocess.run(
            ["shellcheck", str(DEBIAN / script)], capture_output=True, text=True, check=False
        )

        assert told.stdout == ""
