"""Sharing and merging by desks that are killed, and onto a stick that is full.

Nothing is ever repaired by hand: whatever happened, the same is typed once more.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from desk import words
from sticks import ext4_stick
from unit.intake.desks import CANARY, Person, Server, new_person, public_home

from crypto.bag import Kind as BagKind
from faults.conftest import Note
from faults.killing import Command, drawn, killed, moments
from intake.arriving.stick import StickBag
from intake.cli.desk import unlocked
from intake.layout import Layout
from intake.records import Kind, Text, record_of
from intake.records import Note as Noted

MB = 1_000_000
SAID = "a child recites a number"
DAY = date(2026, 11, 21)
TELL = "import sys\nfrom intake.cli import run\nsys.exit(run(sys.argv[1:]))"
WAITS = """
import sys
from intake.cli import run, share
class Waits(share.Progress):
    def __init__(self, what):
        super().__init__(what)
        self.waits = what == "{what}"
    def __call__(self, step):
        if self.waits and step.passed >= {at}:
            self.waits = False
            print("now", flush=True)
            sys.stdin.readline()
share.Progress = Waits
sys.exit(run(sys.argv[1:]))
"""
GPG_KILLED = frozenset({3, 4, 5})
OURS = re.compile(
    r"desk\.toml|keys/[0-9A-F]{40}\.asc|pairing\.json|vault\.key\.gpg|desk\.key"
    r"|catalogue\.db(-journal)?|evidence/[0-9a-f]{64}\.(gpg|part)|bags/[0-9a-f]{32}/.*"
    r"|bags/part-[0-9a-f]{16}/.*|working/[0-9a-f]{32}(-[a-z]+)?"
)


@dataclass(frozen=True)
class Desk:
    """A desk in a folder, told by a command of its own."""

    folder: Path
    person: Person

    def command(self, *told: str | Path) -> Command:
        return [sys.executable, "-c", TELL, *told, "--desk", self.folder]

    def run(self, *told: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*told), capture_output=True, text=True, stdin=subprocess.DEVNULL
        )

    def json(self, *told: str | Path) -> Any:
        done = self.run(*told, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    @property
    def rows(self) -> list[tuple[str, str]]:
        return [(row["sha256"], row["status"]) for row in self.json("list")]

    @property
    def signing_key(self) -> Ed25519PublicKey:
        said = json.loads((self.folder / "pairing.json").read_text())
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(said["signing_key"]))

    def strangers(self) -> list[str]:
        """Return the files that no desk has."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        names = [path.relative_to(self.folder).as_posix() for path in files]
        return [name for name in names if not OURS.fullmatch(name)]

    def notes(self) -> list[str]:
        with unlocked(Layout.of(self.folder)) as room:
            return [each.content.text for each in room.catalogue.records.all(Kind.NOTE)]


@pytest.fixture(scope="module")
def people() -> Iterator[list[Person]]:
    makers = [new_person("reporter"), new_person("colleague")]
    yield [next(maker) for maker in makers]
    for maker in makers:
        assert next(maker, None) is None


@pytest.fixture
def server(people: list[Person], tmp_path: Path) -> Server:
    return Server(public_home(tmp_path / "newsroom", people), Ed25519PrivateKey.generate())


@pytest.fixture
def desks(people: list[Person], server: Server, tmp_path: Path) -> tuple[Desk, Desk]:
    """Two desks that know each other; the first has three open drops, and what was said of one."""
    pairing = server.pairing(tmp_path / "server.json")
    for name, person in zip("ab", people, strict=True):
        made: list[str | Path] = [
            "init",
            tmp_path / name,
            "--server",
            pairing,
            "--key",
            person.fingerprint,
        ]
        made += ["--gnupg", person.home, "--name", f"desk-{name}", *words(pairing)]
        subprocess.run([sys.executable, "-c", TELL, *made], check=True, capture_output=True)
    a, b = (Desk(tmp_path / name, person) for name, person in zip("ab", people, strict=True))
    for desk, other in ((a, b), (b, a)):
        file = other.folder / "pairing.json"
        assert desk.run("keys", "add", file, *words(file)).returncode == 0
    for number in range(3):
        server.receive(CANARY * 100 + bytes([number]) * 200_000)
    assert a.run("import", server.export(tmp_path / "from-server")).returncode == 0
    assert a.run("open", "--all").returncode == 0
    with unlocked(Layout.of(a.folder)) as room, room.catalogue.whole():
        drop, records = room.drop("1").digest, room.catalogue.records
        records.put(Kind.NOTE, Noted(SAID), by="AB", day=DAY, about=drop)
        records.put(Kind.SUMMARY, Text("numbers"), by="AB", day=DAY, about=drop,
                    record=record_of(Kind.SUMMARY, drop))  # fmt: skip
    return a, b


def share(desk: Desk, other: Desk, stick: Path) -> Command:
    key = other.person.fingerprint
    return desk.command("share", "1", "2", "3", "--key", key, "--to", stick)


def bags(stick: Path) -> list[Path]:
    return [bag for bag in stick.glob("TAPEDROP/*") if not bag.suffix]


def is_whole(bag: Path, signer: Ed25519PublicKey) -> bool:
    with StickBag(bag, signer, kind=BagKind.CASE) as stick:
        return all(
            sha256(b"".join(map(bytes, stick.blocks(each)))).digest() == each.digest
            for each in stick.envelopes
        )


def nothing_in_the_clear(*folders: Path) -> bool:
    needles = (CANARY[:24], SAID.encode())
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return not any(needle in path.read_bytes() for path in files for needle in needles)


