"""Whoever builds gets the same bytes: so anybody can see that a release is what its source says."""

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Final

from bundling.folders import server_folder
from bundling.source import source_at

ROOT: Final = Path(__file__).parents[2]
SOURCE: Final = source_at(ROOT)
WHEELS: Final = ROOT / "build/wheels"


def checkout(at: Path) -> Path:
    """Return a second checkout with the same files, and the wheels that are here already."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(at)], check=True)
    for file in SOURCE.files:
        (at / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, at / file)
    subprocess.run(["git", "-C", str(at), "add", "--all"], check=True)
    shutil.copytree(WHEELS, at / "build/wheels")
    return at


def build(root: Path, to: Path, *before: str, umask: int, **environment: str) -> dict[str, str]:
    """Build server and desk in a checkout; return each archive's digest."""
    command = [sys.executable, str(root / "deploy/build.py"), "--to", str(to), "--work"]
    command += [str(root / "build"), "server", "desk"]
    subprocess.run(
        [*before, *command],
        check=True,
        umask=umask,
        env=os.environ | environment,
        capture_output=True,
    )
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in to.iterdir()}


class TestTwoBuilds:
    def test_give_the_same_bytes_in_another_folder_at_another_time_by_somebody_else(
        self, tmp_path: Path
    ) -> None:
        server_folder(SOURCE, tmp_path / "first", WHEELS)  # has the wheels fetched
        theirs = checkout(tmp_path / "somebody else's/tapedrop")

        here = build(ROOT, tmp_path / "here", umask=0o022, TZ="UTC", LC_ALL="C.UTF-8")
        there = build(
            theirs,
            tmp_path / "there",
            *("faketime", "-f", "@2031-05-06 07:08:09"),
            umask=0o077,
            TZ="Asia/Tokyo",
            LC_ALL="C",
            PYTHONHASHSEED="7",
        )

        assert len(here) == 5  # two archives, what is in each, and the sums of all
        assert there == here


class TestTheFolderForS3:
    def test_holds_what_a_store_over_s3_needs(self, tmp_path: Path) -> None:
        folder = server_folder(SOURCE, tmp_path, WHEELS, "server-s3")
        load = "import aiobotocore.session, server.store.s3; print(server.store.s3.__file__)"

        command = [str(folder / "tree/bin/python3"), "-I", "-c", load]
        loaded = subprocess.run(command, capture_output=True, text=True)

        assert folder.name == f"tapedrop-server-s3-{SOURCE.version}"
        assert loaded.stdout.startswith(str(folder)), loaded.stderr


class TestSigning:
    def test_what_is_not_as_its_commit_has_it_is_refused(self, tmp_path: Path) -> None:
        changed = checkout(tmp_path / "changed")
        with (changed / "LICENSE").open("a") as text:
            text.write("changed\n")
        command = [sys.executable, str(changed / "deploy/build.py"), "--to", str(tmp_path / "dist")]
        command += ["--sign", "0" * 40, "desk"]

        refused = subprocess.run(command, capture_output=True, text=True)

        assert refused.returncode == 2
        assert "not as the commit has" in refused.stderr
        assert not (tmp_path / "dist").exists()
