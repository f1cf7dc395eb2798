"""The desk as people get it: on a stick, for somebody who isn't root, on an offline Debian."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from bundles import IMPORT_ALL
from bundling.archive import packed, sums_of
from bundling.folders import desk_folder, server_folder
from bundling.signing import signed
from bundling.source import source_at
from desk import exported, words
from drops import Drop, Newsroom, Serving, run_server, write_wav
from form import Browser
from sticks import fat_stick

from install.debian import copied, debian, in_folder
from install.machine import Done, Machine

ROOT: Final = Path(__file__).parents[2]
SOURCE: Final = source_at(ROOT)
STICK: Final = "/media/stick"
HOME: Final = "/home/reporter"
FOLDER: Final = f"{STICK}/tapedrop-desk-{SOURCE.version}"
PYTHON: Final = {"bookworm": "3.11", "trixie": "3.13"}


@dataclass(frozen=True, slots=True)
class Reporter:
    """A person at an offline machine, with a stick in it whose FAT knows no owners and no modes."""

    machine: Machine

    def run(self, *words: str | Path) -> Done:
        """Type a command."""
        environment = [f"HOME={HOME}", f"PATH={HOME}/.local/bin:/usr/sbin:/usr/bin"]
        return self.machine.run(*words, user="reporter", environment=environment)

    def must(self, *words: str | Path) -> str:
        """Return what a command that has to succeed prints."""
        done = self.run(*words)
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def desk(self, *words: str | Path) -> Any:
        """Return what a verb of the desk answers, started from the stick."""
        return json.loads(self.must("sh", f"{FOLDER}/tapedrop-intake", *words, "--json"))

    def handed(self, content: Path, to: str) -> str:
        """Give a file or a folder; return where it lies."""
        self.machine.put(content, to)
        self.machine.must("chown", "--recursive", "reporter:", to)
        return to


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The desk's archive."""
    at = tmp_path_factory.mktemp("dist")
    folder = desk_folder(SOURCE, at / "folders", ROOT / "build/wheels")
    return packed(folder, at, SOURCE.made, for_fat=True)


@pytest.fixture
def python(reporter: Reporter) -> str:
    """The Python that this machine has."""
    release = reporter.must("cat", "/etc/os-release")
    return next(PYTHON[suite] for suite in PYTHON if f"VERSION_CODENAME={suite}" in release)


@pytest.fixture(scope="module", params=sorted(PYTHON))
def reporter(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, archive: Path
) -> Iterator[Reporter]:
    """Somebody at a machine that has Python and gpg, and on a stick what they were given."""
    at = tmp_path_factory.mktemp(request.param)
    root = copied(debian(request.param), at / "debian")
    in_folder(root, "apt-get", "install", "-qqy", "--no-download", "python3", "gnupg")
    in_folder(root, "useradd", "--create-home", "--shell", "/bin/bash", "reporter")
    # What the kernel's own FAT does here: anybody may write, nobody can change a mode.
    options = "rw+,allow_other"
    with fat_stick(at, 900 << 20, at=root / STICK[1:], options=options):
        with Machine.booted(root) as machine:
            person = Reporter(machine)
            person.must("cp", person.handed(archive, f"{HOME}/{archive.name}"), STICK)
            person.must("tar", "-xzf", f"{STICK}/{archive.name}", "-C", STICK)
            yield person
        shutil.rmtree(at / "debian", ignore_errors=True)


class TestOnAStick:
    def test_the_machine_has_no_network_and_no_checkout(self, reporter: Reporter) -> None:
        assert reporter.must("ls", "/sys/class/net") == "lo\n"
        assert reporter.run("ls", ROOT).returncode != 0
        assert reporter.must("id", "-un") == "reporter\n"

    def test_every_file_arrived_as_it_was_built(self, reporter: Reporter) -> None:
        check = f"cd {FOLDER} && sha256sum --check --strict --quiet SHA256SUMS"

        assert reporter.must("sh", "-c", check) == ""

    def test_it_runs_by_the_system_s_python_and_writes_nothing_there(
        self, reporter: Reporter
    ) -> None:
        before = reporter.must("find", STICK, "-printf", "%p %s %T@\n")

        for program in ("tapedrop-intake", "tapedrop-scrub"):
            said = reporter.must("sh", f"{FOLDER}/{program}", "--help")
            assert said.startswith(f"Usage: {program}")

        assert reporter.must("find", STICK, "-printf", "%p %s %T@\n") == before


