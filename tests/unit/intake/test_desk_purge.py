"""Destroying drops for good."""

from pathlib import Path
from typing import Any

import pytest
from desks import CANARY, SOURCE, DeskAt
from sqlcipher3 import dbapi2 as sqlcipher
from vaults import RARE, everything_known, noted

from intake import catalogue
from intake.cli.desk import unlocked
from intake.keeping import purging
from intake.layout import Layout
from intake.vault import Vault

pytestmark = pytest.mark.usefixtures("opened_once")


def purged(desk: DeskAt, *ids: str) -> Any:
    count = "1 drop" if len(ids) == 1 else f"{len(ids)} drops"
    return desk("purge", *ids, "--confirm", f"purge {count}", "--json")


class TestPurging:
    def test_nothing_is_left_but_the_number_and_the_log(self, busy: DeskAt) -> None:
        digest, session_key = noted(busy.folder, 1)
        for word in (session_key.encode(), RARE, SOURCE.pseudonym.encode()):
            assert word in everything_known(busy.folder)
        assert purged(busy, "drop-0001").json == {"purged": ["drop-0001"]}
        known = everything_known(busy.folder)
        for word in (session_key.encode(), RARE, SOURCE.pseudonym.encode(),
                     SOURCE.mailbox_id.hex().encode()):  # fmt: skip
            assert word not in known
        assert known.count(digest) == 1  # in `drops`, so that it can't come back
        assert busy.files("working") == []
        assert digest.hex() not in [path.stem for path in busy.files("evidence")]

    def test_half_a_copy_that_a_killed_command_left_goes_too(self, busy: DeskAt) -> None:
        (copy,) = busy.files("working")
        copy.with_name(f"{copy.name}.0123456789abcdef.part").write_bytes(copy.read_bytes()[:100])
        assert purged(busy, "drop-0001").code == 0
        assert busy.files("working") == []

    def test_the_others_are_as_they_were(self, busy: DeskAt) -> None:
        before = busy("list", "--json").json
        assert purged(busy, "drop-0001").code == 0
        assert busy("list", "--json").json == before[1:]
        assert busy("open", "drop-0002").code == 0
        assert busy("log", "verify").code == 0

    def test_the_custody_log_tells_of_it(self, busy: DeskAt) -> None:
        purged(busy, "drop-0001")
        assert '"purged"' in busy("log", "--json").out

    def test_what_can_be_done_with_a_drop_can_not_be_done_with_one_that_is_gone(
        self, busy: DeskAt, tmp_path: Path
    ) -> None:
        purged(busy, "drop-0001")
        for verb in (("show",), ("open",), ("export", "--to", tmp_path / "x"), ("retain",)):
            done = busy(*verb, "drop-0001")
            assert done.code == 2
            assert "was purged" in done.err

    def test_a_stick_does_not_bring_it_back(self, busy: DeskAt, stick: Path) -> None:
        purged(busy, "drop-0001")
        assert busy("import", stick).code == 0
        assert [row["id"] for row in busy("list", "--json").json] == ["drop-0002"]
        assert len(busy.files("evidence")) == 1

    def test_what_another_desk_says_of_it_is_not_taken_in(self, busy: DeskAt) -> None:
        digest, _ = noted(busy.folder, 1)
        with unlocked(Layout.of(busy.folder)) as room:
            said = list(room.catalogue.records.revisions(about=digest))
        purged(busy, "drop-0001")
        with unlocked(Layout.of(busy.folder)) as room:
            assert room.catalogue.records.merge(said).new == 0

    def test_a_source_with_another_drop_is_still_known(self, busy: DeskAt) -> None:
        busy("open", "drop-0002")
        purged(busy, "drop-0001")
        assert SOURCE.pseudonym.encode() in everything_known(busy.folder)
        purged(busy, "drop-0002")
        assert SOURCE.pseudonym.encode() not in everything_known(busy.folder)

    def test_what_waits_for_a_source_that_is_gone_goes_too(
        self, busy: DeskAt, tmp_path: Path
    ) -> None:
        assert busy("receipt", "--to", tmp_path / "out").code == 0
        own = [path for path in busy.files("outbox") if SOURCE.mailbox_id.hex() in path.name]
        assert own
        purged(busy, "drop-0001")
        assert busy.files("outbox") == []


