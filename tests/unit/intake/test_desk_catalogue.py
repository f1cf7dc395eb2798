"""The catalogue, and the vault that it stands on."""

import re
import secrets
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from desks import manifest
from sqlcipher3 import dbapi2 as sqlcipher

from crypto.manifest import Condition, Source
from intake import catalogue
from intake.catalogue.database import Database
from intake.drop import Alarm, SetAside, Status, number_of
from intake.errors import CatalogueFailed, CatalogueNewer, UnknownDrop, VaultDamaged
from intake.pen import Pen
from intake.vault import Vault, new_vault

KEY = bytes(range(32))
VAULT = Vault(KEY)
FIRST_TABLES = ("drops", "sources", "recordings", "findings", "alarms")
FIRST, SECOND, THIRD = (bytes([number]) * 32 for number in range(3))
SAID = replace(manifest(5), day="2026-11-20", sha256="ab" * 32, recipients=2)


def later(connection: Any) -> list[str]:
    """Return the tables that came after the first version."""
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    of_search = re.compile("words_.*")  # they go with `words`
    return [name for (name,) in rows if name not in FIRST_TABLES and not of_search.fullmatch(name)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.db"


class TestWhatItKeeps:
    def test_a_manifest_comes_back_as_it_was(self, path: Path) -> None:
        with catalogue.opened(path, VAULT) as desk:
            desk.drops.adopt(arrived=[FIRST], promised=[])
            desk.drops.opened(desk.drops.drop(1), SAID, [Alarm.MISCOUNTED])
        with catalogue.opened(path, VAULT) as desk:
            drop = desk.drops.drop(1)
        assert drop.manifest == SAID
        assert (drop.status, drop.alarms) == (Status.OPENED, (Alarm.MISCOUNTED,))

    def test_opening_twice_leaves_the_later_account(self, path: Path) -> None:
        other = replace(
            SAID, condition=Condition.UNCLEANED, removed={}, remains={"location": 3}, values=()
        )
        with catalogue.opened(path, VAULT) as desk:
            desk.drops.adopt(arrived=[FIRST], promised=[])
            desk.drops.opened(desk.drops.drop(1), SAID, [Alarm.MISCOUNTED])
            assert desk.drops.opened(desk.drops.drop(1), other, []).manifest == other
            assert desk.drops.drop(1).alarms == ()

    def test_a_pseudonym_can_not_be_taken_over_by_a_later_drop(self, path: Path) -> None:
        forged = replace(SAID, source=Source("other words", SAID.source.mailbox_id, "00"))
        with catalogue.opened(path, VAULT) as desk:
            desk.drops.adopt(arrived=[FIRST, SECOND], promised=[])
            desk.drops.opened(desk.drops.drop(1), SAID, [])
            desk.drops.opened(desk.drops.drop(2), forged, [])
            assert [drop.manifest for drop in desk.drops.all()] == [SAID, forged]

    def test_what_was_promised_and_did_not_arrive_is_noted_until_it_does(self, path: Path) -> None:
        with catalogue.opened(path, VAULT) as desk:
            desk.drops.adopt(arrived=[FIRST], promised=[FIRST, SECOND])
            assert desk.drops.drop(2).set_aside is SetAside.NOT_ARRIVED
            desk.drops.adopt(arrived=[FIRST, SECOND], promised=[FIRST, SECOND])
            assert desk.drops.drop(2).status is Status.STORED

    def test_adopting_again_changes_neither_numbers_nor_what_is_known(self, path: Path) -> None:
        with catalogue.opened(path, VAULT) as desk:
            desk.drops.adopt(arrived=[SECOND], promised=[])
            desk.drops.set_aside(desk.drops.drop(1), SetAside.TAMPERED)
            desk.drops.adopt(arrived=[FIRST, SECOND, THIRD], promised=[SECOND])
            assert [drop.digest for drop in desk.drops.all()] == [SECOND, FIRST, THIRD]
            assert desk.drops.drop(1).set_aside is SetAside.TAMPERED

    def test_what_fails_in_the_middle_leaves_all_as_it_was(self, path: Path) -> None:
        with catalogue.opened(path, VAULT) as desk:
            desk.drops.adopt(arrived=[FIRST], promised=[])
            before = desk.drops.opened(desk.drops.drop(1), SAID, [])
        impossible = replace(SAID, size="not a number")  # type: ignore[arg-type]
        with pytest.raises(CatalogueFailed), catalogue.opened(path, VAULT) as desk:
            desk.drops.opened(before, impossible, [])
        with catalogue.opened(path, VAULT) as desk:
            assert desk.drops.drop(1) == before

    def test_a_number_that_is_not_there_is_unknown(self, path: Path) -> None:
        with catalogue.opened(path, VAULT) as desk, pytest.raises(UnknownDrop):
            desk.drops.drop(1)


class TestWhoCanReadIt:
    def test_nothing_of_it_is_in_the_clear(self, path: Path) -> None:
        with catalogue.opened(path, VAULT) as desk:
            desk.drops.adopt(arrived=[FIRST], promised=[])
            desk.drops.opened(desk.drops.drop(1), SAID, [])
        held = path.read_bytes()
        for needle in (b"SQLite format", b"ozone", b"location", b"CREATE TABLE", FIRST):
            assert needle not in held

    def test_another_key_does_not_open_it(self, path: Path) -> None:
        with catalogue.opened(path, VAULT):
            pass
        with pytest.raises(VaultDamaged), catalogue.opened(path, Vault(bytes(32))):
            pass

    def test_every_key_of_a_vault_is_another(self) -> None:
        vault = Vault(KEY)
        keys = {vault.key, vault.catalogue_key, vault.working_copy_key(KEY)}
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
        with catalogue.opened(path, VAULT):
            pass
        connection = sqlcipher.connect(str(path))
        connection.execute(f"PRAGMA key = \"x'{VAULT.catalogue_key.hex()}'\"")
        connection.execute("PRAGMA user_version = 999")
        connection.close()
        with pytest.raises(CatalogueNewer), catalogue.opened(path, VAULT):
            pass

    def test_one_from_before_values_were_kept_is_brought_up_to_date(self, path: Path) -> None:
        with catalogue.opened(path, VAULT) as desk:
            desk.drops.adopt(arrived=[FIRST], promised=[])
            before = desk.drops.opened(desk.drops.drop(1), replace(SAID, values=()), [])
        connection = sqlcipher.connect(str(path))
        connection.execute(f"PRAGMA key = \"x'{VAULT.catalogue_key.hex()}'\"")
        connection.executescript(
            "".join(f"DROP TABLE {table};" for table in later(connection))
            + "PRAGMA user_version = 1"
        )
        connection.close()

        with catalogue.opened(path, VAULT) as desk:
            assert desk.drops.drop(1) == before
            assert desk.drops.opened(desk.drops.drop(1), SAID, []).manifest == SAID

    def test_one_that_is_lost_is_made_anew(self, path: Path) -> None:
        with catalogue.opened(path, VAULT) as desk:
            assert desk.drops.all() == []


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


class TestManyDrops:
    def test_cost_no_more_questions_than_few(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[str] = []
        ask = Database.execute

        def counted(self: Database, sql: str, values: Any = ()) -> Any:
            asked.append(sql)
            return ask(self, sql, values)

        with catalogue.opened(path, VAULT) as desk:
            digests = [bytes([number]) * 32 for number in range(40)]
            desk.drops.adopt(arrived=digests, promised=[])
            pen = Pen(desk.records, "AB", date(2026, 11, 21))
            for number, digest in enumerate(digests, 1):
                desk.drops.opened(desk.drops.drop(number), SAID, [Alarm.MISCOUNTED])
                pen.tag(digest, "yard")
                pen.note("a bell", about=digest)
            monkeypatch.setattr(Database, "execute", counted)
            assert [drop.manifest for drop in desk.drops.all()] == [SAID] * 40
            assert len(desk.records.glances()) == 40
        assert len(asked) <= 12
