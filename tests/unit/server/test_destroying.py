"""Destroying a drop: what is found, what is left of it, and what one failure costs the rest."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from server.config import Config, Credentials, Tor
from server.staff.emergency.destroy import Plan, destroy, plan
from server.staff.emergency.ending import holder_of

SECRETS = ("salt", "export.key", "canary", "store.toml")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A drop's secrets, and nothing else of it."""
    credentials = tmp_path / "drop/credentials"
    credentials.mkdir(parents=True)
    for name in SECRETS:
        (credentials / name).write_text(f"secret {name}")
    return tmp_path / "drop"


def planned(folder: Path, config: Config | None = None) -> Plan:
    return plan(folder, config or Config(), disks_below=lambda _place: [])


class TestWhatIsFound:
    def test_is_every_secret_of_the_drop(self, folder: Path) -> None:
        found = {file.name for file in planned(folder).files}

        assert found == set(SECRETS)

    def test_is_the_onion_service_s_key_and_no_other_file_of_tor_s(
        self, folder: Path, tmp_path: Path
    ) -> None:
        tor = tmp_path / "tor"
        (tor / "authorized_clients").mkdir(parents=True)
        for name in ("hs_ed25519_secret_key", "hostname", "torrc", "authorized_clients/a.auth"):
            (tor / name).write_text("x")

        found = {file.name for file in planned(folder, Config(tor=Tor(keys=str(tor)))).files}

        assert found == {*SECRETS, "hs_ed25519_secret_key", "hostname", "a.auth"}

    def test_is_what_a_restore_or_a_crash_left(self, folder: Path) -> None:
        (folder / "onion").mkdir()
        (folder / "onion/hs_ed25519_secret_key").write_text("x")
        (folder / "elsewhere/credentials").mkdir(parents=True)
        (folder / "elsewhere/credentials/salt").write_text("x")
        (folder / ".restoring").mkdir()
        (folder / ".restoring/salt").write_text("x")
        (folder / "credentials/.salt.0123456789abcdef").write_text("x")
        (folder / "credentials/.salty").write_text("x")

        found = {str(file.relative_to(folder)) for file in planned(folder).files}

        assert found == {
            *(f"credentials/{name}" for name in SECRETS),
            "credentials/.salt.0123456789abcdef",
            "elsewhere/credentials/salt",
            ".restoring/salt",
            "onion/hs_ed25519_secret_key",
        }

    def test_is_each_disk_once(self, folder: Path) -> None:
        found = plan(folder, Config(), disks_below=lambda _place: ["sda2", "sdb"])

        assert found.disks == (Path("/dev/sda2"), Path("/dev/sdb"))


class TestWhatIsLeft:
    def test_is_no_file_and_no_content(self, folder: Path) -> None:
        salt = folder / "credentials/salt"
        with salt.open("rb") as held:  # as whoever takes the disk finds what it held
            done = list(destroy(planned(folder)))
            content = held.read()

        assert [each.problem for each in done] == [""] * len(SECRETS)
        assert list((folder / "credentials").iterdir()) == []
        assert len(content) == len("secret salt")
        assert b"secret" not in content

    def test_is_nothing_where_a_link_led(self, folder: Path, tmp_path: Path) -> None:
        elsewhere = tmp_path / "salt"
        (folder / "credentials/salt").rename(elsewhere)
        (folder / "credentials/salt").symlink_to(elsewhere)

        list(destroy(planned(folder)))

        assert not elsewhere.exists()
        assert not (folder / "credentials/salt").is_symlink()

    def test_one_that_fails_costs_the_others_nothing(self, folder: Path, tmp_path: Path) -> None:
        config = Config(credentials=Credentials(salt="/dev/full/salt", canary="folder"))
        (folder / "folder").mkdir()

        first, *others = destroy(planned(folder, config))

        assert [each.problem for each in others if each.problem] == ["is a directory"]
        assert {file.name for file in (folder / "credentials").iterdir()} == {"salt", "canary"}
        assert first.problem == ""

    def test_a_link_that_leads_to_itself_keeps_nothing_else(self, folder: Path) -> None:
        salt = folder / "credentials/salt"
        salt.unlink()
        salt.symlink_to("salt")

        list(destroy(planned(folder)))

        assert {file.name for file in (folder / "credentials").iterdir()} <= {"salt"}

    def test_a_second_time_there_is_nothing_to_do(self, folder: Path) -> None:
        list(destroy(planned(folder)))

        assert planned(folder).files == ()


class TestTheRunningDrop:
    def test_is_known_by_its_lock_and_ended(self, tmp_path: Path) -> None:
        lock = tmp_path / "serving.lock"
        holds = (
            "import fcntl, sys; held = open(sys.argv[1], 'w');"
            "fcntl.flock(held, fcntl.LOCK_EX); print(flush=True); sys.stdin.read()"
        )
        command = [sys.executable, "-c", holds, lock]
        before = planned(tmp_path)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()

            assert holder_of(lock) == process.pid
            # Also where it was started only after the plan was shown.
            (done,) = destroy(before)
            assert done == (f"the running drop, process {process.pid}", "")

        assert holder_of(lock) is None

    def test_is_named_where_its_process_cannot_be_told(self, tmp_path: Path) -> None:
        (done,) = destroy(Plan((), (), process=None, runs=True, lock=tmp_path / "missing"))

        assert done.what == "the running drop"
        assert "stop it" in done.problem

    def test_nobody_is_taken_for_it(self, tmp_path: Path) -> None:
        lock, other = tmp_path / "serving.lock", tmp_path / "other"
        lock.touch()
        with other.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)

            assert holder_of(other) == os.getpid()
            assert holder_of(lock) is None
            assert holder_of(tmp_path / "missing") is None

    def test_one_in_a_place_that_cannot_be_seen_is_nobody(self, tmp_path: Path) -> None:
        lock = tmp_path / "serving.lock"
        lock.touch()
        found = lock.stat()
        device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}"
        listed = tmp_path / "locks"
        listed.write_text(f"1: FLOCK  ADVISORY  WRITE 0 {device}:{found.st_ino} 0 EOF\n")

        assert holder_of(lock, locks=listed) is None
