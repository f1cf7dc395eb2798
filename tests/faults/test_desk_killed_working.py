"""A desk that is killed while a reporter works: opening, noting, putting in order, transcribing.

Nothing is ever repaired by hand: the next command finds the desk as it was before, or as it was
to be.
"""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from unit.intake.desks import Person, Server, new_person, public_home
from unit.intake.sounds import talk, wav

from faults.conftest import Note
from faults.killing import drawn, killed, moments
from faults.whereabouts import Whereabouts, pieces, ways_to_write
from intake.catalogue import Catalogue
from intake.cli.desk import unlocked
from intake.drop import Status
from intake.layout import Layout
from intake.records import Kind

PHRASE = "the heron counts by lantern"
SMALL, LARGE = wav(talk(1, seed=1)), wav(talk(60, seed=2))
LAST = 120
"""The calls before the end among which half of the deaths lie: there something gets written."""
GPG_KILLED = frozenset({1, 3, 4, 5})
"""Exit codes where a program that was started, gpg or the sandbox, was the one that was killed."""
OURS = re.compile(
    r"desk\.toml|keys/[0-9A-F]{40}\.asc|pairing\.json|vault\.key\.gpg|desk\.key"
    r"|catalogue\.db(-journal)?|evidence/[0-9a-f]{64}\.gpg|bags/[0-9a-f]{32}/.*"
    r"|working/[0-9a-f]{32}(-[a-z]+)?"
)
Records = dict[Kind, int]
Seen = TypeVar("Seen")


@pytest.fixture(scope="module")
def reporter() -> Iterator[Person]:
    yield from new_person("reporter")


class Worked:
    """A desk with three drops, none of them open, that can be had again as it was."""

    def __init__(self, folder: Path, reporter: Person) -> None:
        self.at = Whereabouts(folder / "r", reporter)
        self.kept = folder / "kept"
        self.needles = [*ways_to_write(PHRASE), *pieces(SMALL), *pieces(LARGE)]
        server = Server(public_home(folder / "newsroom", [reporter]), Ed25519PrivateKey.generate())
        self.at.found(server)
        server.receive(SMALL)
        server.receive(LARGE)
        server.message(PHRASE)
        done = self.at.run("import", server.export(folder / "stick"))
        assert done.returncode == 0, done.stderr
        self.keep()

    def keep(self) -> None:
        shutil.rmtree(self.kept, ignore_errors=True)
        shutil.copytree(self.at.desk, self.kept)

    def reset(self) -> None:
        shutil.rmtree(self.at.desk)
        shutil.copytree(self.kept, self.at.desk)

    def look(self, at: Callable[[Catalogue], Seen]) -> Seen:
        """Open the desk as it is, and look at the catalogue; the log must hold together."""
        with unlocked(Layout.of(self.at.desk)) as room:
            assert list(room.catalogue.custody.entries())
            return at(room.catalogue)

    def require_nothing_in_the_clear(self) -> None:
        assert self.at.found_in(self.needles) == []
        files = [path for path in self.at.desk.rglob("*") if path.is_file()]
        names = [path.relative_to(self.at.desk).as_posix() for path in files]
        assert [name for name in names if not OURS.fullmatch(name)] == []

    def recordings(self, to: Path) -> list[bytes]:
        """Export everything, as it was sent; return it."""
        shutil.rmtree(to, ignore_errors=True)
        to.mkdir()
        for number in "123":
            done = self.at.run("export", number, "--as-sent", "--to", to / number)
            assert done.returncode == 0, done.stderr
        return sorted((to / number).read_bytes() for number in "123")


@pytest.fixture
def worked(tmp_path: Path, reporter: Person, monkeypatch: pytest.MonkeyPatch) -> Worked:
    made = Worked(tmp_path, reporter)
    for name, value in made.at.environment.items():
        monkeypatch.setenv(name, value)
    return made


def statuses(catalogue: Catalogue) -> list[Status]:
    return [drop.status for drop in catalogue.drops.all()]


