"""A desk that is killed while something leaves it: what is out is in the log, and can be proved."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from desk import words
from drops import small_disk_at
from unit.intake.desks import CANARY, Person, Server, new_person, public_home

from faults.conftest import Note
from faults.killing import Command, drawn, killed, moments

LAST = 80
GPG_KILLED = frozenset({4, 5})
TEXT = "CANARY-of-the-reply: is there more?"
START = "import sys; from intake.cli import run; sys.exit(run(sys.argv[1:]))"


@pytest.fixture(scope="module")
def reporter() -> Iterator[Person]:
    yield from new_person("reporter")


class Desk:
    """A desk with one open drop, told by a command of its own."""

    def __init__(self, folder: Path, reporter: Person) -> None:
        self.folder = folder / "desk"
        server = Server(public_home(folder / "newsroom", [reporter]), Ed25519PrivateKey.generate())
        pairing = server.pairing(folder / "server.json")
        self.json(
            "init", self.folder, "--server", pairing, "--key", reporter.fingerprint,
            "--gnupg", reporter.home, *words(pairing), at=(),
        )  # fmt: skip
        server.receive(CANARY)
        self.json("import", server.export(folder / "stick"))
        self.json("open", "--all")

    def command(self, *told: str | Path, at: Command | None = None) -> Command:
        where = ["--desk", self.folder] if at is None else at
        return [sys.executable, "-c", START, *where, *told]

    def json(self, *told: str | Path, at: Command | None = None) -> Any:
        done = subprocess.run(
            [*self.command(*told, at=at), "--json"], capture_output=True, stdin=subprocess.DEVNULL
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def acts(self) -> list[str]:
        """Return what was done, once the whole log holds."""
        self.json("log", "verify")
        return [row["act"] for row in self.json("log")]


@pytest.fixture
def desk(tmp_path: Path, reporter: Person) -> Desk:
    return Desk(tmp_path, reporter)


def deaths(command: Command, first: Path, trace: Path, count: int) -> Iterator[None]:
    """Kill the command so often, at moments drawn by lot; let the test look after each.

    Half are drawn from all those after `first` is named, since before nothing is changed; half
    from the last ones, where files get their names.
    """
    died, found = 0, moments(command, first, trace)
    half = count // 2
    for moment in drawn(found, half, seed=5) + drawn(found[-LAST:], count - half, seed=5):
        died += killed(command, moment, trace, of_child=GPG_KILLED)
        yield
    # A run may be over before its moment comes: it makes a few calls more or less each time.
    assert died >= count // 2 > 0


def test_whatever_an_export_left_is_in_the_log_and_proved(
    desk: Desk, tmp_path: Path, kills: int, note: Note
) -> None:
    folder = tmp_path / "usb"
    folder.mkdir()
    out, word = folder / "out.wav", folder / "out.wav.custody"
    command = desk.command("export", "drop-0001", "--to", out)
    appeared = proved = 0

    for _ in deaths(command, folder, tmp_path / "calls", kills * 2 // 5):
        left = set(folder.iterdir())
        assert left in (set(), {out}, {out, word})
        if out in left:
            appeared += 1
            assert out.read_bytes() == CANARY
            assert desk.acts()[-1] == "exported"
        if word in left:
            proved += 1
            assert desk.json("log", "verify", "--against", word)["held_against"] == 1
        for path in left:
            path.unlink()

    note(appeared=appeared, proved=proved)
    assert desk.acts().count("exported") >= appeared


def test_a_reply_is_kept_whole_or_not_at_all(
    desk: Desk, tmp_path: Path, kills: int, note: Note
) -> None:
    text = tmp_path / "text"
    text.write_text(TEXT)
    command = desk.command("reply", "drop-0001", "--text-from", text)
    before = 0

    for _ in deaths(
        command, desk.folder / "catalogue.db-journal", tmp_path / "calls", kills * 2 // 5
    ):
        waiting = desk.json("reply", "--waiting")
        assert {row["text"] for row in waiting} == {TEXT}
        assert len(waiting) >= before
        before = len(waiting)

    note(kept=before)
    held = [path.read_bytes() for path in desk.folder.rglob("*") if path.is_file()]
    assert not any(TEXT.encode() in content for content in held)
    bag = Path(desk.json("receipt", "--to", tmp_path / "back")["bag"])
    assert len(list((bag / "data").glob("*.reply"))) == before + 1  # and the state


def test_what_a_receipt_carried_out_is_in_the_log_and_cannot_be_taken_back(
    desk: Desk, tmp_path: Path, kills: int, note: Note
) -> None:
    stick, text = tmp_path / "back", tmp_path / "text"
    text.write_text(TEXT)
    command = desk.command("receipt", "--to", stick)
    bags = 0

    for _ in deaths(command, stick, tmp_path / "calls", kills * 2 // 5):
        found = [bag for bag in stick.glob("TAPEDROP/*") if bag.suffix != ".part"]
        waiting = desk.json("reply", "--waiting")
        if len(found) > bags:
            bags = len(found)
            assert desk.acts()[-1] == "told the server"
            assert desk.json("log", "verify", "--against", stick)["held_against"] >= bags
            assert waiting == []
        if not waiting:
            desk.json("reply", "drop-0001", "--text-from", text)

    note(bags=bags)


def test_a_statement_is_signed_whenever_its_text_is_there_for_long(
    desk: Desk, tmp_path: Path, kills: int, note: Note
) -> None:
    folder = tmp_path / "usb"
    folder.mkdir()
    out, facts = folder / "account.txt", folder / "account.txt.json"
    command = desk.command("statement", "drop-0001", "--to", out)
    signed = 0

    for _ in deaths(command, folder, tmp_path / "calls", kills * 2 // 5):
        left = set(folder.iterdir())
        assert left in (set(), {out}, {out, facts})
        if left:
            assert desk.acts()[-1] == "accounted for"
        if facts in left:
            signed += 1
            assert desk.json("log", "verify", "--against", facts)["held_against"] == 1
        for path in left:
            path.unlink()

    note(signed=signed)


def on_a_full_disk(folder: Path, command: Command) -> subprocess.CompletedProcess[str]:
    """Run a command that writes below `folder`, a disk of 4 kB; tell what it left there, too."""
    folder.mkdir()
    watched = ["sh", "-c", '"$@"; code=$?; find "$0" -type f; exit $code', str(folder)]
    disk = small_disk_at(folder, "4k")
    return subprocess.run([*disk, *watched, *command], capture_output=True, text=True)


@pytest.mark.parametrize("verb", ["export", "statement"])
def test_a_disk_that_is_full_gets_neither_a_file_nor_the_word_on_it(
    desk: Desk, tmp_path: Path, verb: str
) -> None:
    folder = tmp_path / "usb"

    done = on_a_full_disk(folder, desk.command(verb, "drop-0001", "--to", folder / "out"))

    assert (done.returncode, done.stdout) == (5, "")
    assert "the disk is full" in done.stderr
    desk.json("log", "verify")


def test_a_reply_waits_on_when_the_stick_is_full(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "text").write_text(TEXT)
    name = desk.json("reply", "drop-0001", "--text-from", tmp_path / "text")["reply"]

    done = on_a_full_disk(tmp_path / "usb", desk.command("receipt", "--to", tmp_path / "usb"))

    assert (done.returncode, done.stdout) == (5, "")
    assert desk.json("reply", "--take-back", name)["taken_back"]
