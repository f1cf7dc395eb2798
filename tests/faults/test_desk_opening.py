"""Opening at a desk that is killed, or whose disk is full.

Nothing is ever repaired by hand: whatever happened, opening again is all that is done.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from desk import words
from sticks import ext4_stick
from unit.intake.desks import CANARY, Person, Server, new_person, public_home

from faults.conftest import Note
from faults.killing import Command, drawn, killed, moments

MB = 1_000_000
ROUNDS = 6
"""Kills for each five of --kills: 60 where it is 50."""
GPG_KILLED = frozenset({5})
OURS = re.compile(
    r"desk\.toml|keys/[0-9A-F]{40}\.asc|pairing\.json|vault\.key\.gpg|desk\.key"
    r"|catalogue\.db(-journal)?|evidence/[0-9a-f]{64}\.gpg|working/[0-9a-f]{32}"
    r"|bags/[0-9a-f]{32}/.*"
)
NEEDLE = CANARY[:24]


@pytest.fixture(scope="module")
def reporter() -> Iterator[Person]:
    yield from new_person("reporter")


class Desk:
    """A desk in a folder, told by a command of its own."""

    def __init__(self, folder: Path, server: Server, reporter: Person) -> None:
        self.folder = folder
        self.home = reporter.home
        pairing = server.pairing(folder.with_name("server.json"))
        key: list[str | Path] = ["--key", reporter.fingerprint, "--gnupg", reporter.home]
        made = self.run("init", folder, "--server", pairing, *key, *words(pairing))
        assert made.returncode == 0, made.stderr

    def command(self, *told: str | Path) -> Command:
        run = "import sys; from intake.cli import run; sys.exit(run(sys.argv[1:]))"
        return [sys.executable, "-c", run, "--desk", self.folder, *told]

    def run(self, *told: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*told), capture_output=True, text=True, stdin=subprocess.DEVNULL
        )

    def statuses(self) -> list[str]:
        listed = self.run("list", "--json")
        assert listed.returncode == 0, listed.stderr
        return [row["status"] for row in json.loads(listed.stdout)]

    def working(self) -> list[Path]:
        return list(self.folder.glob("working/*"))

    def require_nothing_in_the_clear(self) -> None:
        """No file but a desk's is there, and none, gpg's among them, holds what a source said."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        names = [path.relative_to(self.folder).as_posix() for path in files]
        assert [name for name in names if not OURS.fullmatch(name)] == []
        gpgs = [path for path in self.home.rglob("*") if path.is_file()]
        assert not any(NEEDLE in path.read_bytes() for path in (*files, *gpgs))


@pytest.fixture
def server(reporter: Person, tmp_path: Path) -> Server:
    return Server(public_home(tmp_path / "newsroom", [reporter]), Ed25519PrivateKey.generate())


def with_drops(desk: Desk, server: Server, stick: Path, sizes: list[int]) -> None:
    for size in sizes:
        server.receive((CANARY * (size // len(CANARY) + 1))[:size])
    done = desk.run("import", server.export(stick))
    assert done.returncode == 0, done.stderr


def test_killed_at_any_system_call_what_was_opened_is_open_and_the_rest_opens_later(
    server: Server, reporter: Person, tmp_path: Path, kills: int, note: Note
) -> None:
    desk = Desk(tmp_path / "desk", server, reporter)
    with_drops(desk, server, tmp_path / "stick", [300_000, 1_000])
    evidence = {path.name: path.read_bytes() for path in desk.folder.glob("evidence/*")}
    shutil.copytree(desk.folder, tmp_path / "kept")
    command, trace = desk.command("open", "--all"), tmp_path / "calls"
    found = moments(command, desk.folder, trace)
    assert desk.statuses() == ["opened", "opened"]
    deaths = half = 0
    wanted = kills * ROUNDS // 5

    for moment in drawn(found, 4 * wanted, seed=18):
        if deaths == wanted:
            break
        if "stored" not in desk.statuses():
            shutil.rmtree(desk.folder)
            shutil.copytree(tmp_path / "kept", desk.folder)
        deaths += killed(command, moment, trace, of_child=GPG_KILLED)

        desk.require_nothing_in_the_clear()
        statuses = desk.statuses()
        assert set(statuses) <= {"stored", "opened"}, moment
        assert len(desk.working()) >= statuses.count("opened"), moment
        half += statuses.count("opened") == 1
        assert {path.name: path.read_bytes() for path in desk.folder.glob("evidence/*")} == evidence

    done = desk.run("open", "--all")
    assert done.returncode == 0, done.stderr
    assert desk.statuses() == ["opened", "opened"]
    assert desk.run("log", "verify").returncode == 0
    assert deaths == wanted
    note(kills=deaths, that_left_one_of_two_open=half)


@pytest.mark.parametrize("free_bytes", [0, 100_000, 2 * MB])
def test_on_a_disk_that_is_full_nothing_is_left_and_it_opens_when_there_is_room(
    server: Server, reporter: Person, tmp_path: Path, free_bytes: int
) -> None:
    with ext4_stick(tmp_path, 40 * MB) as disk:
        desk = Desk(disk.at / "desk", server, reporter)
        with_drops(desk, server, tmp_path / "stick", [4 * MB])
        filler = disk.at / "filler"
        _fill(filler, leaving=free_bytes)

        full = desk.run("open", "--all")

        assert full.returncode == 5
        assert "the disk is full" in full.stderr or "catalogue can't be used" in full.stderr
        assert desk.working() == []
        desk.require_nothing_in_the_clear()
        filler.unlink()
        assert desk.run("open", "--all").returncode == 0
        assert desk.statuses() == ["opened"]


def _fill(filler: Path, *, leaving: int) -> None:
    free = shutil.disk_usage(filler.parent).free
    with filler.open("wb") as out:
        try:
            while free > leaving:
                out.write(bytes(min(100_000, free - leaving)))
                out.flush()
                free = shutil.disk_usage(filler.parent).free
        except OSError:
            return