def test_killed_while_opening_each_drop_is_open_or_still_sealed(
    worked: Worked, tmp_path: Path, kills: int, note: Note
) -> None:
    command, trace = worked.at.command("open", "--all"), tmp_path / "calls"
    found = moments(command, worked.at.desk, trace)
    assert worked.look(statuses) == [Status.OPENED] * 3
    deaths = midway = 0

    for number, moment in enumerate(drawn(found, kills * 3 // 5, seed=11)):
        if number % 2 == 0:  # else it goes on from where the one before was killed
            worked.reset()
        deaths += killed(command, moment, trace, of_child=GPG_KILLED)
        worked.require_nothing_in_the_clear()
        now = worked.look(statuses)
        assert set(now) <= {Status.STORED, Status.OPENED}, (moment, now)
        midway += len(set(now)) == 2
        if number % 10 == 9:
            assert worked.at.run("open", "--all").returncode == 0, moment
            assert worked.look(statuses) == [Status.OPENED] * 3, moment

    assert worked.at.run("open", "--all").returncode == 0
    assert worked.recordings(tmp_path / "out") == sorted([SMALL, LARGE, PHRASE.encode()])
    assert len(list(worked.at.desk.glob("working/*"))) == 3
    worked.require_nothing_in_the_clear()
    assert deaths >= kills // 4
    note(kills=deaths, with_some_drops_open_and_some_not=midway)


def counted(catalogue: Catalogue) -> Records:
    """Return how many records of each kind there are."""
    return {kind: len(catalogue.records.all(kind)) for kind in Kind}


VERBS: Sequence[tuple[tuple[str, ...], Kind]] = (
    (("note", "add", "1", "--at", "0:01", PHRASE), Kind.NOTE),
    (("note", "set", "1", "2", "3", "--tag", PHRASE.replace(" ", "-")), Kind.TAG),
    (("note", "transcript", "2", "TRANSCRIPT", "--language", "es"), Kind.TRANSCRIPT),
    (("case", "add", PHRASE), Kind.CASE),
    (("case", "put", "The cellar", "1", "2", "3"), Kind.MEMBER),
    (("person", "add", PHRASE), Kind.PERSON),
    (("checklist", "set", "1", "place", "--done", "--text", PHRASE), Kind.CHECK),
)
SEVERAL = {Kind.TAG: 3, Kind.MEMBER: 3}


def test_killed_while_noting_what_was_said_is_there_whole_or_not_at_all(
    worked: Worked, tmp_path: Path, kills: int, note: Note
) -> None:
    transcript, answer = tmp_path / "said.vtt", tmp_path / "answer"
    transcript.write_text(f"WEBVTT\n\n00:01.000 --> 00:02.000\n{PHRASE}\n")
    for told in (("open", "--all"), ("case", "add", "The cellar")):
        assert worked.at.run(*told).returncode == 0
    worked.keep()
    before, trace = worked.look(counted), tmp_path / "calls"
    deaths = whole = said = 0

    for verb, kind in VERBS:
        named = [str(transcript) if word == "TRANSCRIPT" else word for word in verb]
        command = worked.at.command(*named, "--json")
        worked.reset()
        found = moments(command, worked.at.desk, trace)
        after = before | {kind: before[kind] + SEVERAL.get(kind, 1)}
        assert worked.look(counted) == after, verb
        each = max(1, kills * 4 // 5 // len(VERBS))
        for moment in drawn(found, each, seed=13) + drawn(found[-LAST:], each, seed=13):
            worked.reset()
            deaths += killed(command, moment, trace, of_child=GPG_KILLED, answer=answer)
            worked.require_nothing_in_the_clear()
            now = worked.look(counted)
            assert now in (before, after), (verb, moment)
            whole += now == after
            if answer.read_bytes():  # it said that it was done
                said += 1
                assert now == after, (verb, moment)

    worked.reset()
    assert worked.look(statuses) == [Status.OPENED] * 3
    assert deaths >= kills
    note(kills=deaths, that_came_after_it_was_done=whole, of_them_after_it_was_said=said)


def test_killed_while_finding_nothing_is_left_and_nothing_is_changed(
    worked: Worked, tmp_path: Path, kills: int, note: Note
) -> None:
    assert worked.at.run("open", "--all").returncode == 0
    worked.keep()
    trace, deaths = tmp_path / "calls", 0

    for verb in (("search", "heron"), ("list",), ("show", "drop-0001"), ("duplicates",)):
        command = worked.at.command(*verb)
        found = moments(command, worked.at.desk, trace)
        for moment in drawn(found, max(1, kills * 2 // 5 // 4), seed=12):
            worked.reset()
            deaths += killed(command, moment, trace, of_child=GPG_KILLED)
            worked.require_nothing_in_the_clear()
            assert worked.look(statuses) == [Status.OPENED] * 3, (verb, moment)

    assert worked.recordings(tmp_path / "out") == sorted([SMALL, LARGE, PHRASE.encode()])
    note(kills=deaths)
