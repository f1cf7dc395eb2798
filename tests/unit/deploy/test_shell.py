"""Every shell script of the project, judged by shellcheck."""

import subprocess
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]


def scripts() -> list[str]:
    """Return each file that git knows and that begins as a shell script does."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    return [name for name in names if _first_line(ROOT / name) in SHELLS]


SHELLS: Final = {b"#!/bin/sh", b"#!/bin/bash", b"#!/usr/bin/env bash"}


def _first_line(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.readline(80).split(b" -")[0].strip()


class TestShellcheck:
    def test_finds_nothing_in_any_script(self) -> None:
        found = scripts()
        judged = subprocess.run(["shellcheck", *found], cwd=ROOT, capture_output=True, text=True)

        assert "setup/machine.sh" in found
        assert judged.stdout == ""

    @pytest.mark.parametrize("name", scripts())
    def test_each_ends_at_its_first_failure(self, name: str) -> None:
        assert "\nset -eu" in (ROOT / name).read_text()


class TestSetup:
    def test_takes_from_tor_s_folder_an_address_and_nothing_that_a_shell_or_sed_would_do(
        self, tmp_path: Path
    ) -> None:
        setup = (ROOT / "deploy/server/setup.sh").read_text()
        function = setup[setup.index("hostname_of_onion()") : setup.index("make_drop()")]
        script = f"set -eu; onion=$1; booted() {{ false; }}; {function} hostname_of_onion"
        address = f"{'a2' * 28}.onion"
        said = {}
        for written in (address, 'x"#;1e touch pwned;#', f"{address} more", f"\x1b[2J{address}"):
            (tmp_path / "hostname").write_text(f"{written}\n")
            command = ["sh", "-c", script, "sh", str(tmp_path)]
            said[written] = subprocess.run(command, capture_output=True, text=True, check=True)

        assert [done.stdout for done in said.values()] == [f"{address}\n", "", "", ""]


class TestWhatRootTypes:
    @pytest.mark.parametrize("name", ["install.sh", "setup.sh", "uninstall.sh"])
    def test_finds_its_programs_whatever_path_su_left(self, name: str) -> None:
        script = (ROOT / "deploy/server" / name).read_text()

        assert "\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n" in script

    def test_finds_runuser_whatever_path_su_left(self) -> None:
        script = ROOT / "deploy/server/tapedrop-server"

        assert "exec /usr/sbin/runuser -u tapedrop" in script.read_text()