class TestEveryModule:
    def test_of_the_desk_loads_by_this_machine_s_python(
        self, reporter: Reporter, python: str
    ) -> None:
        packages = [f"{FOLDER}/lib/python{version}" for version in (python, 3)]
        start = f"import sys; sys.path += {packages!r}\n{IMPORT_ALL}"

        loaded = reporter.must(
            "python3", *("-I", "-S", "-B", "-c"), start, "crypto", "scrub", "intake"
        ).splitlines()

        assert len([path for path in loaded if path.startswith(FOLDER)]) > 200
        assert {path.startswith((FOLDER, f"/usr/lib/python{python}")) for path in loaded} == {True}

    def test_of_the_server_loads_by_this_machine_s_python(
        self, reporter: Reporter, python: str, tmp_path: Path
    ) -> None:
        folder = server_folder(SOURCE, tmp_path, ROOT / "build/wheels")
        tree = f"/usr/lib/tapedrop/{SOURCE.version}"
        reporter.machine.put(folder / "tree", tree)

        loaded = reporter.must(
            f"{tree}/bin/python3", "-I", "-B", "-c", IMPORT_ALL, "crypto", "scrub", "server"
        ).splitlines()

        assert len([path for path in loaded if path.startswith(tree)]) > 200
        assert {path.startswith((tree, f"/usr/lib/python{python}")) for path in loaded} == {True}
        assert reporter.must(f"{tree}/bin/tapedrop-server", "--help").startswith("Usage: ")


class TestTheRoundTripFromAStick:
    def test_a_recording_reaches_the_desk_and_a_reply_its_source(
        self, reporter: Reporter, serving: Serving, newsroom: Newsroom, tmp_path: Path
    ) -> None:
        machine, drop = reporter.machine, serving.drop
        self.give_key(reporter, newsroom, tmp_path)
        self.pair(reporter, drop, newsroom, tmp_path)
        recording = write_wav(tmp_path / "a.wav", secret=b"Maria")
        browser = serving.visit()
        codename = browser.get("/codename").texts("ol", "codename")[0]
        form = browser.get("/send")
        browser.post(form.form, form.fields | {"message": "More soon."}, [recording])

        bag = exported(drop, tmp_path / "stick")
        desk = ("--desk", f"{HOME}/desk")
        reporter.desk(*desk, "import", reporter.handed(bag, f"{HOME}/carried/{bag.name}"))
        reporter.desk(*desk, "open", "--all")
        rows = reporter.desk(*desk, "list")
        (row,) = [row for row in rows if row["kind"] == "recording"]
        reporter.desk(*desk, "export", row["id"], "--to", f"{HOME}/out.wav")
        (tmp_path / "reply.txt").write_text("Which door?")
        reply = reporter.handed(tmp_path / "reply.txt", f"{HOME}/reply.txt")
        reporter.desk(*desk, "reply", row["id"], "--text-from", reply)
        reporter.desk(*desk, "receipt", "--to", f"{HOME}/back")
        shutil.copytree(machine.at(f"{HOME}/back"), tmp_path / "back")
        for verb in ("receipts", "replies"):
            done = run_server(verb, "import", tmp_path / "back", "--config", drop.config)
            assert done.returncode == 0, done.stderr
        source = Browser(serving.address)
        source.enter(codename)

        assert (row["format"], row["condition"]) == ("WAV", "cleaned")
        sound = machine.at(f"{HOME}/out.wav").read_bytes()
        assert b"Maria" not in sound
        assert recording.read_bytes()[44:300] in sound
        assert source.get("/mailbox").texts("blockquote") == ["Which door?"]

    def give_key(self, reporter: Reporter, newsroom: Newsroom, at: Path) -> None:
        """Hand the reporter's own OpenPGP key over, which only this person has in the end."""
        secret = newsroom.gpg("--armor", "--export-secret-keys")
        (at / "key.asc").write_bytes(secret)
        key = reporter.handed(at / "key.asc", f"{HOME}/key.asc")
        reporter.must("gpg", "--batch", "--quiet", "--import", key)

    def pair(self, reporter: Reporter, drop: Drop, newsroom: Newsroom, at: Path) -> None:
        """Make the desk from the stick, and introduce drop and desk to each other."""
        made = run_server("pair", "--to", at / "server.json", "--config", drop.config)
        assert made.returncode == 0, made.stderr
        server = reporter.handed(at / "server.json", f"{HOME}/server.json")
        key = ["--key", newsroom.fingerprint]
        reporter.desk("init", f"{HOME}/desk", "--server", server, *key, *words(at / "server.json"))
        pairing = at / "pairing.json"
        shutil.copy(reporter.machine.at(f"{HOME}/desk/pairing.json"), pairing)
        done = run_server("pair", pairing, *words(pairing), "--config", drop.config)
        assert done.returncode == 0, done.stderr


