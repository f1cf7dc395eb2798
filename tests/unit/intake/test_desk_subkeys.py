"""A quarter's subkey: what needs it, and that it goes alone when nothing does."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from desks import Answer, DeskAt, Person, Server, public_home
from doomed import killed
from keyrings import LONG_AGO, Keyring, keyring
from test_desk_cleaning import encrypted, sent, tagged

from crypto.errors import NoKeyOpens
from crypto.gpg import Gpg
from intake.cli import open_
from intake.cli.desk import unlocked
from intake.layout import Layout


@dataclass(frozen=True)
class Quarters:
    """A reporter's desk that opened a drop last quarter, and has a new subkey since."""

    desk: DeskAt
    ring: Keyring
    envelope: bytes
    primary: str
    old: str
    new: str
    disk: Path

    def spent(self) -> dict[str, list[str]]:
        return {row["subkey"]: row["needed"] for row in self.desk("keys", "spent", "--json").json}

    def backed_up(self) -> "Quarters":
        answer = self.desk("backup", "--to", self.disk)
        assert answer.code == 0, answer.err
        return self

    def signed(self) -> "Quarters":
        answer = self.desk("keys", "sign", "--to", self.disk)
        assert answer.code == 0, answer.err
        return self

    def destroy(self, which: str, typed: str | None = None) -> Answer:
        return self.desk("keys", "destroy", which, "--confirm", typed or which)


@pytest.fixture
def ring() -> Iterator[Keyring]:
    with keyring() as made:
        yield made


@pytest.fixture
def quarters(
    ring: Keyring, make_desk: Callable[..., DeskAt], server: Server, stick: Path, tmp_path: Path
) -> Quarters:
    primary = ring.new_key("reporter", at=LONG_AGO)
    (old,) = [key.fingerprint for key in ring.gpg.secret_keys()]
    person = Person(ring.home, primary)
    server.home, server.key = public_home(tmp_path / "n", [person]), Ed25519PrivateKey.generate()
    desk = make_desk(person, "quarters")
    name = server.receive()
    desk("import", server.export(stick))
    assert desk("open", "--all").code == 0
    new = ring.new_subkey(primary)
    (tmp_path / "disk").mkdir()
    return Quarters(desk, ring, server.sealed[name], primary, old, new, tmp_path / "disk")


