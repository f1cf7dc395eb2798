"""Unlocking for a while: one PIN, kept by the kernel, and gone when it should be."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from desks import DeskAt, Person, Server
from kernel import NAME, SECRET, kernel_keeps

from intake import keyring
from intake.errors import KeyringRefused
from intake.layout import Layout
from intake.unlocking import last_locked, lock, remembered

KILLED = f"""
import os, signal
from intake import keyring

def dying(operation, *arguments):
    if operation == keyring._SET_TIMEOUT:
        os.kill(os.getpid(), signal.SIGKILL)

keyring._keyctl = dying
keyring.keep({NAME!r}, {SECRET!r}, seconds=60)
"""


def kernel_says(key: int | None = None) -> list[str]:
    """Return the kernel's line on a key: serial, flags, uses, time left, permissions, …"""
    serial = f"{key or keyring._found(NAME):08x}"
    lines = Path("/proc/keys").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith(serial)]
    return line.split()


@pytest.fixture
def keyless(desk: DeskAt, stranger: Person, reporter: Person) -> Iterator[DeskAt]:
    """A desk that is unlocked, and whose reporter then took the key away."""
    assert desk("unlock").code == 0
    settings = desk.folder / "desk.toml"
    settings.write_text(settings.read_text().replace(str(reporter.home), str(stranger.home)))
    yield desk
    lock(Layout(desk.folder))


@kernel_keeps
class TestTheKernelsKeyring:
    def test_what_is_kept_is_found_until_it_is_forgotten(self) -> None:
        keyring.keep(NAME, SECRET, seconds=60)
        assert keyring.kept(NAME, seconds=60) == SECRET
        assert keyring.forget(NAME)
        assert keyring.kept(NAME, seconds=60) is None
        assert not keyring.forget(NAME)

    def test_a_later_secret_takes_the_place_of_an_earlier_one(self) -> None:
        keyring.keep(NAME, SECRET, seconds=60)
        keyring.keep(NAME, SECRET[::-1], seconds=60)
        assert keyring.kept(NAME, seconds=60) == SECRET[::-1]
        keyring.forget(NAME)

    def test_the_kernel_ends_it_by_itself_and_each_use_begins_that_time_anew(self) -> None:
        keyring.keep(NAME, SECRET, seconds=50)
        assert kernel_says()[3] in {"50s", "49s", "48s"}
        keyring.kept(NAME, seconds=900)
        assert kernel_says()[3] in {"15m", "14m"}
        keyring.forget(NAME)

    def test_one_whose_time_is_over_is_gone_and_stands_in_no_ones_way(self) -> None:
        keyring.keep(NAME, SECRET, seconds=2)
        key = keyring._found(NAME)
        while kernel_says(key)[3] != "expd":
            continue  # the kernel counts whole seconds
        assert keyring.kept(NAME, seconds=60) is None
        keyring.keep(NAME, SECRET, seconds=60)
        assert keyring.kept(NAME, seconds=60) == SECRET
        keyring.forget(NAME)

    def test_no_other_user_may_see_or_read_it(self) -> None:
        keyring.keep(NAME, SECRET, seconds=60)
        assert kernel_says()[4] == "2f2f0000"
        keyring.forget(NAME)

    def test_one_that_was_never_given_an_end_goes_with_who_made_it(self) -> None:
        ended = subprocess.run([sys.executable, "-c", KILLED])

        assert ended.returncode == -signal.SIGKILL
        assert keyring.kept(NAME, seconds=60) is None

    def test_what_is_too_long_is_refused_by_the_kernel_in_its_own_words(self) -> None:
        with pytest.raises(KeyringRefused, match="invalid argument"):
            keyring.keep(NAME, bytes(40_000), seconds=60)


@kernel_keeps
class TestADeskThatIsUnlocked:
    def test_commands_need_no_key_of_gpgs(self, keyless: DeskAt) -> None:
        assert keyless("list").code == 0

    def test_what_was_opened_once_opens_without_one(
        self, desk: DeskAt, server: Server, stick: Path, stranger: Person, reporter: Person
    ) -> None:
        server.receive()
        desk("import", server.export(stick))
        assert desk("open", "--all").code == 0
        desk("unlock")
        settings = desk.folder / "desk.toml"
        settings.write_text(settings.read_text().replace(str(reporter.home), str(stranger.home)))
        desk.files("working")[0].unlink()
        answer = desk("open", "1")
        lock(Layout(desk.folder))
        assert (answer.code, answer.err) == (0, "")

    def test_after_lock_gpg_is_asked_again(self, keyless: DeskAt) -> None:
        answer = keyless("lock", "--json")
        assert answer.json == {"locked": True, "was_unlocked": True}
        assert keyless("list").code == 4
        assert keyless("lock", "--json").json == {"locked": True, "was_unlocked": False}

    def test_another_desk_stays_locked(self, keyless: DeskAt, tmp_path: Path) -> None:
        other = Layout(tmp_path / "other")
        other.folder.mkdir()
        other.signing_key.write_bytes(b"another desk's key")
        assert remembered(other) is None
        assert remembered(Layout(keyless.folder)) is not None

    def test_a_key_that_somebody_put_there_in_its_place_is_not_believed(
        self, desk: DeskAt, reporter: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            "intake.unlocking.kept", lambda _name, seconds: bytes(seconds // 900 * 32)
        )
        assert remembered(Layout(desk.folder)) is None
        assert desk("list").code == 0

    def test_the_key_is_in_no_file(self, keyless: DeskAt) -> None:
        vault = remembered(Layout(keyless.folder))
        assert vault is not None
        assert not keyless.holds(vault.key)


class TestAKernelThatKeepsNoKeys:
    def test_is_told_plainly_and_gpg_is_asked_as_before(
        self, desk: DeskAt, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("intake.keyring._CALLS", {})
        answer = desk("unlock")
        assert answer.code == 5
        assert "kernel won't keep the key (function not implemented)" in answer.err
        assert desk("list").code == 0
        before = last_locked(Layout(desk.folder))
        assert desk("lock").code == 0
        assert last_locked(Layout(desk.folder)) != before