def test_killed_while_sharing_no_half_bag_is_there_and_the_next_goes_on(
    desks: tuple[Desk, Desk], tmp_path: Path, kills: int, note: Note
) -> None:
    a, b = desks
    stick, trace = tmp_path / "stick", tmp_path / "calls"
    command, before = share(a, b, stick), a.rows
    found = moments(command, a.folder, trace)
    deaths = finished = gone_on = 0
    count = kills * 3 // 5

    for moment in drawn(found, count, seed=6):
        for bag in bags(stick):
            shutil.rmtree(bag)
        gone_on += bool(list(stick.glob("TAPEDROP/*.part/data/*.gpg")))
        deaths += killed(command, moment, trace, of_child=GPG_KILLED)
        finished += bool(bags(stick))
        assert all(is_whole(bag, a.signing_key) for bag in bags(stick)), moment
        assert a.strangers() == [], moment
        assert nothing_in_the_clear(a.folder, stick), moment

    assert a.rows == before
    assert subprocess.run(command, capture_output=True).returncode == 0
    assert not list(stick.glob("TAPEDROP/*.part"))
    assert b.json("merge", stick)["cases"][0]["new_revisions"] == 2
    assert b.notes() == [SAID]
    assert sorted(b.rows) == sorted(before)
    assert a.run("log", "verify").returncode == 0
    assert deaths >= count // 2
    note(kills=deaths, once_the_bag_was_whole=finished, shares_that_went_on=gone_on, half_bags=0)


def test_killed_while_merging_it_is_done_again_and_nothing_is_lost_or_there_twice(
    desks: tuple[Desk, Desk], tmp_path: Path, kills: int, note: Note
) -> None:
    a, b = desks
    stick, trace, fresh = tmp_path / "stick", tmp_path / "calls", tmp_path / "fresh"
    subprocess.run(share(a, b, stick), check=True, capture_output=True)
    shutil.copytree(b.folder, fresh)
    command = b.command("merge", stick)
    found = moments(command, b.folder, trace)
    deaths = midway = 0
    count = kills * 3 // 5

    for moment in drawn(found, count, seed=60):
        shutil.rmtree(b.folder)
        shutil.copytree(fresh, b.folder)
        deaths += killed(command, moment, trace, of_child=GPG_KILLED)
        assert b.strangers() == [], moment
        assert nothing_in_the_clear(b.folder), moment
        midway += len(list(b.folder.glob("evidence/*.gpg"))) > 0 and len(b.notes()) < 1

        assert b.run("merge", stick).returncode == 0, moment

        assert sorted(b.rows) == sorted(a.rows), moment
        assert b.notes() == [SAID], moment
        acts = [(row["act"], row["mark"]) for row in b.json("log")]
        assert len(acts) == len(set(acts)), moment
        again = b.json("merge", stick)["cases"][0]
        assert again["new_revisions"] == 0, moment

    assert b.run("log", "verify").returncode == 0
    assert deaths >= count // 2
    note(kills=deaths, of_them_before_a_word_was_merged=midway, lost=0, twice=0)


class TestAStickThatIsPulled:
    @pytest.mark.parametrize(
        ("what", "at"), [("copying", 0), ("copying", 150_000), ("reading back", 300_000)]
    )
    def test_is_said_to_be_gone_and_gone_on_with(
        self, desks: tuple[Desk, Desk], tmp_path: Path, what: str, at: int
    ) -> None:
        a, b = desks
        with ext4_stick(tmp_path, 8 * MB) as stick:
            command = share(a, b, stick.at)
            script = WAITS.format(what=what, at=at)
            told = [sys.executable, "-c", script, *command[3:]]
            with subprocess.Popen(
                told, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True,
            ) as sharing:  # fmt: skip
                assert sharing.stdout is not None
                assert sharing.stdout.readline() == "now\n"
                stick.pull()
                _, said = sharing.communicate("go on\n")
            assert sharing.returncode == 5, said
            assert "does not answer: it was pulled" in said

            stick.take_out()
            stick.put_in()
            assert bags(stick.at) == []
            assert subprocess.run(command, capture_output=True).returncode == 0
            assert b.json("merge", stick.at)["cases"][0]["exit_code"] == 0
            assert b.notes() == [SAID]


class TestAStickThatIsFull:
    def test_is_named_before_anything_is_copied(
        self, desks: tuple[Desk, Desk], tmp_path: Path
    ) -> None:
        a, b = desks
        with ext4_stick(tmp_path, 4 * MB) as stick:
            (stick.at / "theirs").write_bytes(bytes(2 * MB))

            done = subprocess.run(share(a, b, stick.at), capture_output=True, text=True)

            assert done.returncode == 5
            assert re.search(r"MB are needed on the stick, and \S+ \wB are free", done.stderr)
            assert not list(stick.at.rglob("*.gpg"))

    def test_is_named_when_something_else_fills_it_and_gone_on_with(
        self, desks: tuple[Desk, Desk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        a, b = desks
        with ext4_stick(tmp_path, 4 * MB) as stick:
            theirs = stick.at / "theirs"
            theirs.write_bytes(os.urandom(2 * MB + MB // 2))
            blind = TELL.replace(
                "from intake.cli import run",
                "from intake.cli import run\nfrom intake.sharing.outgoing import Outgoing\n"
                "Outgoing._require_room = lambda self, sizes: None",
            )
            command = share(a, b, stick.at)

            done = subprocess.run(
                [sys.executable, "-c", blind, *command[3:]], capture_output=True, text=True
            )

            assert done.returncode == 5, done.stderr
            assert "are needed on the stick" in done.stderr
            assert bags(stick.at) == []
            theirs.unlink()
            assert subprocess.run(command, capture_output=True).returncode == 0
            assert b.json("merge", stick.at)["cases"][0]["exit_code"] == 0
