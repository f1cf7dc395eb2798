"""Making a desk anew from its backup."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from desks import CANARY, DeskAt, Person, flipped

from crypto.own_keys import OwnKeys


class Lost:
    """A desk that was backed up; nobody needs to have it any more."""

    def __init__(self, desk: DeskAt, disk: Path, reporter: Person) -> None:
        self.told = desk("backup", "--to", disk, "--json").json
        self.snapshot = Path(self.told["snapshot"])
        self.evidence = sorted((self.snapshot.parents[1] / "evidence").iterdir())
        self.disk, self.home, self._desk = disk, reporter.home, desk
        self.new = desk.folder.with_name("new")

    def restore(self, *more: object, words: str | None = None, backup: Path | None = None) -> Any:
        return self._desk.tell(
            "restore", backup or self.disk, "--to", self.new, "--gnupg", self.home,
            "--words", words or self.told["words"], *more,
        )  # fmt: skip

    def __call__(self, *arguments: object) -> Any:
        return self._desk.tell("--desk", self.new, *arguments)


@pytest.fixture
def lost(busy: DeskAt, disk: Path, reporter: Person) -> Lost:
    lost = Lost(busy, disk, reporter)
    assert lost.told["envelopes"] == 2
    return lost


class TestRestoring:
    def test_everything_is_as_it_was(self, busy: DeskAt, disk: Path, reporter: Person) -> None:
        for work in (
            ("note", "add", "drop-0001", "a door, then a second voice", "--at", "3:12"),
            ("note", "set", "drop-0001", "--status", "verifying", "--tag", "cells"),
            ("case", "add", "The cellar"),
            ("case", "put", "case-0001", "drop-0001", "drop-0002"),
            ("retain", "drop-0002", "--hold", "asked for by the court"),
        ):
            assert busy(*work).code == 0, work
        lost = Lost(busy, disk, reporter)
        asked = ("list", "show drop-0001", "case show case-0001", "retain", "search voice",
                 "note list drop-0001", "keys list")  # fmt: skip
        verbs = [each.split() for each in asked]
        shown = [busy(*verb, "--json").json for verb in verbs]
        pairing = (busy.folder / "pairing.json").read_bytes()
        shutil.rmtree(busy.folder)
        done = lost.restore()
        assert done.code == 0, done.err
        assert shown == [lost(*verb, "--json").json for verb in verbs]
        assert (lost.new / "pairing.json").read_bytes() == pairing
        assert lost("log", "verify").code == 0

    def test_what_was_open_opens_again_without_the_newsrooms_key(
        self, busy: DeskAt, lost: Lost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shutil.rmtree(busy.folder)
        assert lost.restore().code == 0
        real, asked = OwnKeys.session_key, []

        def noted(own: OwnKeys, sealed: bytes) -> Any:
            asked.append(sealed)
            return real(own, sealed)

        monkeypatch.setattr(OwnKeys, "session_key", noted)
        opened = lost("open", "drop-0001")
        assert opened.code == 0, opened.err
        assert asked == [(lost.new / "vault.key.gpg").read_bytes()]
        assert lost("export", "drop-0001", "--to", tmp_path / "again").code == 0
        assert (tmp_path / "again").read_bytes() == CANARY

    def test_the_custody_log_says_so_and_goes_on(self, lost: Lost) -> None:
        done = lost.restore("--json")
        assert done.json["custody_entry"] == lost.told["head"]
        assert re.search(r'"act": "restored"', lost("log", "--json").out)

    def test_a_restored_desk_knows_that_the_disk_holds_it(self, lost: Lost) -> None:
        lost.restore()
        again = lost("backup", "--to", lost.disk, "--json")
        assert again.code == 0, again.err
        assert again.json["new"] == 0

    def test_a_folder_that_is_in_use_is_left_alone(self, lost: Lost) -> None:
        lost.new.mkdir()
        (lost.new / "mine").write_bytes(b"")
        assert lost.restore().code == 2

    def test_a_link_leads_to_where_it_goes(self, lost: Lost, tmp_path: Path) -> None:
        (tmp_path / "larger").mkdir()
        lost.new.symlink_to(tmp_path / "larger")
        assert lost.restore().code == 0
        assert lost.new.is_symlink()
        assert lost("log", "verify").code == 0

    def test_the_folder_one_is_in_is_no_place_for_it(
        self, lost: Lost, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lost.new.mkdir()
        monkeypatch.chdir(lost.new)
        lost.new = Path()
        done = lost.restore()
        assert done.code == 2
        assert "that is the folder you are in" in done.err

    def test_the_gpg_home_that_the_backup_names_is_not_used(self, lost: Lost) -> None:
        settings = lost.snapshot / "data" / "desk.toml"
        assert str(lost.home) in settings.read_text()
        lost.home = lost.home / "elsewhere"
        assert lost.restore().code == 2


class TestWords:
    def test_others_restore_nothing(self, lost: Lost) -> None:
        done = lost.restore(words=" ".join(["abandon"] * 8))
        assert done.code == 3
        assert not lost.new.exists()

    def test_without_any_it_is_restored_and_somebody_must_compare(self, lost: Lost) -> None:
        done = lost.restore(words="unknown")
        assert done.code == 1
        assert "nobody compared" in done.err
        assert lost("list").code == 0


class TestDamage:
    def test_an_envelope_that_is_damaged_costs_the_others_nothing(
        self, busy: DeskAt, lost: Lost, stick: Path
    ) -> None:
        lost.evidence[0].write_bytes(flipped(lost.evidence[0].read_bytes(), 5000))
        done = lost.restore("--json")
        assert done.code == 1
        (named,) = done.json["damaged"]
        assert named in done.err
        assert len(list((lost.new / "evidence").iterdir())) == 1
        assert lost("import", stick).code == 0
        assert lost("open", named).code == 0

    def test_one_that_is_gone_is_named_too(self, lost: Lost) -> None:
        lost.evidence[1].unlink()
        assert len(lost.restore("--json").json["damaged"]) == 1

    def test_one_that_was_never_opened_is_set_aside_and_the_log_says_so(
        self, busy: DeskAt, lost: Lost, stick: Path
    ) -> None:
        digest = busy("show", "2", "--json").json["sha256"]
        (lost.evidence[0].parent / f"{digest}.gpg").unlink()
        lost.restore()
        lost("import", stick)
        acts = [row["act"] for row in lost("log", "2", "--json").json]
        assert acts == ["imported", "set aside", "imported"]

    @pytest.mark.parametrize(
        "name",
        ["data/catalogue.db", "data/pairing.json", "manifest-sha256.txt", "evidence-sha256.txt",
         "bag-info.txt", "tagmanifest-sha256.txt", "tagmanifest-sha256.txt.ed25519"],
    )  # fmt: skip
    def test_a_snapshot_that_was_changed_is_refused(self, lost: Lost, name: str) -> None:
        changed = lost.snapshot / name
        changed.write_bytes(flipped(changed.read_bytes(), 40))
        done = lost.restore()
        assert done.code == 3, done.err
        assert not lost.new.exists()

    def test_the_one_before_it_is_taken_and_that_is_said(self, busy: DeskAt, lost: Lost) -> None:
        second = Path(busy("backup", "--to", lost.disk, "--json").json["snapshot"])
        (second / "data" / "catalogue.db").write_bytes(b"")
        done = lost.restore("--json")
        assert done.code == 1
        assert done.json["snapshot"] == str(lost.snapshot)
        assert second.name in done.err

    def test_another_desks_key_in_it_is_refused(
        self, lost: Lost, make_desk: Any, reporter: Person
    ) -> None:
        other = make_desk(reporter, "other")
        shutil.copy(other.folder / "desk.key", lost.snapshot / "data" / "desk.key")
        assert lost.restore().code == 3

    def test_what_broke_off_is_gone_on_with(self, lost: Lost) -> None:
        part = lost.new.with_name("new.part")
        (part / "evidence").mkdir(parents=True)
        (part / "keys").mkdir()
        (part / "keys" / "stranger.asc").write_bytes(b"")
        shutil.copy(lost.evidence[0], part / "evidence")
        before = (part / "evidence" / lost.evidence[0].name).stat().st_ino
        assert lost.restore().code == 0
        assert (lost.new / "evidence" / lost.evidence[0].name).stat().st_ino == before
        assert not (lost.new / "keys" / "stranger.asc").exists()


class TestWhatIsNamed:
    def test_the_desks_folder_or_one_snapshot_may_be(self, lost: Lost) -> None:
        assert lost.restore(backup=lost.snapshot).code == 0
        shutil.rmtree(lost.new)
        assert lost.restore(backup=lost.snapshot.parents[1]).code == 0

    def test_a_disk_without_a_backup_is_said(self, lost: Lost, tmp_path: Path) -> None:
        assert lost.restore(backup=tmp_path).code == 2

    def test_of_several_desks_one_must_be(self, lost: Lost) -> None:
        (lost.disk / "TAPEDROP-BACKUP" / "zz-00000000").mkdir()
        done = lost.restore()
        assert done.code == 2
        assert "zz-00000000" in done.err

    def test_who_has_not_the_key_restores_nothing(self, lost: Lost, stranger: Person) -> None:
        lost.home = stranger.home
        assert lost.restore().code == 4
