"""Founding a desk."""

import json
import stat
import tomllib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from desk import words
from desks import Answer, DeskAt, Person, Server

from crypto.gpg import Gpg
from intake.cli.keys import spaced
from intake.errors import BadSettings
from intake.settings import Settings, read_settings, written
from intake.vault import unlock

Tell = Callable[..., Answer]


@pytest.fixture
def pairing(server: Server, tmp_path: Path) -> Path:
    return server.pairing(tmp_path / "server.json")


def init(tell: Tell, folder: Path, pairing: Path, person: Person, *more: object) -> Answer:
    with suppress(ValueError):  # where the file is none, nobody is asked for its words
        more = (*words(pairing), *more)
    return tell(
        "init", folder, "--server", pairing, "--key", person.fingerprint,
        "--gnupg", person.home, *more,
    )  # fmt: skip


class TestADeskThatIsMade:
    def test_nobody_else_on_the_machine_can_look_into_it(self, desk: DeskAt) -> None:
        for path in [desk.folder, *desk.folder.rglob("*")]:
            private = 0o700 if path.is_dir() else 0o600
            assert stat.S_IMODE(path.stat().st_mode) == private, path

    def test_its_pairing_file_is_what_the_server_reads(self, desk: DeskAt, server: Server) -> None:
        said = json.loads((desk.folder / "pairing.json").read_text())
        assert said.keys() == {"version", "kind", "desk", "signing_key", "newsroom", "key"}
        assert (said["version"], said["kind"]) == (2, "tapedrop desk 2")
        assert said["key"].startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----")
        assert said["newsroom"] == list(server.newsroom.fingerprints)
        assert len(bytes.fromhex(said["signing_key"])) == 32

    def test_its_signing_key_opens_with_the_vault_alone(
        self, desk: DeskAt, reporter: Person
    ) -> None:
        sealed = (desk.folder / "vault.key.gpg").read_bytes()
        vault = unlock(sealed, gpg=Gpg(reporter.home), fingerprint=reporter.fingerprint)
        signing_key = vault.signing_key((desk.folder / "desk.key").read_bytes())
        said = json.loads((desk.folder / "pairing.json").read_text())
        assert signing_key.public_key().public_bytes_raw().hex() == said["signing_key"]
        assert not desk.holds(vault.key)
        assert not desk.holds(signing_key.private_bytes_raw())

    def test_it_carries_the_name_it_was_given(
        self, tell: Tell, tmp_path: Path, pairing: Path, reporter: Person
    ) -> None:
        made = init(tell, tmp_path / "d", pairing, reporter, "--name", "berlin-2", "--json")
        file = tmp_path / "d" / "pairing.json"
        assert made.json == {"desk": "berlin-2", "pairing": str(file), "words": words(file)[1]}

    def test_it_is_told_whom_the_servers_file_lets_read_and_sign(
        self, tell: Tell, tmp_path: Path, pairing: Path, reporter: Person, colleague: Person
    ) -> None:
        # Staff wrote that file; no alarm is ever raised at a reader who was in it.
        said = json.loads(pairing.read_text())
        pairing.write_text(json.dumps(said | {"desks": {"cd" * 32: "theirs"}}))
        made = init(tell, tmp_path / "d", pairing, reporter)

        assert spaced(colleague.fingerprint) in made.err
        assert spaced(reporter.fingerprint) not in made.err
        assert f"theirs may sign key lists, the desk whose key is {'cd' * 32}" in made.err

    def test_it_is_empty(self, desk: DeskAt) -> None:
        assert desk("list", "--json").json == []


