"""A drop that moves to another machine: backed up, its store copied, restored, served there."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import NamedTuple

import pytest
from desk import Desk, exported
from drops import Drop, Newsroom, run_server
from form import Browser
from replies import reply_to, sent

from crypto.gpg import Gpg


@pytest.fixture(scope="module")
def staff() -> Iterator[Newsroom]:
    made = Newsroom("Staff <staff@newsroom.example>")
    yield made
    made.close()


@pytest.fixture
def staffed(drop: Drop, staff: Newsroom) -> Drop:
    """The drop, with the public key of one of the staff."""
    Gpg(drop.folder / "staff").add_keys(staff.exported)
    return drop


class Sealed(NamedTuple):
    """A backup of a drop that seals to this key."""

    path: Path
    digest: str
    newsroom: str


@pytest.fixture(scope="module")
def sealed(prepared: Drop, staff: Newsroom, tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    folder = tmp_path_factory.mktemp("sealed")
    drop = Drop.copied(prepared, folder / "drop")
    Gpg(drop.folder / "staff").add_keys(staff.exported)
    digest = backed_up(drop, folder / "b.gpg")
    return Sealed(folder / "b.gpg", digest, drop.newsroom.fingerprint)


def backed_up(drop: Drop, to: Path) -> str:
    """Back it up; return the digest that it says."""
    done = run_server("backup", "--to", to, "--config", drop.config, "--json")
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["sha256"])


def restored(sealed: Path, to: Path, staff: Newsroom, *words: str | Path) -> CompletedProcess[str]:
    return run_server("restore", sealed, "--to", to, "--gnupg", staff.home, *words)


def moved(drop: Drop, to: Path, staff: Newsroom) -> Drop:
    """Return the drop on its new machine, its store copied."""
    sealed = to.with_suffix(".gpg")
    digest = backed_up(drop, sealed)
    done = restored(sealed, to, staff, "--sha256", digest)
    assert done.returncode == 0, done.stderr
    shutil.copytree(drop.folder / "store", to / "store")
    there = Drop.__new__(Drop)
    there.folder, there.newsroom, there.config = to, drop.newsroom, to / "tapedrop.toml"
    return there


class TestADropThatMoved:
    def test_is_the_same_to_a_source_and_to_a_desk(
        self, staffed: Drop, desk: Desk, staff: Newsroom, wav: Path, tmp_path: Path
    ) -> None:
        with staffed.running() as serving:
            codename = sent(serving, wav)
            reply_to(serving, codename, "Which door?")

        there = moved(staffed, tmp_path / "there", staff)
        with there.running() as serving:
            source = Browser(serving.address)
            source.enter(codename)
            replies = source.get("/mailbox").texts("blockquote")
            sent(serving, wav)
            imported = desk.run("import", exported(there, tmp_path / "stick"))
            opened = desk.run("open", "--all")
            desk.run("receipt", "--to", tmp_path / "back")
            config = ["--config", there.config, "--json"]
            receipts = run_server("receipts", "import", tmp_path / "back", *config)

        assert replies == ["Which door?"]
        assert (imported.returncode, opened.returncode) == (0, 0)
        (taken,) = json.loads(receipts.stdout)["bags"]
        assert taken["envelopes"] == {"stored": 2}


class TestTheCommands:
    def test_a_drop_whose_staff_have_no_key_is_not_backed_up(
        self, drop: Drop, tmp_path: Path
    ) -> None:
        shutil.rmtree(drop.folder / "staff")
        (drop.folder / "staff").mkdir(mode=0o700)
        done = run_server("backup", "--to", tmp_path / "b.gpg", "--config", drop.config)

        assert done.returncode == 5
        assert "keys add --staff" in done.stderr
        assert not (tmp_path / "b.gpg").exists()
        # Root types this, and what root leaves there, the drop's user can't open.
        assert list((drop.folder / "staff").iterdir()) == []

    def test_backup_says_who_opens_it_and_what_is_not_in_it(
        self, staffed: Drop, staff: Newsroom, tmp_path: Path
    ) -> None:
        done = run_server("backup", "--to", tmp_path / "b.gpg", "--config", staffed.config)

        assert f"opened by: {staff.fingerprint}" in done.stdout
        assert "the store is not in it" in done.stdout
        assert "no keys of an onion address" in done.stdout
        assert "can stand in for this drop" in done.stderr

    def test_restore_says_what_is_next_and_no_drop_starts_without_its_store(
        self, sealed: Sealed, staff: Newsroom, tmp_path: Path
    ) -> None:
        to = tmp_path / "there"
        done = restored(sealed.path, to, staff, "--sha256", sealed.digest[:22])
        started = run_server("serve", "--config", to / "tapedrop.toml")

        assert done.returncode == 0, done.stderr
        assert f"seals to: {sealed.newsroom}" in done.stdout
        assert "stop the old drop and its tor" in done.stdout
        assert started.returncode == 5
        assert "store is missing" in started.stderr

    def test_restore_says_what_is_next_also_where_the_keys_belong_elsewhere(
        self, staffed: Drop, staff: Newsroom, tmp_path: Path
    ) -> None:
        keyring = tmp_path / "keys"
        (staffed.folder / "newsroom").rename(keyring)
        staffed.configure(f'[newsroom]\nkeyring = "{keyring}"')
        digest = backed_up(staffed, tmp_path / "b.gpg")
        keyring.rename(tmp_path / "on-the-old-machine")

        done = restored(tmp_path / "b.gpg", tmp_path / "there", staff, "--sha256", digest)

        assert done.returncode == 0, done.stderr
        assert f"belongs at {keyring}" in done.stdout
        assert "stop the old drop and its tor" in done.stdout

    @pytest.mark.parametrize("typed", ["0" * 64, "abcd", "its first 21 digits"])
    def test_a_file_that_is_not_the_one_that_was_written_is_refused(
        self, sealed: Sealed, staff: Newsroom, tmp_path: Path, typed: str
    ) -> None:
        said = sealed.digest[:21] if typed == "its first 21 digits" else typed
        done = restored(sealed.path, tmp_path / "there", staff, "--sha256", said)

        assert done.returncode == 3
        assert "its SHA-256 is another" in done.stderr
        assert not (tmp_path / "there").exists()

    def test_one_of_unknown_making_needs_a_person(
        self, sealed: Sealed, staff: Newsroom, tmp_path: Path
    ) -> None:
        done = restored(sealed.path, tmp_path / "there", staff, "--sha256", "unknown")

        assert done.returncode == 1
        assert "nobody knows who made this backup" in done.stderr
        assert (tmp_path / "there/tapedrop.toml").exists()

    def test_nobody_is_asked_where_there_is_no_terminal(
        self, sealed: Sealed, staff: Newsroom, tmp_path: Path
    ) -> None:
        assert restored(sealed.path, tmp_path / "there", staff).returncode == 2
