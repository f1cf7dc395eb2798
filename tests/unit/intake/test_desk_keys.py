"""Whom drops are sealed to, as a desk keeps it and signs it."""

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from desk import words
from desks import Answer, DeskAt, Person, Server

from crypto.keylist import KeyList, signed, verified
from intake.settings import Earlier, Settings, read_settings, written

YESTERDAY = "2026-01-01"  # or any day before the test's


def exported(person: Person, to: Path, how: str = "--export") -> Path:
    command = ["gpg", "--homedir", str(person.home), "--batch", "--armor", how]
    to.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    return to


@pytest.fixture
def stranger_key(stranger: Person, tmp_path: Path) -> Path:
    return exported(stranger, tmp_path / "stranger.asc")


def settings_of(desk: DeskAt) -> Settings:
    return read_settings(desk.folder / "desk.toml")


def signing_key(desk: DeskAt) -> str:
    said = json.loads((desk.folder / "pairing.json").read_text())
    return str(said["signing_key"])


def sign(desk: DeskAt, to: Path) -> KeyList:
    done = desk("keys", "sign", "--to", to)
    assert done.code == 0, done.err
    return verified(to.read_bytes(), [signing_key(desk)])


def add(desk: DeskAt, person: Person, file: Path) -> Answer:
    return desk("keys", "add", file, "--fingerprint", person.fingerprint)


class TestAddingAKey:
    def test_puts_it_on_the_list_and_says_what_is_next(
        self, desk: DeskAt, stranger: Person, stranger_key: Path
    ) -> None:
        done = add(desk, stranger, stranger_key)

        assert done.code == 0
        assert stranger.fingerprint in settings_of(desk).server.newsroom
        assert "keys sign --to" in done.err

    def test_under_another_fingerprint_changes_nothing(
        self, desk: DeskAt, colleague: Person, stranger_key: Path
    ) -> None:
        before = settings_of(desk)

        assert add(desk, colleague, stranger_key).code == 3
        assert settings_of(desk) == before

    def test_asks_nobody_where_nobody_is(self, desk: DeskAt, stranger_key: Path) -> None:
        refused = desk("keys", "add", stranger_key)

        assert refused.code == 2
        assert "--fingerprint" in refused.err

    def test_refuses_a_secret_key(self, desk: DeskAt, stranger: Person, tmp_path: Path) -> None:
        secret = exported(stranger, tmp_path / "secret.asc", "--export-secret-keys")

        assert add(desk, stranger, secret).code == 3

    def test_that_is_on_the_list_keeps_what_is_new_about_it(
        self, desk: DeskAt, colleague: Person, tmp_path: Path
    ) -> None:
        before, kept = settings_of(desk), desk.folder / "keys" / f"{colleague.fingerprint}.asc"
        assert not kept.exists()
        done = desk("keys", "add", exported(colleague, tmp_path / "colleague.asc"))

        assert done.code == 0
        assert settings_of(desk) == before
        assert kept.read_text().startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----")


class TestRetiringAKey:
    def test_takes_it_off_the_list(self, desk: DeskAt, colleague: Person) -> None:
        fingerprint = colleague.fingerprint

        assert desk("keys", "retire", fingerprint, "--confirm", fingerprint).code == 0
        assert fingerprint not in settings_of(desk).server.newsroom

    def test_leaves_the_last_one(self, desk: DeskAt, colleague: Person, reporter: Person) -> None:
        for person, code in ((colleague, 0), (reporter, 3)):
            done = desk("keys", "retire", person.fingerprint, "--confirm", person.fingerprint)
            assert done.code == code

    def test_of_nobody_is_told_in_the_words_that_were_typed(self, desk: DeskAt) -> None:
        refused = desk("keys", "retire", "Ghost")
        assert refused.code == 3
        assert "Ghost is none of them, and no desk" in refused.err

    def test_leaves_the_only_desk_that_signs(self, desk: DeskAt) -> None:
        name = settings_of(desk).desk.name

        assert desk("keys", "retire", name, "--confirm", name).code == 3