class TestASubkeyThatIsNeeded:
    def test_every_reason_is_named_and_how_many_drops_it_opened(self, quarters: Quarters) -> None:
        rows = quarters.desk("keys", "spent", "--json").json
        assert {row["subkey"]: row["opened"] for row in rows} == {quarters.old: 1, quarters.new: 0}
        assert quarters.spent() == {
            quarters.new: ["new drops are sealed to it"],
            quarters.old: [
                "the server has not been told of a newer one (keys sign)",
                "the vault's key is sealed to it",
                "of the drops that it opened, 1 is in no verified backup",
            ],
        }

    def test_none_is_spent_while_a_drop_waits_to_be_opened(
        self, quarters: Quarters, server: Server, tmp_path: Path
    ) -> None:
        server.receive(b"another")
        quarters.desk("import", server.export(tmp_path / "second"))
        assert all("1 drop is not open yet" in needed for needed in quarters.spent().values())

    def test_every_one_is_needed_by_a_drop_in_no_backup_that_a_colleagues_word_opened(
        self, quarters: Quarters
    ) -> None:
        with unlocked(Layout.of(quarters.desk.folder)) as room:
            digest = room.catalogue.drops.drop(1).digest
            keys = room.catalogue.keys.of(digest)
            assert keys is not None
            room.catalogue.keys.keep(digest, replace(keys, subkey=None))
        needs = "1 drop is open by a colleague's session key, and in no verified backup"
        assert all(needs in needed for needed in quarters.spent().values())

    def test_one_is_needed_by_what_it_alone_opened_inside_of_a_drop_in_no_backup(
        self, quarters: Quarters, server: Server, stick: Path
    ) -> None:
        quarters.signed()
        sent(server, encrypted(tagged(), Person(quarters.ring.home, f"{quarters.old}!")))
        quarters.desk("import", server.export(stick))
        assert "cleaned at this desk" in quarters.desk("open", "--all").err
        with unlocked(Layout.of(quarters.desk.folder)) as room:
            for drop in room.catalogue.drops.all():  # the server had the new list already
                keys = room.catalogue.keys.of(drop.digest)
                assert keys is not None
                room.catalogue.keys.keep(drop.digest, replace(keys, subkey=quarters.new))

        needs = "of the drops that it opened, 1 is in no verified backup"
        assert needs in quarters.spent()[quarters.old]
        assert needs not in quarters.backed_up().spent()[quarters.old]

    def test_every_one_is_needed_by_what_a_source_encrypted_and_nobody_has_tried_to_open(
        self, quarters: Quarters, server: Server, stick: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        quarters.signed()
        sent(server, encrypted(tagged(), Person(quarters.ring.home, f"{quarters.old}!")))
        quarters.desk("import", server.export(stick))
        with monkeypatch.context() as patch:
            patch.setattr(open_, "_look_into", lambda *_given: None)  # the power went just then
            assert quarters.desk("open", "--all").code == 0
        quarters.backed_up()
        needs = "1 drop is open, but what its source encrypted may not be (open --all)"
        assert needs in quarters.spent()[quarters.old]
        with unlocked(Layout.of(quarters.desk.folder)) as room:  # as a merge does
            for drop in room.catalogue.drops.all():
                room.catalogue.keys.keep_inside(drop.digest, f"9:{bytes(32).hex()}", None)
        assert needs in quarters.backed_up().spent()[quarters.old]

        assert quarters.desk("open", "--all").code == 0

        assert needs not in quarters.backed_up().spent()[quarters.old]

    def test_it_is_not_destroyed_and_neither_is_a_primary_key_or_somebody_elses(
        self, quarters: Quarters
    ) -> None:
        for fingerprint in (quarters.old, quarters.new):
            answer = quarters.destroy(fingerprint)
            assert answer.code == 3
            assert f"the subkey {fingerprint} stays: " in answer.err
        for fingerprint in (quarters.primary, "0" * 40):
            assert quarters.destroy(fingerprint).code == 3
        assert len(quarters.ring.gpg.secret_keys()) == 2


class TestASubkeyThatIsSpent:
    @pytest.fixture
    def resealed(self, quarters: Quarters) -> Quarters:
        """All is done but a backup of the vault as it is sealed now."""
        quarters.signed().backed_up()
        assert quarters.spent()[quarters.old] == ["the vault's key is sealed to it"]
        answer = quarters.destroy(quarters.old)
        assert answer.code == 3
        assert f"the vault's key is sealed to {quarters.new} now" in answer.err
        assert "no backup was made since the vault's key was sealed to another" in answer.err
        return quarters

    def test_it_alone_goes_once_the_vault_is_backed_up_as_it_is_sealed_now(
        self, resealed: Quarters
    ) -> None:
        answer = resealed.backed_up().destroy(resealed.old)

        assert (answer.code, answer.out) == (0, f"the secret half of {resealed.old} is gone\n")
        listed = resealed.ring.run("--list-secret-keys", "--with-colons").decode().splitlines()
        where = [line.split(":")[14] for line in listed if line[:3] in {"sec", "ssb"}]
        assert where == ["+", "#", "+"]
        rows = resealed.desk("log", "--json").json
        assert [(row["act"], row["said"]) for row in rows if "key" in row["said"]] == [
            ("sealed the vault anew", {"key": resealed.new}),
            ("destroyed a key", {"key": resealed.old}),
        ]

    def test_a_disk_that_was_left_out_is_named_before_it_goes(
        self, resealed: Quarters, tmp_path: Path
    ) -> None:
        (left_out,) = resealed.desk("backup", "--json").json["backups"]
        other = tmp_path / "other"
        other.mkdir()
        assert resealed.desk("backup", "--to", other).code == 0

        answer = resealed.destroy(resealed.old)

        assert f"warning: the disk {left_out['disk'][:8]} was last backed up to" in answer.err
        assert answer.err.count("warning: the disk") == 1

    def test_what_the_desk_opened_stays_open_and_nothing_else_opens_it(
        self, resealed: Quarters
    ) -> None:
        resealed.backed_up().destroy(resealed.old)
        subprocess.run(["gpgconf", "--homedir", resealed.ring.home, "--kill", "all"], check=True)

        resealed.desk.files("working")[0].unlink()
        assert resealed.desk("open", "1").code == 0
        with pytest.raises(NoKeyOpens):
            Gpg(resealed.ring.home).decrypt([resealed.envelope], lambda _block: None)

    def test_another_fingerprint_typed_destroys_nothing(self, resealed: Quarters) -> None:
        assert resealed.backed_up().destroy(resealed.old, typed=resealed.new).code == 3
        assert len(resealed.ring.gpg.secret_keys()) == 2


class TestADeskThatIsKilledMeanwhile:
    @pytest.mark.parametrize(
        ("moment", "sealed_to"),
        [("intake.subkeys:rewrite", "old"), ("intake.durable:sync_folder", "new")],
    )
    def test_the_vault_opens_and_no_backup_from_before_counts(
        self, quarters: Quarters, moment: str, sealed_to: str
    ) -> None:
        quarters.signed().backed_up()
        assert killed(quarters.desk, moment, 1, "keys", "destroy", quarters.old)

        needed = quarters.spent()[quarters.old]
        assert needed == [
            "the vault's key is sealed to it"
            if sealed_to == "old"
            else "no backup was made since the vault's key was sealed to another"
        ]
        assert quarters.destroy(quarters.old).code == 3
        assert quarters.backed_up().destroy(quarters.old).code == 0

    def test_a_key_that_is_gone_is_in_the_log(self, quarters: Quarters) -> None:
        quarters.signed().backed_up().destroy(quarters.old)
        quarters.backed_up()
        moment = "crypto.gpg:Gpg.delete_secret_subkey"
        typed = ["--confirm", quarters.old]
        assert killed(quarters.desk, moment, 1, "keys", "destroy", quarters.old, *typed)
        assert quarters.desk("log", "--json").json[-1]["act"] == "destroyed a key"
        assert quarters.destroy(quarters.old).code == 0
