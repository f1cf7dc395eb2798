"""Purging and backing up at a desk that is killed, and onto a disk that is full.

Nothing is ever repaired by hand: whatever happened, the next command is all that is done.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from desk import words
from sticks import ext4_stick, fat_stick
from unit.intake.desks import CANARY, Person, Server, new_person, public_home
from unit.intake.vaults import RARE, everything_known, noted

from faults.conftest import Note
from faults.killing import Command, drawn, killed, moments
from intake.cli.desk import unlocked
from intake.keeping.medium import Medium
from intake.keeping.snapshot import Snapshot, read_lists, verified
from intake.layout import Layout

MB = 1_000_000
GPG_KILLED = frozenset({5})
PURGE = ("purge", "drop-0001", "--confirm", "purge 1 drop")


NOBODY_ASKS = """
from intake.keeping.medium import Medium
Medium.require_room = lambda *_: None
"""


@pytest.fixture(scope="module")
def reporter() -> Iterator[Person]:
    yield from new_person("reporter")


@dataclass(frozen=True)
class Worked:
    """A desk at which was worked: a drop to purge, one that was opened, one that wasn't."""

    folder: Path
    home: Path
    doomed: bytes
    """The digest of the drop that is purged,"""
    session_key: str
    """and the key of its envelope."""

    def command(self, *told: str | Path) -> Command:
        run = "import sys; from intake.cli import run; sys.exit(run(sys.argv[1:]))"
        desk: Command = [] if told[0] == "restore" else ["--desk", self.folder]
        return [sys.executable, "-c", run, *desk, *told]

    def run(self, *told: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*told), capture_output=True, text=True, stdin=subprocess.DEVNULL
        )

    def numbers(self) -> list[str]:
        """Open the vault as it is; return the drops that are there. The log must hold together."""
        with unlocked(Layout.of(self.folder)) as room:
            assert list(room.catalogue.custody.entries())
            return [drop.id for drop in room.catalogue.drops.all()]

    def reset(self, kept: Path) -> None:
        shutil.rmtree(self.folder)
        shutil.copytree(kept, self.folder)

    def require_the_others(self) -> None:
        """Every envelope is what it is called, and the log holds together."""
        envelopes = list(self.folder.glob("evidence/*.gpg"))
        assert len(envelopes) >= 2
        for path in envelopes:
            assert sha256(path.read_bytes()).hexdigest() == path.stem

    def require_gone(self) -> None:
        """Of the drop that was purged nothing is left here."""
        assert not list(self.folder.rglob(f"{self.doomed.hex()}*"))
        assert len(list(self.folder.glob("working/*"))) == 1  # the other drop's
        known = everything_known(self.folder)
        assert known.count(self.doomed) == 1
        assert self.session_key.encode() not in known
        assert RARE not in known

    def require_nothing_in_the_clear(self, *folders: Path) -> None:
        for folder in (self.folder, *folders):
            for path in folder.rglob("*"):
                if path.is_file():
                    content = path.read_bytes()
                    for secret in (CANARY[:24], RARE, self.session_key.encode()):
                        assert secret not in content, path


@pytest.fixture
def desk(tmp_path: Path, reporter: Person) -> Worked:
    server = Server(public_home(tmp_path / "newsroom", [reporter]), Ed25519PrivateKey.generate())
    pairing = server.pairing(tmp_path / "server.json")
    made = Worked(tmp_path / "desk", reporter.home, b"", "")
    founded = made.run(
        "init", made.folder, "--server", pairing, "--key", reporter.fingerprint,
        "--gnupg", reporter.home, *words(pairing),
    )  # fmt: skip
    assert founded.returncode == 0, founded.stderr
    # One after the other, so that the numbers are in order.
    sends: list[Callable[[], str]] = [
        server.receive, lambda: server.message("seen by nobody"), server.receive,
    ]  # fmt: skip
    for send in sends:
        send()
        assert made.run("import", server.export(tmp_path / "carried")).returncode == 0
        made.numbers()
    assert made.run("open", "drop-0001", "drop-0002").returncode == 0
    digest, session_key = noted(made.folder, 1)
    return Worked(made.folder, reporter.home, digest, session_key)


