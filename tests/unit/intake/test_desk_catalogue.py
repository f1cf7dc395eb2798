"""The catalogue, and the vault that it stands on."""

import secrets
from dataclasses import replace
from pathlib import Path

import pytest
from desks import manifest
from sqlcipher3 import dbapi2 as sqlcipher

from crypto.manifest import Condition, Source
from intake import catalogue
from intake.drop import Alarm, SetAside, Status, number_of
from intake.errors import CatalogueFailed, CatalogueNewer, UnknownDrop, VaultDamaged
from intake.vault import Vault, new_vault

KEY = bytes(range(32))
FIRST, SECOND, THIRD = (bytes([number]) * 32 for number in range(3))
SAID = replace(manifest(5), day="2026-11-20", sha256="ab" * 32, recipients=2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.db"


class TestWhatItKeeps:
    def test_a_manifest_comes_back_as_it_was(self, path: Path) -> None:
        with catalogue.opened(path, KEY) as desk:
            desk.adopt(arrived=[FIRST], promised=[])
            desk.opened(desk.drop(1), SAID, [Alarm.MISCOUNTED])
        with catalogue.opened(path, KEY) as desk:
            drop = desk.drop(1)
        assert drop.manifest == SAID
        assert (drop.status, drop.alarms) == (Status.OPENED, (Alarm.MISCOUNTED,))

    def test_opening_twice_leaves_the_later_account(self, path: Path) -> None:
        other = replace(
            SAID, condition=Condition.UNCLEANED, removed={}, remains={"location": 3}, values=()
        )
        with catalogue.opened(path, KEY) as desk:
            desk.adopt(arrived=[FIRST], promised=[])
            desk.opened(desk.drop(1), SAID, [Alarm.MISCOUNTED])
            assert desk.opened(desk.drop(1), other, []).manifest == other
            assert desk.drop(1).alarms == ()

    def test_a_pseudonym_can_not_be_taken_over_by_a_later_drop(self, path: Path) -> None:
        forged = replace(SAID, source=Source("other words", SAID.source.mailbox_id, "00"))
        with catalogue.opened(path, KEY) as desk:
            desk.adopt(arrived=[FIRST, SECOND], promised=[])
            desk.opened(desk.drop(1), SAID, [])
            desk.opened(desk.drop(2), forged, [])
            assert [drop.manifest for drop in desk.drops()] == [SAID, forged]

    def test_what_was_promised_and_did_not_arrive_is_noted_until_it_does(self, path: Path) -> None:
        with catalogue.opened(path, KEY) as desk:
            desk.adopt(arrived=[FIRST], promised=[FIRST, SECOND])
            assert desk.drop(2).set_aside is SetAside.NOT_ARRIVED
            desk.adopt(arrived=[FIRST, SECOND], promised=[FIRST, SECOND])
            assert desk.drop(2).status is Status.STORED

    def test_adopting_again_changes_neither_numbers_nor_what_is_known(self, path: Path) -> None:
        with catalogue.opened(path, KEY) as desk:
            desk.adopt(arrived=[SECOND], promised=[])
            desk.set_aside(desk.drop(1), SetAside.TAMPERED)
            desk.adopt(arrived=[FIRST, SECOND, THIRD], promised=[SECOND])
            assert [drop.digest for drop in desk.drops()] == [SECOND, FIRST, THIRD]
            assert desk.drop(1).set_aside is SetAside.TAMPERED

    def test_what_fails_in_the_middle_leaves_all_as_it_was(self, path: Path) -> None:
        with catalogue.opened(path, KEY) as desk:
            desk.adopt(arrived=[FIRST], promised=[])
            before = desk.opened(desk.drop(1), SAID, [])
        impossible = replace(SAID, size="not a number")  # type: ignore[arg-type]
        with pytest.raises(CatalogueFailed), catalogue.opened(path, KEY) as desk:
            desk.opened(before, impossible, [])
        with catalogue.opened(path, KEY) as desk:
            assert desk.drop(1) == before

    def test_a_number_that_is_not_there_is_unknown(self, path: Path) -> None:
        with catalogue.opened(path, KEY) as desk, pytest.raises(UnknownDrop):
            desk.drop(1)


class TestWhoCanReadIt:
    def test_nothing_of_it_is_in_the_clear(self, path: Path) -> None:
        with catalogue.opened(path, KEY) as desk:
            desk.adopt(arrived=[FIRST], promised=[])
            desk.opened(desk.drop(1), SAID, [])
        held = path.read_bytes()
        for needle in (b"SQLite format", b"ozone", b"location", b"CREATE TABLE", FIRST):
            assert needle not in held

    def test_another_key_does_not_open_it(self, path: Path) -> None:
        with catalogue.opened(path, KEY):
            pass
        with pytest.raises(VaultDamaged), catalogue.opened(path, bytes(32)):
            pass

    def test_every_key_of_a_vault_is_another(self) -> None:
        vault = Vault(KEY)
        keys = {vault.key, vault.catalogue_key, vault.working_copy_key}
        assert len(keys) == 3
        assert Vault(KEY).catalogue_key == vault.catalogue_key
        assert new_vault().catalogue_key != vault.catalogue_key

    def test_only_the_vault_can_tell_which_working_copy_is_whose(self) -> None:
        digest = secrets.token_bytes(32)
        assert Vault(KEY).working_copy_name(digest) != new_vault().working_copy_name(digest)
        assert len(Vault(KEY).working_copy_name(digest)) == 32

    def test_a_vault_never_prints_its_key(self) -> None:
        assert KEY.hex() not in repr(Vault(KEY))
        assert repr(KEY) not in repr(Vault(KEY))


class TestItsVersions:
    def test_one_from_a_later_desk_is_left_alone(self, path: Path) -> None:
        with catalogue.opened(path, KEY):
            pass
        connection = sqlcipher.connect(str(path))
        connection.execute(f"PRAGMA key = \"x'{KEY.hex()}'\"")
        connection.execute("PRAGMA user_version = 999")
        connection.close()
        with pytest.raises(CatalogueNewer), catalogue.opened(path, KEY):
            pass

    def test_one_from_before_values_were_kept_is_brought_up_to_date(self, path: Path) -> None:
        with catalogue.opened(path, KEY) as desk:
            desk.adopt(arrived=[FIRST], promised=[])
            before = desk.opened(desk.drop(1), replace(SAID, values=()), [])
        connection = sqlcipher.connect(str(path))
        connection.execute(f"PRAGMA key = \"x'{KEY.hex()}'\"")
        connection.executescript(
            "DROP TABLE removed_values; DROP TABLE told; DROP TABLE canaries;"
            "PRAGMA user_version = 1"
        )
        connection.close()

        with catalogue.opened(path, KEY) as desk:
            assert desk.drop(1) == before
            assert desk.opened(desk.drop(1), SAID, []).manifest == SAID

    def test_one_that_is_lost_is_made_anew(self, path: Path) -> None:
        with catalogue.opened(path, KEY) as desk:
            assert desk.drops() == []


class TestIds:
    @pytest.mark.parametrize("said", ["drop-0007", "drop-7", "0007", "7"])
    def test_people_may_say_them_short(self, said: str) -> None:
        assert number_of(said) == 7

    def test_they_go_on_after_four_digits(self) -> None:
        assert number_of("drop-12345") == 12345

    @pytest.mark.parametrize("said", ["", "drop-", "drop-0", "7\n", "-7", "drop-7/../8", "9" * 30])
    def test_anything_else_is_unknown(self, said: str) -> None:
        with pytest.raises(UnknownDrop):
            number_of(said)
