"""A drop as install.sh made it, under a real systemd: whom it reaches, and who reaches it."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from drops import write_wav
from form import Browser

from install.installed import DROP, STICK, Installed, send
from install.ways import by_socket

PHRASE = b"a phrase that is nowhere else 7f3a"
NOBODY_ELSE = """
import socket
there = socket.socket(socket.AF_UNIX)
try:
    there.connect("/run/tapedrop.sock")
except PermissionError:
    print("refused")
else:
    print("let in")
"""


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """One that holds the phrase as its sound, and as what a recorder wrote beside it."""
    return write_wav(tmp_path / "holiday.wav", PHRASE * 1000, secret=PHRASE)


class TestWhatItReaches:
    def test_its_only_network_is_a_loopback_of_its_own(self, installed: Installed) -> None:
        machine, drop = installed.machine, installed.main_process()
        devices = machine.must("nsenter", "-t", drop, "-n", "cat", "/proc/net/dev")
        inside = machine.must("readlink", f"/proc/{drop}/ns/net")
        assert re.findall(r"^\s*(\w+):", devices, re.MULTILINE) == ["lo"]
        assert inside != machine.must("readlink", "/proc/1/ns/net")

    def test_it_is_no_root_and_becomes_none(self, installed: Installed) -> None:
        status = installed.machine.must("cat", f"/proc/{installed.main_process()}/status")
        said = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        user = installed.machine.must("id", "-u", "tapedrop").strip()
        assert said["Uid"].split() == [user] * 4
        assert said["NoNewPrivs"] == "1"
        assert said["Seccomp"] == "2"
        assert {said[each] for each in ("CapPrm", "CapEff", "CapBnd")} == {"0" * 16}

    def test_of_its_secrets_it_sees_the_salt_and_no_other(self, installed: Installed) -> None:
        machine = installed.machine
        inside = ["nsenter", "-t", installed.main_process(), "-m"]
        seen = machine.run(*inside, "find", f"{DROP}/credentials", "/run/credentials")
        names = {Path(line).name for line in seen.stdout.splitlines()}
        assert names & {"salt", "export.key", "canary"} == {"salt"}
        assert machine.run(*inside, "test", "-e", f"{DROP}/credentials/salt").returncode == 1
        assert machine.run("test", "-e", f"{DROP}/credentials/export.key").returncode == 0

    def test_its_settings_and_keys_can_not_be_changed_from_inside(
        self, installed: Installed
    ) -> None:
        machine, settings = installed.machine, f"{DROP}/tapedrop.toml"
        inside = ["nsenter", "-t", installed.main_process(), "-m", "touch"]
        # As an editor saves it: what was mounted over the old file alone would be gone now.
        machine.must("cp", "-p", settings, f"{DROP}/saved")
        machine.must("mv", f"{DROP}/saved", settings)
        for kept in ("tapedrop.toml", "newsroom/pubring.kbx", "desks/roster", "lockdown", "more"):
            done = machine.run(*inside, f"{DROP}/{kept}")
            assert "Read-only file system" in done.stderr, kept


class TestWhoReachesIt:
    def test_other_users_of_the_machine_are_refused(self, installed: Installed) -> None:
        tried = installed.machine.must("python3", "-c", NOBODY_ELSE, user="nobody")
        assert tried == "refused\n"

    def test_tor_is_let_in(self, installed: Installed) -> None:
        with by_socket(installed.machine) as address:
            assert "/codename" in Browser(address).get("/").links

    def test_nobody_else_can_look_into_its_folder(self, installed: Installed) -> None:
        for user in ("nobody", "_tor-tapedrop"):
            assert installed.machine.run("ls", DROP, user=user).returncode != 0

    def test_who_comes_while_it_is_started_anew_waits_and_is_served(
        self, installed: Installed
    ) -> None:
        machine = installed.machine
        before = installed.main_process()
        restarting = subprocess.Popen(machine.command("systemctl", "restart", "tapedrop.service"))
        with by_socket(machine) as address:
            page = Browser(address).get("/")
        assert restarting.wait(120) == 0
        assert page.links
        assert installed.main_process() != before


class TestAVisit:
    def test_a_recording_is_cleaned_sealed_and_nowhere_in_the_clear(
        self, installed: Installed, recording: Path
    ) -> None:
        machine, before = installed.machine, len(installed.manifests())
        with installed.visit() as browser:
            became = send(browser, recording, message=PHRASE.decode()).became
        assert became == ["written", "cleaned"]
        assert len(installed.manifests()) == before + 2
        found = machine.run(
            *("grep", "--recursive", "--files-with-matches", "--text", "--fixed-strings"),
            *("--exclude-dir=proc", "--exclude-dir=sys", PHRASE.decode(), "/"),
        )
        assert found.stdout == ""

    def test_no_journal_has_a_line_more_for_it(self, installed: Installed, recording: Path) -> None:
        machine, before = installed.machine, installed.machine.journal()
        with installed.visit() as browser:
            send(browser, recording)
        with installed.visit(circuit=108) as browser:
            browser.enter("these are not eight words of anybody")
        assert machine.journal() == before

    def test_what_its_own_journal_holds_are_its_events_and_where_it_listens(
        self, installed: Installed
    ) -> None:
        read = ("journalctl", "--namespace=tapedrop", "--output=json")
        lines = [json.loads(line) for line in installed.machine.must(*read).splitlines()]
        drops = {line["MESSAGE"] for line in lines if line.get("_UID") != "0"}
        allowed = r"event='(started|stopped)'.*|listening: fd:3"
        assert "event='started' newsroom_keys=1" in drops
        assert [each for each in drops if not re.fullmatch(allowed, each)] == []

    def test_journals_are_in_memory_only(self, installed: Installed) -> None:
        machine = installed.machine
        machine.must("systemd-cat", "echo", "a line of today")
        machine.must("journalctl", "--sync")
        read = ["journalctl", "--quiet", "--no-pager", "--grep=a line of today"]
        on_disk = machine.run(*read, "--directory=/var/log/journal")
        assert on_disk.stdout == ""
        assert "a line of today" in machine.must(*read)


class TestExportDay:
    def test_what_was_sent_is_opened_at_the_desk(
        self, installed: Installed, recording: Path, tmp_path: Path
    ) -> None:
        with installed.visit() as browser:
            send(browser, recording, message="from a source")
        stick = installed.with_stick()
        installed.json("export", "--to", STICK)
        assert installed.desk is not None
        installed.desk.json("import", stick)
        installed.desk.json("open", "--all")
        installed.desk.json("receipt", "--to", stick)
        subprocess.run(["chmod", "-R", "a+rX", stick], check=True)
        taken = installed.json("receipts", "import", STICK)
        assert taken


class TestByTheClock:
    def test_the_sweep_does_its_work(self, installed: Installed) -> None:
        installed.machine.must("systemctl", "start", "tapedrop-sweep.service")
        day = installed.machine.at(f"{DROP}/receipts/swept").read_text()
        assert re.match(r"\d{4}-\d\d-\d\d", day)

    def test_the_restart_leaves_the_drop_serving(self, installed: Installed) -> None:
        installed.machine.must("systemctl", "start", "tapedrop-restart.service")
        installed.wait_until_served()

    def test_timers_are_set(self, installed: Installed) -> None:
        listed = installed.machine.must("systemctl", "list-timers", "--no-legend")
        for each in ("sweep", "heartbeat", "canary", "restart"):
            assert f"tapedrop-{each}.timer" in listed
