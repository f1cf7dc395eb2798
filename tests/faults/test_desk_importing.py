"""Importing at a desk that is killed, from a stick that fails, onto a disk that is full.

Nothing is ever repaired by hand: whatever happened, importing again is all that is done.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from desk import words
from sticks import Stick, ext4_stick
from unit.intake.desks import CANARY, Person, Server, new_person, public_home

from crypto.bag import Bag, Kind, tag_files
from faults.conftest import Note
from faults.killing import Command, drawn, killed, moments

MB = 1_000_000
ROUNDS = 6
"""Kills for each five of --kills: 60 where it is 50."""
# A power cut costs less of a small envelope so, and there is more to be killed at.
IMPORT = """
import sys
from intake.arriving import parts, stick
parts.SYNCED_EACH, stick.BLOCK_SIZE = 200_000, 50_000
from intake.cli import run
sys.exit(run(sys.argv[1:]))
"""
OURS = re.compile(
    r"desk\.toml|keys/[0-9A-F]{40}\.asc|pairing\.json|vault\.key\.gpg|desk\.key|catalogue\.db"
    r"|evidence/[0-9a-f]{64}\.(gpg|part)|bags/[0-9a-f]{32}/.*|bags/part-[0-9a-f]{16}/.*"
)


@pytest.fixture(scope="module")
def reporter() -> Iterator[Person]:
    yield from new_person("reporter")


@pytest.fixture
def server(reporter: Person, tmp_path: Path) -> Server:
    return Server(public_home(tmp_path / "newsroom", [reporter]), Ed25519PrivateKey.generate())


class Desk:
    """A desk in a folder, told by a command of its own."""

    def __init__(self, folder: Path, server: Server, reporter: Person) -> None:
        self.folder = folder
        pairing = server.pairing(folder.with_name("server.json"))
        folder.mkdir(exist_ok=True)
        made = self.run(
            "init", folder, "--server", pairing, "--key", reporter.fingerprint,
            "--gnupg", reporter.home, *words(pairing),
        )  # fmt: skip
        assert made.returncode == 0, made.stderr

    def command(self, *told: str | Path) -> Command:
        return [sys.executable, "-c", IMPORT, "--desk", self.folder, *told]

    def run(self, *told: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*told), capture_output=True, text=True, stdin=subprocess.DEVNULL
        )

    def imports(self, bag: Path) -> subprocess.CompletedProcess[str]:
        return self.run("import", bag)

    def kept(self) -> dict[str, bytes]:
        """Return each envelope here, by its name; none may be other than what it is called."""
        found = {path.stem: path.read_bytes() for path in self.folder.glob("evidence/*.gpg")}
        assert {name: sha256(held).hexdigest() for name, held in found.items()} == {
            name: name for name in found
        }
        return found

    def parts(self) -> dict[str, int]:
        """Return how much there is of each envelope that is still on its way in."""
        return {path.stem: path.stat().st_size for path in self.folder.glob("evidence/*.part")}

    def strangers(self) -> list[str]:
        """Return the files that no desk has."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        names = [path.relative_to(self.folder).as_posix() for path in files]
        return [name for name in names if not OURS.fullmatch(name)]


@pytest.fixture
def desk(tmp_path: Path, server: Server, reporter: Person) -> Desk:
    return Desk(tmp_path / "desk", server, reporter)


def named(held: bytes) -> str:
    return sha256(held).hexdigest()


def test_killed_at_any_system_call_it_is_gone_on_with_and_nothing_is_lost(
    desk: Desk, server: Server, tmp_path: Path, kills: int, note: Note
) -> None:
    server.receive(CANARY * 200)
    for size in (700_000, 90_000):
        server.hold(os.urandom(size))
    bag, whole = server.export(tmp_path / "stick"), {named(h): h for h in server.sealed.values()}
    command, trace = desk.command("import", bag), tmp_path / "calls"
    found = moments(command, desk.folder, trace)
    assert desk.kept() == whole
    deaths = half = gone_on = 0
    wanted = kills * ROUNDS // 5

    # A run that has less to do than the first may be through before it gets to its moment.
    for moment in drawn(found, 2 * wanted, seed=8):
        if deaths == wanted:
            break
        if not desk.parts() and len(desk.kept()) == len(whole):
            subprocess.run(["rm", "-r", *desk.folder.glob("evidence/*")], check=True)
            subprocess.run(["rm", "-rf", *desk.folder.glob("bags/*")], check=True)
        gone_on += bool(desk.parts())
        deaths += killed(command, moment, trace)
        half += any(desk.parts().values())

        assert desk.kept().items() <= whole.items(), moment
        assert desk.strangers() == [], moment
        if len(list(desk.folder.glob(f"bags/{'[0-9a-f]' * 32}"))):
            assert desk.kept() == whole, moment

    done = desk.imports(bag)
    assert done.returncode == 0, done.stderr
    assert desk.kept() == whole
    assert desk.parts() == {}
    listed = json.loads(desk.run("list", "--json").stdout)
    assert sorted(row["sha256"] for row in listed) == sorted(whole)
    assert {row["status"] for row in listed} == {"stored"}
    for path in desk.folder.rglob("*"):
        assert not path.is_file() or CANARY[:24] not in path.read_bytes(), path
    assert deaths == wanted
    note(kills=deaths, that_left_half_an_envelope=half, imports_that_went_on_from_one=gone_on)


