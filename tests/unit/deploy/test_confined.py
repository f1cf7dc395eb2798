"""AppArmor's profiles: their own parser, and every file that a drop really opens.

This kernel may have no AppArmor. So a drop takes a recording in while strace writes down which
files it opens, and each is judged by the profiles as the kernel would judge it (`apparmor.py`).
"""

import os
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest
from apparmor import Profile, profiles_in
from drops import Drop, write_wav
from filecalls import STRACE, Touched, touched

FILE: Final = Path(__file__).parents[3] / "deploy/server/apparmor/tapedrop"
HERE: Final = ("/var/lib/tapedrop/", "/etc/", "/proc/", "/sys/", "/dev/", "/run/", "/tmp/")
"""What lies elsewhere, in an installed drop, is Debian's programs and ours, for reading only."""

pytestmark = pytest.mark.xdist_group("watched")


@pytest.fixture(scope="module")
def profiles() -> dict[str, Profile]:
    """Both profiles."""
    return profiles_in(FILE)


class TestTheParser:
    def test_takes_the_profiles(self) -> None:
        judged = subprocess.run(
            ["apparmor_parser", "-Q", "-K", FILE], capture_output=True, text=True
        )
        assert judged.returncode == 0, judged.stderr


class TestTheDrop:
    def test_may_use_no_network(self) -> None:
        command = ["apparmor_parser", "-p", str(FILE)]
        rules = subprocess.run(command, capture_output=True, text=True, check=True).stdout

        assert re.findall(r"^ *network (.+),$", rules, re.MULTILINE) == ["unix stream"]

    @pytest.mark.parametrize(
        ("path", "access"),
        [
            ("/var/lib/tapedrop/credentials/export.key", "r"),
            ("/var/lib/tapedrop/credentials/salt", "r"),
            ("/var/lib/tapedrop/tapedrop.toml", "w"),
            ("/var/lib/tapedrop/newsroom/pubring.kbx", "w"),
            ("/var/lib/tapedrop/lockdown", "w"),
            ("/usr/lib/tapedrop/0.1.0/bin/tapedrop-server", "w"),
            ("/var/lib/tor-instances/tapedrop/drop/hs_ed25519_secret_key", "r"),
            ("/etc/shadow", "r"),
            ("/proc/1/environ", "r"),
            ("/home/staff/.bash_history", "r"),
            ("/usr/bin/curl", "x"),
            ("/usr/bin/tor", "x"),
        ],
    )
    def test_may_not(self, profiles: dict[str, Profile], path: str, access: str) -> None:
        assert not profiles["tapedrop"].allows(path, access)

    def test_does_nothing_with_a_recording_that_the_kernel_would_log(
        self, profiles: dict[str, Profile], touched_files: set[Touched]
    ) -> None:
        logged = [
            each
            for each in sorted(touched_files)
            if any(profiles[one].logs(each.path, each.access) for one in _stacked(each.by))
        ]
        assert logged == []

    def test_is_refused_nothing_but_what_gpg_can_do_without(
        self, profiles: dict[str, Profile], touched_files: set[Touched]
    ) -> None:
        refused = {
            each.path
            for each in touched_files
            if not all(profiles[one].allows(each.path, each.access) for one in _stacked(each.by))
        }
        assert refused <= {"/var/lib/tapedrop/newsroom/trustdb.gpg"}

    def test_is_not_asked_to_own_its_files_in_proc_which_are_root_s_where_it_leaves_no_core(
        self,
    ) -> None:
        assert "owner @{PROC}" not in FILE.read_text()

    def test_was_seen_to_seal_what_it_took(self, touched_files: set[Touched]) -> None:
        assert Touched("tapedrop", "/usr/bin/gpg", "x") in touched_files
        assert any(name == "tapedrop-gpg" and "newsroom" in path for name, path, _ in touched_files)
        assert any("/store/drops/" in path and access == "wl" for _, path, access in touched_files)


class TestGpg:
    def test_gets_its_own_profile_on_top_of_the_drop_s(self) -> None:
        # With `p` for `ci` Debian 12's kernel refuses: it finds no profile by the program's name.
        rule = re.search(r"^  /usr/bin/gpg (\S+) -> (\S+),$", FILE.read_text(), re.MULTILINE)

        assert rule is not None
        assert rule.groups() == ("mrcix", "&tapedrop-gpg")

    @pytest.mark.parametrize(
        ("path", "access"),
        [
            ("/var/lib/tapedrop/store/drops/x", "r"),
            ("/var/lib/tapedrop/spool/x", "r"),
            ("/run/credentials/tapedrop.service/salt", "r"),
            ("/usr/bin/python3.11", "x"),
            ("/usr/bin/gpg-agent", "x"),
        ],
    )
    def test_may_not(self, profiles: dict[str, Profile], path: str, access: str) -> None:
        assert not profiles["tapedrop-gpg"].allows(path, access)


def _stacked(name: str) -> tuple[str, ...]:
    """Return the profiles that all have to allow it."""
    return (name,) if name == "tapedrop" else ("tapedrop", name)


@pytest.fixture(scope="module")
def touched_files(prepared: Drop, tmp_path_factory: pytest.TempPathFactory) -> set[Touched]:
    """What a drop touched, by the paths that it would have if it were installed."""
    folder = tmp_path_factory.mktemp("confined")
    drop = Drop.copied(prepared, folder / "drop")
    trace = folder / "trace"
    as_root = [] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user"]
    with drop.running(before=[*as_root, *STRACE, trace]) as serving:
        assert serving.send(write_wav(folder / "a.wav")).became == ["cleaned"]
    found = set()
    for by, path, access in touched(trace, "tapedrop", {"/usr/bin/gpg": "tapedrop-gpg"}):
        installed = path.replace(f"{drop.folder}/credentials", "/run/credentials/tapedrop.service")
        installed = installed.replace(str(drop.folder), "/var/lib/tapedrop")
        if installed.startswith("/usr/bin/" if access == "x" else HERE):
            found.add(Touched(by, installed, access))
    return found
