"""A desk whose disk is full, at each step of a reporter's work: it says so, and goes on later."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from desk import words
from sticks import Stick, ext4_stick
from unit.intake.desks import Person, Server, new_person, public_home
from unit.intake.sounds import talk, wav

from faults.conftest import Note
from intake.cli import run
from intake.cli.desk import unlocked
from intake.drop import Status
from intake.layout import Layout
from intake.records import Kind

MB = 1_000_000
SPARES = (0, 6_000, 30_000, 150_000)
"""How many bytes are left, one after the other, until what is tried finds room."""
UNFIT, DONE = 5, {0, 1}
FULL = re.compile(
    r"error: (\S+: )?(the disk is full|the desk's disk is full|.*are needed.*are free)"
)
OURS = re.compile(
    r"desk\.toml|keys/[0-9A-F]{40}\.asc|pairing\.json|vault\.key\.gpg|desk\.key"
    r"|catalogue\.db(-journal)?|evidence/[0-9a-f]{64}\.(gpg|part)|bags/[0-9a-f]{32}/.*"
    r"|bags/part-[0-9a-f]{16}/.*|working/[0-9a-f]{32}(-[a-z]+)?|outbox/[0-9a-f]{32}-[0-9a-f]{32}\.[a-z]+"
)
TRANSCRIPT = "WEBVTT\n\n" + "\n\n".join(
    f"00:{at // 60:02}:{at % 60:02}.000 --> 00:{at // 60:02}:{at % 60:02}.900\nline {at} of many"
    for at in range(600)
)
TEXT = "a word from the newsroom, " * 100

Answer = tuple[int, str]


@pytest.fixture(scope="module")
def people() -> Iterator[list[Person]]:
    makers = [new_person("reporter"), new_person("colleague")]
    yield [next(maker) for maker in makers]
    for maker in makers:
        assert next(maker, None) is None


class SmallDisk:
    """A desk on a disk of its own, which can be filled; the other desk and sticks lie elsewhere."""

    def __init__(
        self, stick: Stick, folder: Path, people: list[Person], said: Callable[[], Any]
    ) -> None:
        self.at, self.folder, self.people, self._said = stick.at, folder, people, said
        self.server = Server(public_home(folder / "newsroom", people), Ed25519PrivateKey.generate())
        self.pairing = self.server.pairing(folder / "server.json")
        self.desk = self.founds(self.at / "desk", people[0])
        self._filling = self.at / "theirs"

    def founds(self, desk: Path, person: Person) -> Path:
        self.done(
            "init", desk, "--server", self.pairing, "--key", person.fingerprint,
            "--gnupg", person.home, "--name", desk.name, *words(self.pairing), at=None,
        )  # fmt: skip
        return desk

    def tell(self, *told: str | Path, at: Path | None) -> Answer:
        desk: list[str | Path] = [] if at is None else ["--desk", at]
        self._said()
        code = run([str(word) for word in (*desk, *told)])
        return code, self._said().err

    def done(self, *told: str | Path, at: Path | None) -> None:
        code, error = self.tell(*told, at=at)
        assert code in DONE, (told, error)

    def fill(self, spare: int) -> None:
        """Leave so many bytes free, and no more."""
        self.empty()
        with self._filling.open("wb", buffering=0) as file:
            while (free := shutil.disk_usage(self.at).free) > spare:
                try:
                    file.write(bytes(min(free - spare, 256 * 1024)))
                    os.fsync(file.fileno())
                except OSError:
                    return

    def empty(self) -> None:
        self._filling.unlink(missing_ok=True)

    def known(self) -> tuple[dict[Kind, int], list[Status]]:
        """Return what the catalogue holds; the log must hold together."""
        with unlocked(Layout.of(self.desk)) as room:
            list(room.catalogue.custody.entries())
            statuses = [drop.status for drop in room.catalogue.drops.all()]
            return {kind: len(room.catalogue.records.all(kind)) for kind in Kind}, statuses

    def strangers(self) -> list[str]:
        found = [path for path in self.desk.rglob("*") if path.is_file()]
        names = [path.relative_to(self.desk).as_posix() for path in found]
        return [name for name in names if not OURS.fullmatch(name)]

    def goes_on_when_there_is_room(self, *told: str | Path, grows: bool = False) -> int:
        """Try this with ever more room; return how often it was said that the disk is full.

        What was refused has changed nothing that is known, unless it `grows` step by step.
        """
        refused = 0
        for spare in SPARES:
            before = self.known()
            self.fill(spare)
            code, error = self.tell(*told, at=self.desk)
            assert self.known() == before or grows or code != UNFIT, (told, spare, error)
            assert self.strangers() == [], (told, spare)
            if code != UNFIT:
                assert code in DONE, (told, spare, error)
                self.empty()
                return refused
            refused += 1
            (line,) = [line for line in error.splitlines() if "error: " in line]
            assert FULL.search(line), (told, spare, error)
        self.empty()
        self.done(*told, at=self.desk)
        return refused


@pytest.fixture
def small(
    tmp_path: Path, people: list[Person], capsys: pytest.CaptureFixture[str]
) -> Iterator[SmallDisk]:
    with ext4_stick(tmp_path, 24 * MB) as stick:
        yield SmallDisk(stick, tmp_path, people, capsys.readouterr)


@pytest.fixture
def busy(small: SmallDisk) -> SmallDisk:
    """With three drops that are open, and a desk that it knows."""
    other = small.founds(small.folder / "other", small.people[1])
    for here, there in ((small.desk, other), (other, small.desk)):
        file = there / "pairing.json"
        small.done("keys", "add", file, *words(file), at=here)
    for seed in range(3):
        small.server.receive(wav(talk(8, seed=seed)))
    small.done("import", small.server.export(small.folder / "stick"), at=small.desk)
    small.done("open", "--all", at=small.desk)
    small.done("case", "add", "The cellar", at=small.desk)
    return small


class TestADeskWhoseDiskIsFull:
    def test_imports_and_opens_when_there_is_room(self, small: SmallDisk, note: Note) -> None:
        for seed in range(3):
            small.server.receive(wav(talk(8, seed=seed)))
        bag = small.server.export(small.folder / "stick")
        refused = small.goes_on_when_there_is_room("import", bag, grows=True)
        assert refused == len(SPARES)
        refused += small.goes_on_when_there_is_room("open", "--all", grows=True)
        assert small.known()[1] == [Status.OPENED] * 3
        note(refused=refused)

    @pytest.mark.parametrize("verb", ["list", "show 1", "search cellar", "log", "log verify"])
    def test_can_still_be_read(self, busy: SmallDisk, verb: str) -> None:
        busy.fill(0)
        code, error = busy.tell(*verb.split(), at=busy.desk)
        assert (code, "error: " in error) == (0, False)

    def test_takes_down_what_a_reporter_notes_whole_or_not_at_all(
        self, busy: SmallDisk, note: Note
    ) -> None:
        transcript, text = busy.folder / "said.vtt", busy.folder / "text"
        transcript.write_text(TRANSCRIPT)
        text.write_text(TEXT)
        refused = {}
        for told in (
            ("note", "add", "1", "--text-from", text),
            ("note", "transcript", "1", transcript, "--language", "en"),
            ("note", "set", "1", "2", "3", "--tag", "cells"),
            ("case", "put", "case-0001", "1", "2", "3"),
            ("person", "add", "the second voice"),
            ("checklist", "set", "1", "place", "--done", "--text-from", text),
            ("retain", "1", "--days", "30"),
            ("reply", "1", "--as-it-is", "--text-from", text),
            ("duplicates",),
        ):
            refused[" ".join(map(str, told[:2]))] = busy.goes_on_when_there_is_room(*told)
        assert sum(refused.values()) > len(refused) // 2
        note(refused=refused)

    def test_carries_out_nothing_half(self, busy: SmallDisk, note: Note) -> None:
        key, refused = busy.people[1].fingerprint, {}
        for told in (
            ("export", "1", "--to", busy.at / "clip.wav"),
            ("statement", "1", "--to", busy.at / "account.txt"),
            ("receipt", "--to", busy.at / "to-server"),
            ("share", "1", "2", "--key", key, "--to", busy.at / "to-other"),
            ("backup", "--to", busy.folder),
        ):
            refused[told[0]] = busy.goes_on_when_there_is_room(*told)
        assert (busy.at / "clip.wav").read_bytes() in {wav(talk(8, seed=n)) for n in range(3)}
        assert sum(refused.values()) > len(refused) // 2
        note(refused=refused)

    def test_merges_when_there_is_room(self, busy: SmallDisk, note: Note) -> None:
        other, stick = busy.folder / "other", busy.folder / "to-us"
        for seed in (7, 8):
            busy.server.receive(wav(talk(8, seed=seed)))
        busy.done("import", busy.server.export(busy.folder / "more"), at=other)
        busy.done("open", "--all", at=other)
        ids = ("1", "2", "3", "4", "5")
        busy.done("share", *ids, "--key", busy.people[0].fingerprint, "--to", stick, at=other)
        refused = busy.goes_on_when_there_is_room("merge", stick, grows=True)
        assert len(busy.known()[1]) == 5
        assert refused
        note(refused=refused)

    def test_destroys_what_it_is_told_to_as_soon_as_it_can(
        self, busy: SmallDisk, note: Note
    ) -> None:
        told = ("purge", "2", "--confirm", "purge 1 drop")
        note(refused=busy.goes_on_when_there_is_room(*told))
        assert busy.known()[1] == [Status.OPENED] * 2

    def test_brings_an_older_catalogue_up_to_date_whole_or_not_at_all(
        self, small: SmallDisk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with unlocked(Layout.of(small.desk)) as room:
            key = room.vault.catalogue_key
        path, old = small.desk / "catalogue.db", small.folder / "catalogue" / "migrations"
        path.unlink()
        old.mkdir(parents=True)
        for script in files("intake.catalogue").joinpath("migrations").iterdir():
            if int(script.name[:4]) <= 4:
                (old / script.name).write_text(script.read_text("utf-8"))
        with monkeypatch.context() as patch:
            # By its name: the package calls a function so, too.
            database = import_module("intake.catalogue.database")
            patch.setattr(database, "files", lambda _: old.parent)
            with database.database(path, key):
                pass
        before = path.read_bytes()

        small.fill(0)
        code, error = small.tell("list", at=small.desk)

        assert code == UNFIT
        assert "the disk is full" in error
        small.empty()
        assert path.read_bytes()[:16] == before[:16]
        small.done("list", at=small.desk)
