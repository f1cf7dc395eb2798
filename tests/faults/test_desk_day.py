"""A day's work with every verb, and then a search of every byte that was written anywhere.

Planted are a recording, a phrase that stands in all that a reporter or a source writes, a source's
two words, and a PIN. They may be in what a person asked for, and nowhere else.
"""

import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from desk import words
from unit.intake.desks import SOURCE, Person, Server, new_person, public_home
from unit.intake.sounds import talk, wav

import crypto
import intake
import scrub
from faults.conftest import Note
from faults.killing import Command
from faults.watching import Watched, watched, watched_meanwhile
from faults.whereabouts import Whereabouts, pieces, ways_to_write
from intake.cli.chapters import CHAPTERS

PHRASE = "the heron counts by lantern"
TAG = PHRASE.replace(" ", "-")
PIN = "canary-pin-7391"
RECORDING = wav(talk(12, seed=1))
TRANSCRIPT = f"WEBVTT\n\n00:01.000 --> 00:04.000\n{PHRASE}\n"
PINENTRY = """#!/bin/sh
echo "OK"
while read -r line; do
  case "$line" in
    GETPIN*) printf 'D %s\\nOK\\n' '{pin}' ;;
    BYE*) echo "OK"; exit 0 ;;
    *) echo "OK" ;;
  esac
done
"""


@pytest.fixture(scope="module")
def people() -> Iterator[list[Person]]:
    makers = [new_person("reporter", passphrase=PIN), new_person("colleague")]
    yield [next(maker) for maker in makers]
    for maker in makers:
        assert next(maker, None) is None


def modules(room: ModuleType) -> Iterator[Path]:
    (folder,) = room.__path__
    return Path(folder).rglob("*.py")


class Browser:
    """A browser that was let in to the desk's pages."""

    def __init__(self, first: str) -> None:
        self._base = first.partition("/enter/")[0]
        cookies = urllib.request.HTTPCookieProcessor()
        self._opener = urllib.request.build_opener(cookies, urllib.request.ProxyHandler({}))
        self._asks(first)

    def sees(self, path: str) -> str:
        return self._asks(self._base + path)

    def writes(self, path: str, **fields: str) -> None:
        (token,) = set(re.findall(r'name="form" value="([0-9a-f]+)"', self.sees(path[:8])))
        form = urllib.parse.urlencode({"form": token, **fields}).encode()
        self._asks(self._base + path, form)

    def _asks(self, address: str, form: bytes | None = None) -> str:
        with self._opener.open(address, form, timeout=60) as answer:
            return str(answer.read().decode())


class Day:
    """A reporter at a desk, a colleague at another, sticks between them; all of it watched."""

    def __init__(self, folder: Path, people: list[Person]) -> None:
        self.folder = folder
        self.ours, self.theirs = (
            Whereabouts(folder / name, person)
            for name, person in zip(("a", "b"), people, strict=True)
        )
        self.server = Server(public_home(folder / "newsroom", people), Ed25519PrivateKey.generate())
        self.asked_for = folder / "asked-for"
        self.asked_for.mkdir()
        self.carried = folder / "carried"
        self.carried.mkdir()
        (folder / "trace").mkdir()
        self.told: list[tuple[str, ...]] = []
        self.seen: list[Watched] = []
        self._type_the_pin()

    def _type_the_pin(self) -> None:
        pinentry, home = self.folder / "pinentry", self.ours.person.home
        pinentry.write_text(PINENTRY.format(pin=PIN))
        pinentry.chmod(0o700)
        (home / "gpg-agent.conf").write_text(f"pinentry-program {pinentry}\n")
        agent: Command = ["gpgconf", "--homedir", home]
        for what in ("--kill", "--launch"):
            # Now, or strace would wait for it to end.
            subprocess.run([*agent, what, "gpg-agent"], check=True, env=self.ours.environment)

    def says(
        self, *told: str | Path, say: str = "", at: Whereabouts | None = None, codes: str = "0"
    ) -> str:
        """Tell a desk something, and return its answer; it must end with one of these codes."""
        at = at or self.ours
        seen = watched(at.command(*told), self.trace, say=say, environment=at.environment)
        return self._has_seen(told, seen, codes)

    def browses(self, visit: Callable[["Browser"], None]) -> None:
        """Have a browser visit the desk's pages."""
        seen = watched_meanwhile(
            self.ours.command("desk"), self.trace,
            lambda line: visit(Browser(line.strip())),
            environment=self.ours.environment,
        )  # fmt: skip
        self._has_seen(("desk",), seen, "0")

    @property
    def trace(self) -> Path:
        return self.folder / "trace" / str(len(self.seen))

    def _has_seen(self, told: Sequence[str | Path], seen: Watched, codes: str) -> str:
        assert str(seen.code) in codes, (told, seen.err)
        self.told.append(tuple(map(str, told)))
        self.seen.append(seen)
        return seen.out

    def founds(self, at: Whereabouts, name: str) -> None:
        pairing = self.server.pairing(self.folder / f"{name}-server.json")
        self.says(
            "init", at.desk, "--server", pairing, "--key", at.person.fingerprint,
            "--gnupg", at.person.home, "--name", name, "--initials", "AB", *words(pairing), at=at,
        )  # fmt: skip

    @property
    def needles(self) -> list[bytes]:
        phrases = (PHRASE, TAG, SOURCE.pseudonym, PIN)
        return [way for phrase in phrases for way in ways_to_write(phrase)] + pieces(RECORDING)