class TestTheSchema:
    def test_every_table_that_speaks_of_a_drop_is_known_to_forget_it(self, tmp_path: Path) -> None:
        # Those that say so by a reference are found by it; these few are emptied by name.
        by_name = {"drops", "records", "subjects", "backed_up"}
        speaks = {"drop", "drop_number", "digest", "about", "envelope", "sha256"}
        path, vault = tmp_path / "catalogue.db", Vault(bytes(32))
        with catalogue.opened(path, vault):
            pass
        connection = sqlcipher.connect(str(path))
        connection.execute(f"PRAGMA key = \"x'{vault.catalogue_key.hex()}'\"")
        for (table,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table'"
        ).fetchall():
            columns = {row[1] for row in connection.execute(f"PRAGMA table_info('{table}')")}
            targets = {row[2] for row in connection.execute(f"PRAGMA foreign_key_list('{table}')")}
            if columns & speaks and table not in by_name:
                assert targets & {"drops", "recordings"}, table
        connection.close()


class TestReplies:
    def test_that_nobody_carried_yet_are_named_before_they_go(
        self, busy: DeskAt, tmp_path: Path
    ) -> None:
        (tmp_path / "answer.txt").write_text("thank you")
        said = busy("reply", "drop-0001", "--text-from", tmp_path / "answer.txt", "--as-it-is")
        assert said.code == 0, said.err
        done = busy("purge", "drop-0001", "--confirm", "purge 1 drop")
        assert "no receipt has carried out yet: 1" in done.err
        assert done.code == 0


class TestWhatIsRefused:
    def test_what_is_on_hold_stays_and_so_do_the_others(self, busy: DeskAt) -> None:
        busy("retain", "drop-0002", "--hold", "court")
        done = purged(busy, "drop-0001", "drop-0002")
        assert done.code == 3
        assert "drop-0002 stays: it is on hold: court" in done.err
        assert len(busy("list", "--json").json) == 2

    def test_the_count_must_be_typed(self, busy: DeskAt) -> None:
        refused = busy("purge", "drop-0001", "--confirm", "yes")
        assert refused.code == 3
        assert "type it as the question has it" in refused.err
        assert busy("purge", "drop-0001").code == 2
        assert len(busy("list", "--json").json) == 2

    def test_drops_or_due_must_be_said(self, busy: DeskAt) -> None:
        assert busy("purge").code == 2
        assert busy("purge", "drop-0001", "--due").code == 2

    def test_it_is_not_begun_while_somebody_else_is_at_work(self, busy: DeskAt) -> None:
        with unlocked(Layout.of(busy.folder)):
            assert purged(busy, "drop-0001").code == 5


class TestWhatIsDue:
    def test_goes_when_its_time_is_over(self, busy: DeskAt) -> None:
        busy("retain", "drop-0001", "--until", "2020-01-01")
        busy("retain", "drop-0002", "--days", "1")
        assert busy("purge", "--due", "--confirm", "purge 1 drop", "--json").json == {
            "purged": ["drop-0001"]
        }
        assert busy("purge", "--due", "--json").json == {"purged": []}


class TestKilledBetween:
    @pytest.mark.parametrize("moment", ["sweep", "forget_all"])
    def test_the_next_command_finishes_it(
        self, busy: DeskAt, monkeypatch: pytest.MonkeyPatch, moment: str
    ) -> None:
        digest, _ = noted(busy.folder, 1)

        class Killed(BaseException):
            pass

        def killed(*_arguments: object) -> None:
            raise Killed

        with monkeypatch.context() as patch:
            if moment == "sweep":
                patch.setattr(purging, "sweep", killed)
            else:
                patch.setattr("intake.arriving.evidence.Evidence.forget", killed)
            with pytest.raises(Killed):
                purged(busy, "drop-0001")
        assert digest.hex() in [path.stem for path in busy.files("evidence")]
        assert busy("list").code == 0
        assert digest.hex() not in [path.stem for path in busy.files("evidence")]
        assert busy.files("working") == []


class TestBackups:
    def test_the_next_one_takes_it_from_the_disk_with_the_snapshots_that_know_its_keys(
        self, busy: DeskAt, disk: Path
    ) -> None:
        digest, _ = noted(busy.folder, 1)
        first = Path(busy("backup", "--to", disk, "--json").json["snapshot"])
        done = busy("purge", "drop-0001", "--confirm", "purge 1 drop")
        assert "backups on 1 disk have them" in done.err
        again = busy("backup", "--to", disk, "--json").json
        assert (again["purged"], again["removed"], again["envelopes"]) == (1, 1, 1)
        assert not first.exists()
        with unlocked(Layout.of(busy.folder)) as room:  # a receipt may still say `opened`
            assert room.catalogue.backups.holds(digest)
        assert not list(disk.rglob(f"{digest.hex()}*"))

    def test_it_tells_what_else_still_has_it(self, busy: DeskAt, tmp_path: Path) -> None:
        busy("export", "drop-0001", "--to", tmp_path / "out.wav")
        done = busy("purge", "drop-0001", "--confirm", "purge 1 drop")
        assert "1 drop exported" in done.err
        assert "newsroom key of then" in done.err
        assert CANARY in (tmp_path / "out.wav").read_bytes()