class TestSigning:
    def test_names_the_drop_its_readers_with_their_keys_and_who_signs_next(
        self, desk: DeskAt, server: Server, tmp_path: Path
    ) -> None:
        keys = sign(desk, tmp_path / "list.json")

        assert keys.drop == server.key.public_key().public_bytes_raw().hex()
        assert keys.fingerprints == set(server.newsroom.fingerprints)
        assert keys.desks == {signing_key(desk): settings_of(desk).desk.name}
        assert any(block.startswith("-----BEGIN") for block in keys.readers.values())

    def test_again_at_once_is_newer_all_the_same(self, desk: DeskAt, tmp_path: Path) -> None:
        first, second = sign(desk, tmp_path / "1.json"), sign(desk, tmp_path / "2.json")

        assert second.signed_at > first.signed_at

    def test_by_a_clock_that_was_far_ahead_once_goes_by_the_clock_again(
        self, desk: DeskAt, tmp_path: Path
    ) -> None:
        change(desk, signed_at=int(datetime(2094, 1, 1, tzinfo=UTC).timestamp()))

        assert sign(desk, tmp_path / "list.json").signed_at <= datetime.now(UTC).timestamp()

    def test_on_a_stick_is_named_for_the_day_and_overwrites_nothing(
        self, desk: DeskAt, stick: Path
    ) -> None:
        stick.mkdir()
        assert desk("keys", "sign", "--to", stick).code == 0
        (file,) = stick.iterdir()
        content = file.read_bytes()

        assert file.stat().st_mode & 0o777 == 0o644, "another machine's user reads it"
        assert file.name == f"keys-{datetime.now(UTC).date()}.json"
        assert desk("keys", "sign", "--to", stick).code == 0
        assert (stick / f"{file.stem}-2.json").exists()
        assert file.read_bytes() == content


class TestAnotherDesksList:
    @pytest.fixture
    def other(self, desk: DeskAt) -> Ed25519PrivateKey:
        """A desk that this one knows to sign."""
        key = Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes_raw().hex()
        change(desk, signers={public: "other"}, signed_at=100)
        return key

    def listed(self, desk: DeskAt, key: Ed25519PrivateKey, **said: object) -> KeyList:
        known = settings_of(desk).server
        readers = dict.fromkeys(known.newsroom[:1], "")
        whole = KeyList(known.export_key, 101, readers, known.signers)
        return KeyList(**{name: said.get(name, getattr(whole, name)) for name in
                          KeyList.__dataclass_fields__})  # fmt: skip

    def test_is_this_desks_from_then_on(
        self, desk: DeskAt, other: Ed25519PrivateKey, tmp_path: Path
    ) -> None:
        keys = self.listed(desk, other)
        (tmp_path / "list.json").write_bytes(signed(keys, other))

        assert desk("keys", "add", tmp_path / "list.json").code == 0
        assert set(settings_of(desk).server.newsroom) == keys.fingerprints
        assert desk("keys", "sign", "--to", tmp_path / "own.json").code == 3, "it may not sign"

    @pytest.mark.parametrize(
        "said", [{"signed_at": 100}, {"signed_at": 3_900_000_000}, {"drop": "00" * 32}]
    )
    def test_that_is_older_or_of_a_day_to_come_or_for_another_drop_changes_nothing(
        self, desk: DeskAt, other: Ed25519PrivateKey, tmp_path: Path, said: dict[str, object]
    ) -> None:
        before = settings_of(desk)
        (tmp_path / "list.json").write_bytes(signed(self.listed(desk, other, **said), other))

        assert desk("keys", "add", tmp_path / "list.json").code == 3
        assert settings_of(desk) == before

    def test_that_a_strange_desk_signed_changes_nothing(
        self, desk: DeskAt, other: Ed25519PrivateKey, tmp_path: Path
    ) -> None:
        before, stranger = settings_of(desk), Ed25519PrivateKey.generate()
        (tmp_path / "list.json").write_bytes(signed(self.listed(desk, other), stranger))

        assert desk("keys", "add", tmp_path / "list.json").code == 3
        assert settings_of(desk) == before


class TestDropsSealedBeforeAChange:
    def alarms(self, desk: DeskAt, server: Server, stick: Path) -> list[str]:
        desk("import", server.export(stick))
        (row,) = desk("open", "--all", "--json").json
        return list(row["alarms"])

    def test_raise_no_alarm(
        self, desk: DeskAt, server: Server, stranger: Person, stranger_key: Path, stick: Path
    ) -> None:
        server.receive()
        add(desk, stranger, stranger_key)

        assert self.alarms(desk, server, stick) == []

    def test_are_told_when_they_came_after_a_key_was_retired(
        self, desk: DeskAt, server: Server, colleague: Person, stick: Path
    ) -> None:
        fingerprint = colleague.fingerprint
        desk("keys", "retire", fingerprint, "--confirm", fingerprint)
        (earlier,) = settings_of(desk).server.earlier
        assert earlier == Earlier(server.newsroom.digest.hex(), 2, f"{datetime.now(UTC).date()}")
        change(desk, earlier=(msgspec.structs.replace(earlier, until=YESTERDAY),))
        server.receive()

        assert self.alarms(desk, server, stick) == ["sealed to the newsroom's earlier keys"]

    def test_must_still_be_sealed_to_as_many_keys_as_there_were(
        self, desk: DeskAt, server: Server, stranger: Person, stranger_key: Path, stick: Path
    ) -> None:
        server.receive()
        add(desk, stranger, stranger_key)
        (earlier,) = settings_of(desk).server.earlier
        change(desk, earlier=(msgspec.structs.replace(earlier, keys=1),))

        assert self.alarms(desk, server, stick) == ["sealed to more keys than the newsroom has"]