@pytest.fixture
def stick(tmp_path: Path) -> Iterator[Stick]:
    with ext4_stick(tmp_path, 60 * MB) as made:
        yield made


@pytest.fixture
def bag(server: Server, stick: Stick) -> Path:
    """Five envelopes of 8 MB on a real stick, and nothing of it in memory."""
    for _ in range(5):
        server.hold(os.urandom(8 * MB))
    made = server.export(stick.at)
    stick.take_out()
    stick.put_in()
    return made


def while_importing(desk: Desk, bag: Path, bytes_in: int, do: Callable[[], None]) -> str:
    """Import, and do something once so many bytes have come; return what the desk says of it."""
    script = IMPORT.replace(
        "from intake.cli import run",
        "from intake.cli import run, import_\n"
        "class Waits(import_.Progress):\n"
        "    def __call__(self, step):\n"
        f"        if step.passed >= {bytes_in} and not hasattr(self, 'asked'):\n"
        "            self.asked = True\n"
        "            print('now', flush=True)\n"
        "            sys.stdin.readline()\n"
        "import_.Progress = Waits",
    )
    command: Command = [sys.executable, "-c", script, "--desk", desk.folder, "import", bag]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as importing:
        assert importing.stdout is not None
        assert importing.stdout.readline() == "now\n"
        do()
        _, said = importing.communicate("go on\n")
    return f"{importing.returncode}: {said}"


class TestAStick:
    @pytest.mark.parametrize("megabytes", [1, 12, 30])
    def test_that_is_pulled_is_said_once_and_gone_on_with(
        self, desk: Desk, server: Server, stick: Stick, bag: Path, megabytes: int, note: Note
    ) -> None:
        said = while_importing(desk, bag, megabytes * MB, stick.pull)

        is_in = len(desk.kept())
        assert said.startswith("1: ")
        assert f"the stick can't be read any more; {is_in} of 5 drops are in" in said
        assert "set aside" not in said
        left = sum(desk.parts().values())
        stick.take_out()
        stick.put_in()
        again = desk.imports(bag)
        assert again.returncode == 0, again.stderr
        assert desk.kept() == {named(held): held for held in server.sealed.values()}
        assert desk.parts() == {}
        note(envelopes_in=is_in, kept_of_the_next_MB=round(left / MB, 1))

    def test_with_a_bad_sector_costs_only_the_envelope_that_lies_there(
        self, desk: Desk, server: Server, stick: Stick, bag: Path
    ) -> None:
        last, begins = max(
            ((path, first_block(path)) for path in (bag / "data").iterdir()), key=lambda at: at[1]
        )
        os.truncate(stick.image, begins + MB)

        done = desk.imports(bag)

        assert done.returncode == 1, done.stderr
        assert "1 set aside: the stick can't be read there, 4 stored" in done.stderr
        assert "any more" not in done.stderr
        assert named(server.sealed[last.name]) not in desk.kept()
        assert len(desk.kept()) == 4

    def test_whose_bad_envelope_comes_on_another_is_gone_on_with_from_there(
        self, desk: Desk, server: Server, stick: Stick, bag: Path, tmp_path: Path
    ) -> None:
        begins = max(first_block(path) for path in (bag / "data").iterdir())
        os.truncate(stick.image, begins + 3 * MB)
        desk.imports(bag)
        (kept,) = desk.parts().values()
        assert kept >= 2 * MB

        done = desk.imports(server.export(tmp_path / "another"))

        assert done.stderr == "tapedrop-intake: 4 already here, 1 stored\n"
        assert desk.parts() == {}


