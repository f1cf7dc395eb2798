"""Who may come to an onion service: keys for the invited, files for tor, and questions before."""

import io
import json
import os
import shutil
import sys
import tempfile
from base64 import b32decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from server.cli import main
from server.errors import SettingsRefused
from server.staff.clients import authorise, clients_of

ADDRESS = "b" * 56
NOBODY = 65_534
CLOSE = ("--confirm", "only those with a key")
OPEN = ("--confirm", "everybody")


def made(folder: Path) -> Path:
    """Make a folder as tor makes one for an onion service."""
    folder.mkdir(mode=0o700)
    (folder / "hostname").write_text(f"{ADDRESS}.onion\n")
    (folder / "authorized_clients").mkdir(mode=0o700)
    return folder


@pytest.fixture
def onion(tmp_path: Path) -> Path:
    return made(tmp_path / "onion")


class Said(NamedTuple):
    code: int
    out: str
    err: str


Typed = Callable[..., Said]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Type the verb, with nobody there to be asked."""

    def typed(onion: Path | None, *words: str | Path) -> Said:
        whose = ["--onion", str(onion)] if onion else []
        line = ["tapedrop-server", "authorise", *map(str, words), *whose]
        monkeypatch.setattr(sys, "argv", line)
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        with pytest.raises(SystemExit) as ended:
            main()
        return Said(int(ended.value.code or 0), *capsys.readouterr())

    return typed


def raw(key: str) -> bytes:
    return b32decode(key + "=" * (-len(key) % 8))


class TestOneWhoMayCome:
    def test_has_the_secret_half_of_what_tor_has(
        self, typed: Typed, onion: Path, tmp_path: Path
    ) -> None:
        done = typed(onion, "alice", "--to", tmp_path / "alice.auth_private", *CLOSE)
        theirs = (tmp_path / "alice.auth_private").read_text()
        tors = (onion / "authorized_clients/alice.auth").read_text()
        address, *kind, secret = theirs.removesuffix("\n").split(":")
        public = X25519PrivateKey.from_private_bytes(raw(secret)).public_key().public_bytes_raw()

        assert done.code == 0, done.err
        assert (address, kind) == (ADDRESS, ["descriptor", "x25519"])
        assert tors.startswith("descriptor:x25519:")
        assert raw(tors.strip().rpartition(":")[2]) == public
        assert secret not in done.out + done.err

    def test_has_files_that_nobody_else_can_read(
        self, typed: Typed, onion: Path, tmp_path: Path
    ) -> None:
        typed(onion, "alice", "--to", tmp_path / "key", *CLOSE)

        for path in (tmp_path / "key", onion / "authorized_clients/alice.auth"):
            assert path.stat().st_mode & 0o777 == 0o600

    def test_is_told_how_tor_comes_to_know(self, typed: Typed, onion: Path, tmp_path: Path) -> None:
        done = typed(onion, "alice", "--to", tmp_path / "key", *CLOSE)

        assert "alice may come" in done.out
        assert "systemctl reload tor@tapedrop" in done.err

    def test_is_one_of_the_list(self, typed: Typed, onion: Path, tmp_path: Path) -> None:
        nobody = typed(onion, "--list")
        typed(onion, "bob", "--to", tmp_path / "bob", *CLOSE)
        typed(onion, "alice", "--to", tmp_path / "alice")
        listed = json.loads(typed(onion, "--list", "--json").out)

        assert "everybody may come" in nobody.out
        assert listed == {"onion": f"http://{ADDRESS}.onion", "clients": ["alice", "bob"]}

    def test_can_be_removed_and_has_to_be_before_the_name_is_given_anew(
        self, typed: Typed, onion: Path, tmp_path: Path
    ) -> None:
        typed(onion, "alice", "--to", tmp_path / "1", *CLOSE)
        typed(onion, "bob", "--to", tmp_path / "2")
        again = typed(onion, "alice", "--to", tmp_path / "3")
        removed = typed(onion, "--remove", "alice")
        anew = typed(onion, "alice", "--to", tmp_path / "3")

        assert (again.code, removed.code, anew.code) == (2, 0, 0)
        assert "may come already" in again.err
        assert (tmp_path / "1").read_bytes() != (tmp_path / "3").read_bytes()


class TestTheFirstAndTheLast:
    def test_the_first_keeps_all_others_out_and_is_asked_for(
        self, typed: Typed, onion: Path, tmp_path: Path
    ) -> None:
        unasked = typed(onion, "alice", "--to", tmp_path / "key")
        otherwise = typed(onion, "alice", "--to", tmp_path / "key", "--confirm", "yes")

        assert (unasked.code, otherwise.code) == (2, 3)
        assert "no source" in unasked.err
        assert clients_of(onion) == []
        assert not (tmp_path / "key").exists()

    def test_the_last_lets_everybody_in_and_is_asked_for(
        self, typed: Typed, onion: Path, tmp_path: Path
    ) -> None:
        typed(onion, "alice", "--to", tmp_path / "key", *CLOSE)
        unasked = typed(onion, "--remove", "alice")
        still = clients_of(onion)
        done = typed(onion, "--remove", "alice", *OPEN)

        assert (unasked.code, still, done.code) == (2, ["alice"], 0)
        assert clients_of(onion) == []


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        "words",
        [
            (),
            ("alice",),
            ("--list", "--to", "key"),
            ("alice", "--list"),
            ("alice", "--remove", "alice"),
        ],
    )
    def test_words_that_mean_nothing_or_two_things(
        self, typed: Typed, onion: Path, words: tuple[str, ...]
    ) -> None:
        assert typed(onion, *words).code == 2

    @pytest.mark.parametrize("name", ["../up", ".hidden", "a/b", "", "a" * 33, "ä"])
    def test_a_name_that_is_a_path_or_no_file_s(
        self, typed: Typed, onion: Path, tmp_path: Path, name: str
    ) -> None:
        before = sorted(tmp_path.rglob("*"))
        done = typed(onion, name, "--to", tmp_path / "key", *CLOSE)

        assert done.code == 2
        assert sorted(tmp_path.rglob("*")) == before

    def test_a_file_that_is_there_already(self, typed: Typed, onion: Path, tmp_path: Path) -> None:
        (tmp_path / "key").write_text("another's")
        done = typed(onion, "alice", "--to", tmp_path / "key", *CLOSE)

        assert (done.code, clients_of(onion)) == (2, [])
        assert (tmp_path / "key").read_text() == "another's"

    @pytest.mark.parametrize("said", ["", "drop.example\n", f"{'b' * 16}.onion\n", "x" * 1000])
    def test_a_folder_that_is_no_onion_service_s(
        self, typed: Typed, onion: Path, tmp_path: Path, said: str
    ) -> None:
        (onion / "hostname").write_text(said)
        done = typed(onion, "alice", "--to", tmp_path / "key", *CLOSE)

        assert done.code == 2
        assert not (tmp_path / "key").exists()

    def test_to_remove_somebody_who_is_not_there(self, typed: Typed, onion: Path) -> None:
        assert typed(onion, "--remove", "alice").code == 2

    def test_a_key_whose_public_half_cannot_be_kept_is_not_handed_out(
        self, onion: Path, tmp_path: Path
    ) -> None:
        (onion / "authorized_clients").rmdir()
        (onion / "authorized_clients").write_text("in the way")
        with pytest.raises(SettingsRefused, match="can't use"):
            authorise(onion, "alice", tmp_path / "key")

        assert not (tmp_path / "key").exists()


class TestWhoseItIs:
    def test_the_drops_own_unless_told(self, typed: Typed, onion: Path, tmp_path: Path) -> None:
        config = tmp_path / "tapedrop.toml"
        config.write_text("version = 1\n")
        unset = typed(None, "--list", "--config", config)
        config.write_text(f'[tor]\nkeys = "{onion}"\n')

        assert (unset.code, "tor.keys" in unset.err) == (2, True)
        assert typed(None, "--list", "--config", config).code == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become tor's user")
class TestTypedByRoot:
    @pytest.fixture
    def tors(self) -> Iterator[Path]:
        """An onion service's folder that belongs to another user, below folders of anybody's."""
        folder = Path(tempfile.mkdtemp(prefix="td-onion-"))
        folder.chmod(0o711)
        onion = made(folder / "onion")
        for path in (onion, *onion.iterdir()):
            os.chown(path, NOBODY, NOBODY)
        yield onion
        shutil.rmtree(folder)

    def test_what_tor_reads_is_tors(self, typed: Typed, tors: Path, tmp_path: Path) -> None:
        done = typed(tors, "alice", "--to", tmp_path / "key", *CLOSE)
        kept = (tors / "authorized_clients/alice.auth").stat()

        assert done.code == 0, done.err
        assert (kept.st_uid, kept.st_gid, kept.st_mode & 0o777) == (NOBODY, NOBODY, 0o600)
        assert (tmp_path / "key").stat().st_uid == 0
        assert typed(tors, "--remove", "alice", *OPEN).code == 0

    def test_no_link_of_tors_leads_root_elsewhere(
        self, typed: Typed, tors: Path, tmp_path: Path
    ) -> None:
        elsewhere = tmp_path / "root's"
        elsewhere.mkdir(mode=0o700)
        (tors / "authorized_clients").rmdir()
        (tors / "authorized_clients").symlink_to(elsewhere)
        done = typed(tors, "alice", "--to", tmp_path / "key", *CLOSE)

        assert done.code == 2
        assert (list(elsewhere.iterdir()), (tmp_path / "key").exists()) == ([], False)

    def test_nothing_is_read_that_tor_could_not(self, tors: Path, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_text(f"{ADDRESS}.onion")
        secret.chmod(0o600)
        (tors / "hostname").unlink()
        os.link(secret, tors / "hostname")

        with pytest.raises(SettingsRefused, match="permission denied"):
            authorise(tors, "alice", tmp_path / "key")
        assert os.geteuid() == 0