class TestTheServersFileOnceMore:
    @pytest.fixture
    def tell_again(self, desk: DeskAt, tmp_path: Path) -> Callable[[dict[str, object]], Answer]:
        def told(said: dict[str, object]) -> Answer:
            file = tmp_path / "again.json"
            file.write_text(json.dumps(said))
            return desk("pair", file, *words(file))

        return told

    def test_tells_who_signs_and_the_canary(
        self, desk: DeskAt, tell_again: Callable[[dict[str, object]], Answer]
    ) -> None:
        known = settings_of(desk).server
        canary = {"pseudonym": "ozone fiber", "mailbox_id": "ab" * 16}
        said = {"version": 2, "kind": "tapedrop server 2", "export_key": known.export_key}
        done = tell_again(said | {"newsroom": [], "desks": {"cd" * 32: "b"}, "canary": canary})

        assert done.code == 0, done.err
        after = settings_of(desk).server
        assert after.signers == {"cd" * 32: "b"}
        assert after.canary is not None
        assert after.newsroom == known.newsroom
        assert f"b may sign key lists, the desk whose key is {'cd' * 32}" in done.err

    def test_names_no_desk_that_signs_to_one_that_knows_who_does(
        self, desk: DeskAt, tell_again: Callable[[dict[str, object]], Answer]
    ) -> None:
        # Or staff, who write that file, could have a desk of theirs sign for a reader.
        change(desk, signers={signing_key(desk): "a"})
        known = settings_of(desk).server
        said = {"version": 2, "kind": "tapedrop server 2", "export_key": known.export_key}
        desks = known.signers | {"cd" * 32: "theirs"}
        done = tell_again(said | {"newsroom": [], "desks": desks})

        assert settings_of(desk).server == known
        assert "other desks" in done.err
        assert "theirs" in done.err

    def test_is_refused_when_it_is_another_servers(
        self, desk: DeskAt, tell_again: Callable[[dict[str, object]], Answer]
    ) -> None:
        said = {"version": 1, "kind": "tapedrop server 1", "export_key": "00" * 32, "newsroom": []}

        assert tell_again(said).code == 3


class TestTheSettings:
    def test_read_as_they_were_written(self, desk: DeskAt) -> None:
        earlier = (Earlier("ab" * 32, 2), Earlier("cd" * 32, 1, YESTERDAY))
        change(desk, signed_at=7, signers={"ef" * 32: "Desk two"}, earlier=earlier)

        known = settings_of(desk).server
        assert (known.signed_at, known.earlier) == (7, earlier)
        assert known.signers == {"ef" * 32: "Desk two"}

    def test_of_a_desk_from_before_say_that_it_signs_itself(self, desk: DeskAt) -> None:
        path = desk.folder / "desk.toml"
        lines = path.read_text().splitlines(keepends=True)
        new = ("signed_at", "signers", "earlier", "]\n")
        start = next(at for at, line in enumerate(lines) if line.startswith("signed_at"))
        end = start + next(at for at, line in enumerate(lines[start:]) if line == "]\n") + 1
        path.write_text("".join(lines[:start] + lines[end:]))
        assert not any(word in path.read_text() for word in new[:3])

        assert desk("keys", "list", "--json").json["desks"] == {
            signing_key(desk): settings_of(desk).desk.name
        }


def change(desk: DeskAt, **said: object) -> None:
    settings = settings_of(desk)
    server = msgspec.structs.replace(settings.server, **said)
    after = msgspec.structs.replace(settings, server=server)
    (desk.folder / "desk.toml").write_bytes(written(after))
    assert settings_of(desk) == after
    assert date.fromisoformat(YESTERDAY) < datetime.now(UTC).date()