def first_block(path: Path) -> int:
    """Return where a file begins on its device, in bytes."""
    told = subprocess.run(["filefrag", "-v", path], check=True, capture_output=True, text=True)
    match = re.search(r"^ +0: +0\.\. +\d+: +(\d+)\.\.", told.stdout, re.MULTILINE)
    assert match is not None, told.stdout
    return int(match[1]) * 4096 if "of 4096 bytes" in told.stdout else int(match[1]) * 1024


class TestADiskThatIsFull:
    def test_in_the_middle_is_said_and_the_import_goes_on_later(
        self, server: Server, reporter: Person, tmp_path: Path, note: Note
    ) -> None:
        for _ in range(5):
            server.hold(os.urandom(4 * MB))
        bag = server.export(tmp_path / "carried")
        with ext4_stick(tmp_path, 50 * MB) as disk:
            desk = Desk(disk.at / "desk", server, reporter)
            filling = disk.at / "theirs"

            said = while_importing(desk, bag, 5 * MB, lambda: fill(filling))

            is_in = len(desk.kept())
            assert said.startswith("5: ")
            assert f"the desk's disk is full; {is_in} of 5 drops are in" in said
            still_full = desk.imports(bag)
            assert still_full.returncode == 5
            assert "are needed, and" in still_full.stderr
            filling.unlink()
            done = desk.imports(bag)
            assert done.returncode == 0, done.stderr
            assert desk.kept() == {named(held): held for held in server.sealed.values()}
            assert desk.parts() == {}
            assert json.loads(desk.run("list", "--json").stdout)
        note(envelopes_in=is_in)


class TestAPowerCut:
    @pytest.mark.parametrize("megabytes", [1, 6, 13, 19])
    def test_leaves_what_is_gone_on_with(
        self, server: Server, reporter: Person, tmp_path: Path, megabytes: int, note: Note
    ) -> None:
        for _ in range(5):
            server.hold(os.urandom(4 * MB))
        bag = server.export(tmp_path / "carried")
        whole = {named(held): held for held in server.sealed.values()}
        with ext4_stick(tmp_path, 60 * MB) as disk:
            desk = Desk(disk.at / "desk", server, reporter)
            os.sync()

            said = while_importing(desk, bag, megabytes * MB, disk.pull)

            assert not said.startswith("0: ")
            disk.take_out()
            disk.put_in()
            is_in, left = desk.kept(), desk.parts()
            assert is_in.items() <= whole.items()
            assert desk.strangers() == []
            done = desk.imports(bag)
            assert done.returncode == 0, done.stderr
            assert desk.kept() == whole
            assert desk.parts() == {}
            assert len(json.loads(desk.run("list", "--json").stdout)) == 5
        note(envelopes_in=len(is_in), of_others_MB=round(sum(left.values()) / MB, 1))


def fill(path: Path) -> None:
    """Write until there is no room."""
    try:
        with path.open("wb", buffering=0) as file:
            while file.write(bytes(64 * 1024)):
                pass
    except OSError:
        pass


def test_it_takes_no_more_memory_for_many_and_large_envelopes(
    server: Server, desk: Desk, tmp_path: Path, note: Note
) -> None:
    peaks = []
    for name, count, size in (("small", 1, 1), ("large", 1, 600 * MB), ("many", 300, 70_000)):
        folder = tmp_path / name / "TAPEDROP" / "bag"
        (folder / "data").mkdir(parents=True)
        digests = {}
        for number in range(count):
            envelope = folder / "data" / f"{number}.gpg"
            envelope.write_bytes(b"%d" % number)
            os.truncate(envelope, size + number)
            with envelope.open("rb") as file:
                passed = sha256()
                while block := file.read(MB):
                    passed.update(block)
            digests[f"data/{envelope.name}"] = passed.digest()
        lists = tag_files(Bag(Kind.DROPS, date(2026, 11, 20), (), digests), server.key)
        for listed, content in lists.items():
            (folder / listed).write_bytes(content)
        measured = f"{PEAK}{IMPORT}"
        command: Command = [sys.executable, "-c", measured, "--desk", desk.folder, "import", folder]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout.split()[-2]))

    assert max(peaks) < 200 * 1024
    assert max(peaks) - peaks[0] < 16 * 1024
    note(peak_KiB=peaks)


PEAK = """
import atexit
atexit.register(lambda: print(*(l for l in open("/proc/self/status") if "VmHWM" in l)))
"""