def test_a_purge_that_is_killed_at_any_system_call_is_finished_or_was_not_begun(
    desk: Worked, tmp_path: Path, kills: int, note: Note
) -> None:
    kept, trace = tmp_path / "kept", tmp_path / "calls"
    shutil.copytree(desk.folder, kept)
    command = desk.command(*PURGE)
    found = moments(command, desk.folder, trace)
    assert desk.numbers() == ["drop-0002", "drop-0003"]
    desk.require_gone()
    deaths = finished = 0

    for moment in drawn(found, kills * 6 // 5, seed=8):
        desk.reset(kept)
        deaths += killed(command, moment, trace, of_child=GPG_KILLED)
        numbers = desk.numbers()
        if numbers == ["drop-0001", "drop-0002", "drop-0003"]:
            assert RARE in everything_known(desk.folder), moment
            assert (desk.folder / "evidence" / f"{desk.doomed.hex()}.gpg").exists(), moment
            assert desk.run(*PURGE).returncode == 0
        else:
            assert numbers == ["drop-0002", "drop-0003"], moment
            finished += 1
        desk.require_gone()
        desk.require_the_others()
        desk.require_nothing_in_the_clear()

    assert deaths >= kills // 2
    note(kills=deaths, that_the_next_command_finished=finished)


@dataclass(frozen=True)
class Disk:
    """What lies on a backup's disk."""

    folder: Path
    desk: Worked

    def snapshots(self) -> list[Snapshot]:
        """Return those that are finished, each of them verified to the last byte."""
        with unlocked(Layout.of(self.desk.folder)) as room:
            signer = room.signing_key.public_key()
        found = []
        for folder in self.folder.glob("TAPEDROP-BACKUP/*"):
            medium = Medium(folder)
            if not medium.snapshots.exists():
                continue
            for path in medium.finished():
                snapshot = verified(read_lists(path), signer)
                for name, digest in snapshot.files.items():
                    assert sha256((path / name).read_bytes()).digest() == digest
                found.append(snapshot)
        return found

    def envelopes(self) -> set[bytes]:
        """Return those that are there, each of them what it is called."""
        found = set()
        for path in self.folder.glob("TAPEDROP-BACKUP/*/evidence/*.gpg"):
            digest = sha256(path.read_bytes()).digest()
            assert digest.hex() == path.stem
            found.add(digest)
        return found

    def require_what_is_promised(self) -> None:
        """Whatever the desk believes to be here is here, in a snapshot that is whole."""
        with unlocked(Layout.of(self.desk.folder)) as room:
            held = {each.digest for each in room.catalogue.drops.all()
                    if room.catalogue.backups.holds(each.digest)}  # fmt: skip
        snapshots, envelopes = self.snapshots(), self.envelopes()
        assert held <= envelopes
        assert not held or any(held <= snapshot.envelopes for snapshot in snapshots)
        for snapshot in snapshots:
            assert snapshot.envelopes - envelopes <= {self.desk.doomed}


@pytest.mark.parametrize("of", ["a first backup", "one after a purge"])
def test_a_backup_that_is_killed_at_any_system_call_promises_nothing_that_is_not_there(
    desk: Worked, tmp_path: Path, kills: int, of: str, note: Note
) -> None:
    disk = Disk(tmp_path / "disk", desk)
    disk.folder.mkdir()
    if of == "one after a purge":
        assert desk.run("backup", "--to", disk.folder).returncode == 0
        assert desk.run(*PURGE).returncode == 0
    kept, kept_disk, trace = tmp_path / "kept", tmp_path / "kept-disk", tmp_path / "calls"
    shutil.copytree(desk.folder, kept)
    shutil.copytree(disk.folder, kept_disk)
    command = desk.command("backup", "--to", disk.folder)
    found = moments(command, disk.folder, trace)
    deaths = promised = 0

    for number, moment in enumerate(drawn(found, kills * 6 // 10, seed=9)):
        if number % 3 == 0:  # else it goes on from where the one before was killed
            desk.reset(kept)
            shutil.rmtree(disk.folder)
            shutil.copytree(kept_disk, disk.folder)
        deaths += killed(command, moment, trace, of_child=GPG_KILLED)
        disk.require_what_is_promised()
        desk.require_nothing_in_the_clear(disk.folder)
        promised += any(snapshot.head.number for snapshot in disk.snapshots())

    done = desk.run("backup", "--to", disk.folder, "--json")
    assert done.returncode == 0, done.stderr
    disk.require_what_is_promised()
    assert not list(disk.folder.rglob("*.part"))
    if of == "one after a purge":
        assert desk.doomed not in disk.envelopes()
        assert not any(desk.doomed in snapshot.envelopes for snapshot in disk.snapshots())
    desk.require_the_others()
    listed, new = desk.run("list", "--json").stdout, tmp_path / "new"
    restored = desk.run(
        "restore", disk.folder, "--to", new, "--gnupg", desk.home,
        "--words", json.loads(done.stdout)["words"],
    )  # fmt: skip
    assert restored.returncode == 0, restored.stderr
    again = Worked(new, desk.home, desk.doomed, desk.session_key)
    assert again.run("list", "--json").stdout == listed
    assert again.run("open", "drop-0002").returncode == 0
    again.require_the_others()
    assert deaths >= kills // 4
    note(kills=deaths, with_a_whole_snapshot_on_the_disk=promised)


def test_a_restore_that_is_killed_makes_no_desk_or_a_whole_one(
    desk: Worked, tmp_path: Path, kills: int, note: Note
) -> None:
    disk, new, trace = tmp_path / "disk", tmp_path / "new", tmp_path / "calls"
    disk.mkdir()
    told = json.loads(desk.run("backup", "--to", disk, "--json").stdout)["words"]
    again = Worked(new, desk.home, desk.doomed, desk.session_key)
    command = desk.command("restore", disk, "--to", new, "--gnupg", desk.home, "--words", told)
    found = moments(command, new, trace)
    numbers = again.numbers()
    deaths = 0

    for moment in drawn(found, kills * 2 // 5, seed=10):
        shutil.rmtree(new, ignore_errors=True)
        deaths += killed(command, moment, trace, of_child=GPG_KILLED)
        if new.exists():
            assert again.numbers() == numbers == desk.numbers(), moment
            again.require_the_others()

    shutil.rmtree(new, ignore_errors=True)
    done = desk.run(*(str(word) for word in command[3:]))
    assert done.returncode == 0, done.stderr
    assert again.numbers() == desk.numbers()
    again.require_the_others()
    assert not (tmp_path / "new.part").exists()
    assert deaths >= kills // 8
    note(kills=deaths)


def test_a_disk_that_fills_up_holds_no_backup_and_the_next_one_goes_on(
    desk: Worked, tmp_path: Path, note: Note
) -> None:
    with ext4_stick(tmp_path, 12 * MB) as stick:
        disk, filling = Disk(stick.at, desk), stick.at / "theirs"
        deny = 0
        # Said beforehand where it can be; what is tried here is a disk that fills up meanwhile.
        python, option, script, *told = desk.command("backup", "--to", stick.at)
        unasked = [python, option, f"{NOBODY_ASKS}{script}", *told]
        for spare in (20_000, 100_000, 200_000, 300_000):
            shutil.rmtree(stick.at / "TAPEDROP-BACKUP", ignore_errors=True)
            _fill(filling, stick.at, spare)
            done = subprocess.run(unasked, capture_output=True, text=True)
            assert done.returncode == 5, done.stderr
            assert "the backup's disk is full" in done.stderr
            assert disk.snapshots() == []
            with unlocked(Layout.of(desk.folder)) as room:
                assert room.catalogue.backups.all() == []
            deny += 1
        said = desk.run("backup", "--to", stick.at)
        assert said.returncode == 5
        assert "are needed there, and" in said.stderr
        filling.unlink()
        done = desk.run("backup", "--to", stick.at)
        assert done.returncode == 0, done.stderr
        disk.require_what_is_promised()
        note(full=deny)


def test_a_file_system_that_loses_the_snapshot_as_it_gets_its_name_is_noticed(
    desk: Worked, tmp_path: Path
) -> None:
    # fusefat 0.1a does; the envelopes are there, and no backup is believed in.
    with fat_stick(tmp_path, 64 * MB) as at:
        done = desk.run("backup", "--to", at)
        assert done.returncode == 5
        assert "it counts as no backup" in done.stderr
        assert len(Disk(at, desk).envelopes()) == 3
    with unlocked(Layout.of(desk.folder)) as room:
        assert room.catalogue.backups.all() == []


def _fill(path: Path, at: Path, spare: int) -> None:
    """Write until there is no more room than `spare` bytes."""
    path.unlink(missing_ok=True)
    with path.open("wb", buffering=0) as file:
        while (free := shutil.disk_usage(at).free) > spare:
            file.write(bytes(min(free - spare, 256 * 1024)))
            os.fsync(file.fileno())