class TestIntoAHomeFolder:
    def test_install_gives_the_commands_and_remove_leaves_only_desks(
        self, reporter: Reporter
    ) -> None:
        before = reporter.must("find", HOME, "-not", "-path", "*/.gnupg*", "-not", "-name", ".*")
        for _ in range(2):
            said = reporter.must("sh", f"{FOLDER}/install.sh")
            assert said.startswith(f"installed in {HOME}/.local/share/tapedrop.")

        for program in ("tapedrop-intake", "tapedrop-scrub"):
            assert reporter.must(program, "--help").startswith(f"Usage: {program}")
        entry = reporter.must("cat", f"{HOME}/.local/share/applications/tapedrop.desktop")
        assert f'\nExec=sh "{HOME}/.local/share/tapedrop/lib/terminal.sh"\n' in entry
        reporter.must("sh", f"{FOLDER}/install.sh", "--remove")

        assert reporter.must("find", f"{HOME}/.local", "-type", "f") == ""
        desks = ["find", HOME, "-not", "-path", "*/.gnupg*", "-not", "-name", ".*"]
        left = reporter.must(*desks, "-not", "-path", "*/.local*")
        assert left == before


class TestOnAStickThatLetsNothingRun:
    def test_says_so_and_what_helps(self, archive: Path, tmp_path: Path) -> None:
        with fat_stick(tmp_path, 600 << 20, options="rw+,noexec") as stick:
            name = Path(FOLDER).name
            tar = ["tar", "-xzf", str(archive), "--no-same-owner", "--no-same-permissions"]
            parts = [f"{name}/tapedrop-intake", f"{name}/lib/start.py"]
            subprocess.run([*tar, "-C", str(stick), *parts], check=True)
            for python in PYTHON.values():
                (stick / name / f"lib/python{python}").mkdir()
            command = ["sh", str(stick / name / "tapedrop-intake"), "list"]

            said = subprocess.run(command, capture_output=True, text=True)

        assert said.returncode == 5
        assert "no program runs from it" in said.stderr
        assert "copy the folder into your home folder" in said.stderr


class TestWhetherItIsGenuine:
    def test_a_folder_on_a_stick_is_checked_by_a_signature_over_its_list(
        self, reporter: Reporter, archive: Path, newsroom: Newsroom, tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        monkeypatch.setenv("GNUPGHOME", str(newsroom.home))
        signature = signed(sums_of(Path(shutil.copy(archive, tmp_path))), newsroom.fingerprint)
        (tmp_path / "release-key.asc").write_bytes(newsroom.exported)
        reporter.must("mkdir", "--mode=700", f"{HOME}/listed")
        for file in (signature, tmp_path / "release-key.asc"):
            reporter.handed(file, f"{HOME}/listed/{file.name}")
        gpg = ["gpg", "--homedir", f"{HOME}/listed", "--batch"]
        reporter.must(*gpg, "--import", f"{HOME}/listed/release-key.asc")

        said = reporter.run(
            *gpg, "--verify", f"{HOME}/listed/{signature.name}", f"{FOLDER}/SHA256SUMS"
        )
        checked = reporter.must("sh", f"{FOLDER}/install.sh", "--check")

        assert "Good signature" in said.stderr
        assert checked == "this folder is what its list says.\n"

    def test_gpg_alone_tells_it_from_one_that_was_changed(
        self, reporter: Reporter, archive: Path, newsroom: Newsroom, tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        monkeypatch.setenv("GNUPGHOME", str(newsroom.home))
        copy = Path(shutil.copy(archive, tmp_path))
        signature = signed(copy, newsroom.fingerprint)
        (tmp_path / "release-key.asc").write_bytes(newsroom.exported)
        reporter.must("mkdir", "--mode=700", f"{HOME}/check")
        for file in (copy, signature, tmp_path / "release-key.asc"):
            reporter.handed(file, f"{HOME}/check/{file.name}")
        gpg = ["gpg", "--homedir", f"{HOME}/check", "--batch"]

        reporter.must(*gpg, "--import", f"{HOME}/check/release-key.asc")
        check = [*gpg, "--verify", f"{HOME}/check/{signature.name}", f"{HOME}/check/{copy.name}"]
        genuine = reporter.run(*check)
        reporter.must("sh", "-c", f"echo more >>{HOME}/check/{copy.name}")
        changed = reporter.run(*check)

        assert (genuine.returncode, changed.returncode) == (0, 1)
        assert "Good signature" in genuine.stderr
        assert "BAD signature" in changed.stderr