def begin(day: Day) -> None:
    """Set up, import, open."""
    day.founds(day.ours, "desk-a")
    day.founds(day.theirs, "desk-b")
    for one, other in ((day.ours, day.theirs), (day.theirs, day.ours)):
        file = other.desk / "pairing.json"
        day.says("keys", "add", file, *words(file), at=one)
    day.says("pair", "--to", day.carried / "pairing.json")
    day.says("check", codes="015")
    day.says("unlock", codes="05")  # where the kernel keeps no keys, gpg is asked each time
    for _ in range(2):
        day.server.receive(RECORDING)
    day.says("import", day.server.export(day.carried / "from-server"))
    day.says("list")  # gives them their numbers
    day.server.message(PHRASE)
    day.says("import", day.server.export(day.carried / "from-server"))
    day.says("open", "--all")


def work(day: Day) -> None:
    """Listen, note, put in order, find."""
    transcript = day.asked_for / "said.vtt"
    transcript.write_text(TRANSCRIPT)
    day.says("duplicates", codes="01")
    day.says("note", "add", "1", "--at", "0:01", "--text-from", "-", say=PHRASE)
    day.says("note", "edit", "note-0001", f"{PHRASE}, twice")
    day.says("note", "transcript", "1", transcript, "--language", "en")
    day.says("note", "set", "1", "--status", "listening", "--tag", TAG, "--summary", PHRASE)
    day.says("case", "add", PHRASE, "--summary", PHRASE)
    day.says("case", "put", PHRASE, "1", "2", "3")
    day.says("person", "add", PHRASE, "--about", PHRASE)
    day.says("person", "in", "1", PHRASE, "--role", PHRASE)
    day.says("checklist", "set", "1", "place", "--done", "--text-from", "-", say=PHRASE)
    assert PHRASE in day.says("search", f'"{PHRASE}"')
    assert PHRASE in day.says("show", "1", "--transcript")
    assert SOURCE.pseudonym in day.says("list")
    for told in (
        ["show", "2"],
        ["show", "case-0001"],
        ["show", "source-0001"],
        ["list", "--sources"],
    ):
        day.says(*told)


def browse(browser: Browser) -> None:
    """Do the same by hand in a browser."""
    assert SOURCE.pseudonym in browser.sees("/drops")
    browser.writes("/drops/1/note", text=PHRASE, at="0:02", until="", quote="yes")
    browser.writes("/drops/1/check", step="place", state="done", text=PHRASE)
    for path in ("/", "/drops/1", "/sources/1", "/cases/1", "/people/1", "/search?q=heron"):
        assert "heron" in browser.sees(path) or path == "/"