class TestADeskThatIsNotMade:
    def test_a_folder_that_holds_something_is_left_alone(
        self, tell: Tell, desk: DeskAt, pairing: Path, reporter: Person
    ) -> None:
        before = {path: path.read_bytes() for path in desk.folder.rglob("*") if path.is_file()}
        again = init(tell, desk.folder, pairing, reporter)
        assert again.code == 2
        assert "is not empty" in again.err
        assert before == {path: path.read_bytes() for path in before}

    def test_a_key_that_the_server_does_not_seal_to_is_refused(
        self, tell: Tell, tmp_path: Path, pairing: Path, stranger: Person
    ) -> None:
        refused = init(tell, tmp_path / "d", pairing, stranger)
        assert refused.code == 2
        assert "--outside-newsroom" in refused.err
        assert not (tmp_path / "d").exists()

    def test_a_key_outside_the_newsroom_is_taken_when_it_is_meant(
        self, tell: Tell, tmp_path: Path, pairing: Path, stranger: Person
    ) -> None:
        assert init(tell, tmp_path / "d", pairing, stranger, "--outside-newsroom").code == 0

    def test_a_key_without_its_secret_half_is_found_out_at_once(
        self, tell: Tell, tmp_path: Path, pairing: Path, reporter: Person, server: Server
    ) -> None:
        without_secrets = Person(server.home, reporter.fingerprint)
        refused = init(tell, tmp_path / "d", pairing, without_secrets)
        assert refused.code == 4
        assert list(tmp_path.glob("d*")) == []

    def test_a_key_that_is_not_in_the_keyring_is_named(
        self, tell: Tell, tmp_path: Path, pairing: Path, reporter: Person, stranger: Person
    ) -> None:
        elsewhere = Person(reporter.home, stranger.fingerprint)
        refused = init(tell, tmp_path / "d", pairing, elsewhere)
        assert refused.code == 2
        assert stranger.fingerprint in refused.err

    def test_a_keyring_that_is_not_there_is_named(
        self, tell: Tell, tmp_path: Path, pairing: Path, reporter: Person
    ) -> None:
        refused = init(tell, tmp_path / "d", pairing, replace(reporter, home=tmp_path / "none"))
        assert refused.code == 2
        assert f"there is no keyring {tmp_path / 'none'}" in refused.err

    def test_a_server_file_that_is_not_there_is_named(
        self, tell: Tell, tmp_path: Path, reporter: Person
    ) -> None:
        refused = tell("init", tmp_path / "d", "--server", tmp_path / "none.json",
                       "--key", reporter.fingerprint, "--gnupg", reporter.home)  # fmt: skip
        assert refused.code == 2
        assert "none.json can't be used: no such file or directory" in refused.err

    @pytest.mark.parametrize(
        "said",
        [
            "",
            "[]",
            '{"version": 1, "kind": "tapedrop desk 1"}',
            '{"version": 1, "kind": "tapedrop server 1", "export_key": "00", "newsroom": []}',
        ],
    )
    def test_a_file_that_is_no_servers_pairing_is_refused(
        self, tell: Tell, tmp_path: Path, pairing: Path, reporter: Person, said: str
    ) -> None:
        pairing.write_text(said)
        refused = init(tell, tmp_path / "d", pairing, reporter)
        assert refused.code == 2
        assert "server.json can't be used" in refused.err
        assert "$" not in refused.err

    def test_a_later_kind_of_pairing_asks_for_a_later_desk(
        self, tell: Tell, tmp_path: Path, pairing: Path, reporter: Person
    ) -> None:
        pairing.write_text('{"version": 3}')
        refused = init(tell, tmp_path / "d", pairing, reporter)
        assert refused.code == 5
        assert "later version" in refused.err


class TestTheSettings:
    def test_what_is_written_is_what_is_read(self, desk: DeskAt, tmp_path: Path) -> None:
        settings = read_settings(desk.folder / "desk.toml")
        copy = tmp_path / "copy.toml"
        copy.write_bytes(written(settings))
        assert read_settings(copy) == settings

    def test_a_folder_with_quotes_in_its_name_survives(self, desk: DeskAt) -> None:
        settings = read_settings(desk.folder / "desk.toml")
        odd = 'a "quoted" \\ ünïcode'
        reporter = type(settings.reporter)(key=settings.reporter.key, gnupg_home=odd)
        text = written(Settings(settings.desk, settings.server, reporter)).decode()
        assert tomllib.loads(text)["reporter"]["gnupg_home"] == odd

    def test_an_unknown_key_is_an_error_that_lists_the_known_ones(self, desk: DeskAt) -> None:
        path = desk.folder / "desk.toml"
        path.write_text(path.read_text() + "\ncolour = 'red'\n")
        with pytest.raises(BadSettings, match=r"reporter\.colour .*reporter\.key, reporter\.gnupg"):
            read_settings(path)

    def test_a_missing_key_is_named(self, desk: DeskAt) -> None:
        path = desk.folder / "desk.toml"
        path.write_text(path.read_text().replace("export_key", "# export_key"))
        answer = desk("list")
        assert answer.code == 2
        assert "export_key" in answer.err

    def test_a_folder_without_a_desk_says_so(self, tell: Tell, tmp_path: Path) -> None:
        answer = tell("list", "--desk", tmp_path)
        assert answer.code == 2
        assert f"there is no desk in {tmp_path}" in answer.err