def carry_out(day: Day) -> None:
    """Answer, export, account for, share, back up, and purge."""
    day.says("reply", "1", "--as-it-is", "--text-from", "-", say=PHRASE)
    day.says("export", "1", "--to", day.asked_for / "clip.wav", codes="01")
    day.says("statement", "case-0001", "--to", day.asked_for / "account.txt")
    day.says("backup", "--to", day.carried, codes="01")
    day.says("receipt", "--to", day.carried / "to-server")
    to = day.theirs.person.fingerprint
    day.says("share", "case-0001", "--key", to, "--to", day.carried / "to-b", codes="01")
    day.says("merge", day.carried / "to-b", at=day.theirs, codes="01")
    day.says("note", "add", "2", "--text-from", "-", say=PHRASE, at=day.theirs)
    back = day.ours.person.fingerprint
    day.says("share", "case-0001", "--key", back, "--to", day.carried / "to-a", at=day.theirs,
             codes="01")  # fmt: skip
    day.says("merge", day.carried / "to-a", codes="01")
    day.says("retain", "2", "--hold", PHRASE)
    day.says("retain", "2", "--release")
    day.says("note", "remove", "note-0001", codes="01")
    day.says("purge", "2", "--confirm", "purge 1 drop", codes="01")
    day.says("log")
    day.says("log", "verify", "--against", day.carried / "to-server")
    day.says("keys", "list")
    day.says("lock", codes="05")
    day.says(
        "restore", day.carried, "--to", day.ours.folder / "again", "--gnupg", day.ours.person.home,
        "--words", "unknown", codes="01",
    )  # fmt: skip


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, people: list[Person]) -> Day:
    made = Day(tmp_path_factory.mktemp("day"), people)
    begin(made)
    work(made)
    made.browses(browse)
    carry_out(made)
    return made


class TestADay:
    def test_looks_for_nothing_that_our_own_code_says(self, day: Day) -> None:
        """A desk that runs for the first time may write its modules, compiled, and their help."""
        code = [path.read_bytes() for room in (intake, crypto, scrub) for path in modules(room)]
        assert len(code) > 100
        assert not [needle for needle in day.needles for text in code if needle in text]

    def test_had_every_verb(self, day: Day) -> None:
        verbs = {verb for verbs in CHAPTERS.values() for verb in verbs}
        assert {told[0] for told in day.told} == verbs

    def test_gave_the_reporter_what_was_asked_for(self, day: Day) -> None:
        assert (day.asked_for / "clip.wav").read_bytes() == RECORDING
        assert day.ours.found_in(day.needles, day.asked_for) == [
            str(day.asked_for / name) for name in ("clip.wav", "said.vtt")
        ]

    def test_left_nothing_of_it_in_any_folder(self, day: Day) -> None:
        assert day.ours.found_in(day.needles, day.carried) == []
        assert day.theirs.found_in(day.needles) == []

    def test_left_no_file_at_all_outside_the_desk_and_gpg(self, day: Day) -> None:
        left = [
            path
            for at in (day.ours, day.theirs)
            for name in ("home", "tmp", "run")
            for path in (at.folder / name).rglob("*")
        ]
        assert left == []

    def test_wrote_nothing_of_it_even_for_a_moment(self, day: Day, note: Note) -> None:
        needles = day.needles
        writes = [write for seen in day.seen for write in seen.written()]
        wrote = {path for path, block in writes if any(needle in block for needle in needles)}
        note(commands=len(day.seen), writes=len(writes), bytes=sum(len(b) for _, b in writes))
        assert {re.sub(r"/#\d+.*", "/", path) for path in wrote} == {
            f"{day.asked_for}/"  # before it has its name
        }
        assert not any(seen.copied_by_the_kernel for seen in day.seen)

    def test_called_no_program_with_a_secret_in_its_words(self, day: Day) -> None:
        children = [child for seen in day.seen for child in seen.children()]
        assert any(child[0].endswith(b"gpg") for child in children)
        for child in children:
            for needle in day.needles:
                assert not any(needle in word for word in child), child[0]

    def test_let_no_process_be_written_to_disk_when_it_crashes(self, day: Day) -> None:
        assert all(seen.leaves_no_core for seen in day.seen)

    def test_is_seen_by_the_search_where_something_was_left(self, day: Day) -> None:
        shutil.copy(day.asked_for / "clip.wav", day.ours.folder / "tmp" / "left")
        (day.ours.folder / "home" / "trash").write_text(PHRASE, encoding="utf-16")
        try:
            assert len(day.ours.found_in(day.needles)) == 2
        finally:
            (day.ours.folder / "tmp" / "left").unlink()
            (day.ours.folder / "home" / "trash").unlink()
