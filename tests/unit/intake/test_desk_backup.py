"""Backing a desk up."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from desks import CANARY, DeskAt, flipped

from intake.catalogue.keys import DropKeys
from intake.cli.desk import unlocked
from intake.keeping import backup, medium
from intake.keeping.snapshot import TAGMANIFEST
from intake.layout import Layout

pytestmark = pytest.mark.usefixtures("opened_once")


def at(disk: Path) -> Path:
    (folder,) = (disk / "TAPEDROP-BACKUP").iterdir()
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def backed_up(desk: DeskAt, disk: Path, *more: str) -> Any:
    done = desk("backup", "--to", disk, "--json", *more)
    assert done.code == 0, done.err
    return done.json


def held(desk: DeskAt) -> list[bool]:
    with unlocked(Layout.of(desk.folder)) as room:
        return [room.catalogue.backups.holds(drop.digest) for drop in room.catalogue.drops.all()]


class TestBackingUp:
    def test_every_envelope_is_there_and_the_rest_in_a_snapshot(
        self, busy: DeskAt, disk: Path
    ) -> None:
        done = backed_up(busy, disk)
        assert (done["envelopes"], done["new"], done["damaged"]) == (2, 2, [])
        assert names(at(disk) / "evidence") == names(busy.folder / "evidence")
        (snapshot,) = (at(disk) / "snapshots").iterdir()
        assert str(snapshot) == done["snapshot"]
        here = {path.relative_to(busy.folder).as_posix()
                for path in busy.folder.rglob("*") if path.is_file()}  # fmt: skip
        there = {path.relative_to(snapshot / "data").as_posix()
                 for path in (snapshot / "data").rglob("*") if path.is_file()}  # fmt: skip
        assert {name for name in here if not name.startswith(("evidence/", "working/"))} == there

    def test_a_power_cut_takes_away_no_folder_on_the_way_to_it(
        self, busy: DeskAt, disk: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        synced = []
        monkeypatch.setattr(medium, "sync_folder", synced.append)
        backed_up(busy, disk)
        wanted = {disk, disk / "TAPEDROP-BACKUP", at(disk), at(disk) / "snapshots"}
        assert wanted <= set(synced)

    def test_nothing_on_the_disk_can_be_read_by_who_finds_it(
        self, busy: DeskAt, disk: Path
    ) -> None:
        backed_up(busy, disk)
        everything = [path.read_bytes() for path in disk.rglob("*") if path.is_file()]
        assert not any(CANARY[:24] in each or b"ozone" in each for each in everything)

    def test_other_tools_can_check_it(self, busy: DeskAt, disk: Path) -> None:
        snapshot = Path(backed_up(busy, disk)["snapshot"])
        for listed in ("manifest-sha256.txt", "evidence-sha256.txt", TAGMANIFEST):
            command = ["sha256sum", "--check", "--quiet", "--strict", listed]
            subprocess.run(command, check=True, cwd=snapshot)

    def test_what_is_there_is_not_copied_again(self, busy: DeskAt, disk: Path) -> None:
        backed_up(busy, disk)
        before = {path.name: path.stat().st_ino for path in (at(disk) / "evidence").iterdir()}
        assert backed_up(busy, disk)["new"] == 0
        assert before == {
            path.name: path.stat().st_ino for path in (at(disk) / "evidence").iterdir()
        }

    def test_the_last_three_snapshots_are_kept(self, busy: DeskAt, disk: Path) -> None:
        made = [backed_up(busy, disk) for _ in range(5)]
        assert [each["removed"] for each in made] == [0, 0, 0, 1, 1]
        assert names(at(disk) / "snapshots") == sorted(
            Path(each["snapshot"]).name for each in made[2:]
        )

    def test_what_is_only_open_since_is_not_held_yet(self, busy: DeskAt, disk: Path) -> None:
        backed_up(busy, disk)
        assert held(busy) == [True, False]
        busy("open", "drop-0002")
        assert held(busy) == [True, False]
        backed_up(busy, disk)
        assert held(busy) == [True, True]

    def test_eight_words_are_told_that_stay_the_same(self, busy: DeskAt, disk: Path) -> None:
        first, second = backed_up(busy, disk)["words"], backed_up(busy, disk)["words"]
        assert first == second
        assert len(first.split()) == 8


class TestWhatIsDoneMeanwhile:
    def test_what_is_opened_inside_of_a_drop_is_not_held_yet(
        self, busy: DeskAt, disk: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        copying = backup.copy_envelopes

        def slowly(*given: Any, **more: Any) -> Any:
            with unlocked(Layout.of(busy.folder)) as room:
                room.catalogue.keys.keep_inside(room.drop("1").digest, "9:" + "A" * 64, None)
            return copying(*given, **more)

        with monkeypatch.context() as patch:
            patch.setattr(backup, "copy_envelopes", slowly)
            backed_up(busy, disk)
        assert held(busy) == [False, False]
        backed_up(busy, disk)
        assert held(busy) == [True, False]

    def test_a_second_backup_to_the_same_disk_waits_its_turn(
        self, busy: DeskAt, disk: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        copying = backup.copy_envelopes

        def slowly(*given: Any, **more: Any) -> Any:
            (disk / "other").mkdir()
            with monkeypatch.context() as patch:
                patch.setattr(backup, "copy_envelopes", copying)
                refused = busy("backup", "--to", disk)
                assert "another tapedrop-intake is at work" in refused.err
                backed_up(busy, disk / "other")
            return copying(*given, **more)

        with monkeypatch.context() as patch:
            patch.setattr(backup, "copy_envelopes", slowly)
            assert backed_up(busy, disk)["envelopes"] == 2


class TestWhichThereAre:
    def test_of_hundreds_that_are_in_none_the_first_are_named(
        self, busy: DeskAt, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("intake.cli.backup._MOST_NAMED", 1)
        busy("open", "drop-0002")
        assert "in no backup: drop-0001 and 1 more\n" in busy("backup").err

    def test_each_disk_is_listed_and_what_is_in_none(self, busy: DeskAt, disk: Path) -> None:
        assert busy("backup", "--json").json == {"backups": [], "opened_in_none": ["drop-0001"]}
        assert "there is no backup" in busy("backup").err
        done = backed_up(busy, disk)
        (found,) = busy("backup", "--json").json["backups"]
        assert (found["envelopes"], found["custody_entry"]) == (2, done["head"])
        busy("open", "drop-0002")
        listed = busy("backup")
        assert "in no backup: drop-0002\n" in listed.err
        assert found["disk"][:8] in listed.out


class TestADiskThatIsGone:
    def test_holds_nothing_any_more_once_somebody_says_so(self, busy: DeskAt, disk: Path) -> None:
        backed_up(busy, disk)
        (name,) = [each["disk"][:8] for each in busy("backup", "--json").json["backups"]]

        assert busy("backup", "--gone", name, "--confirm", "another").code == 3
        assert len(busy("backup", "--json").json["backups"]) == 1
        done = busy("backup", "--gone", name, "--confirm", name, "--json")

        assert done.json == {"backups": [], "opened_in_none": ["drop-0001"]}
        assert "lost a backup" in busy("log").out
        assert busy("log", "verify").code == 0

    def test_has_to_be_one_of_the_list(self, busy: DeskAt, disk: Path) -> None:
        backed_up(busy, disk)

        for unknown in ("", "zzzz", "0" * 40):
            assert busy("backup", "--gone", unknown, "--confirm", unknown).code == 2
        assert len(busy("backup", "--json").json["backups"]) == 1

    def test_counts_again_when_it_was_found_and_backed_up_to(
        self, busy: DeskAt, disk: Path
    ) -> None:
        backed_up(busy, disk)
        (name,) = [each["disk"][:8] for each in busy("backup", "--json").json["backups"]]
        busy("backup", "--gone", name, "--confirm", name)

        backed_up(busy, disk)

        assert busy("backup", "--json").json["opened_in_none"] == []


class TestWhatADiskSaysByItself:
    def test_an_envelope_that_this_desk_never_read_there_is_read_before_it_counts(
        self, busy: DeskAt, disk: Path
    ) -> None:
        backed_up(busy, disk)
        # As on a disk that somebody has prepared: the right name and size, and nothing else.
        planted = min((at(disk) / "evidence").iterdir())
        planted.write_bytes(bytes(planted.stat().st_size))
        (at(disk) / "medium").unlink()
        assert backed_up(busy, disk)["new"] == 1
        assert planted.read_bytes() == (busy.folder / "evidence" / planted.name).read_bytes()

    def test_a_session_key_that_has_opened_nothing_yet_counts_for_nothing(
        self, busy: DeskAt, disk: Path
    ) -> None:
        with unlocked(Layout.of(busy.folder)) as room:
            told = DropKeys(bytes(32), f"9:{'AB' * 32}", None)  # by a colleague, who is wrong
            room.catalogue.keys.keep(room.catalogue.drops.drop(2).digest, told)
        backed_up(busy, disk)
        assert busy("open", "drop-0002").code == 0
        assert held(busy) == [True, False]
        backed_up(busy, disk)
        assert held(busy) == [True, True]


class TestADamagedOne:
    def test_an_envelope_that_is_damaged_here_is_named_and_not_copied(
        self, busy: DeskAt, disk: Path
    ) -> None:
        damaged = busy.files("evidence")[0]
        damaged.write_bytes(flipped(damaged.read_bytes(), -1))
        done = busy("backup", "--to", disk, "--json")
        assert done.code == 1
        assert len(done.json["damaged"]) == 1
        assert done.json["damaged"][0] in done.err
        assert damaged.name not in names(at(disk) / "evidence")

    def test_one_that_is_gone_here_and_whole_there_stays_there(
        self, busy: DeskAt, disk: Path
    ) -> None:
        backed_up(busy, disk)
        busy.files("evidence")[0].unlink()
        done = busy("backup", "--to", disk, "--json")
        assert done.code == 1
        assert (done.json["envelopes"], len(done.json["only_there"])) == (2, 1)

    def test_one_that_rotted_on_the_disk_is_found_by_verify_and_written_again(
        self, busy: DeskAt, disk: Path
    ) -> None:
        backed_up(busy, disk)
        rotten = next((at(disk) / "evidence").iterdir())
        whole = rotten.read_bytes()
        rotten.write_bytes(flipped(whole, -1))
        assert backed_up(busy, disk)["new"] == 0
        assert backed_up(busy, disk, "--verify")["new"] == 1
        assert rotten.read_bytes() == whole

    def test_a_disk_that_gives_back_something_else_holds_no_backup(
        self, busy: DeskAt, disk: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = medium.read

        def lying(path: Path) -> Any:
            return (flipped(block, -1) if "evidence/" in str(path) else block
                    for block in real(path))  # fmt: skip

        monkeypatch.setattr(medium, "read", lying)
        done = busy("backup", "--to", disk)
        assert done.code == 5
        assert "counts as no backup" in done.err
        assert names(at(disk) / "snapshots") == []
        assert '"backed up"' not in busy("log", "--json").out

    def test_a_file_system_that_knows_no_large_files_costs_the_others_nothing(
        self, busy: DeskAt, disk: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        largest = max(path.stat().st_size for path in busy.files("evidence"))
        real = medium.put

        def as_fat(path: Path, blocks: Any, *told: Any) -> bytes:
            blocks = list(blocks)
            if sum(map(len, blocks)) >= largest and path.parent.name == "evidence":
                raise OSError(27, "File too large")
            return real(path, blocks, *told)

        monkeypatch.setattr(medium, "put", as_fat)
        done = busy("backup", "--to", disk)
        assert done.code == 1
        assert "FAT32" in done.err

    def test_too_small_a_disk_is_said_before_anything_is_copied(
        self, busy: DeskAt, disk: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Full:
            total, free = 2000, 1000

        monkeypatch.setattr(medium.shutil, "disk_usage", lambda _path: Full)
        done = busy("backup", "--to", disk)
        assert done.code == 5
        assert "1.0 kB are free" in done.err
        assert names(at(disk) / "evidence") == []


class TestADiskFromElsewhere:
    def test_a_link_is_not_followed(self, busy: DeskAt, disk: Path, tmp_path: Path) -> None:
        backed_up(busy, disk)
        evidence, elsewhere = at(disk) / "evidence", tmp_path / "elsewhere"
        evidence.rename(elsewhere)
        evidence.symlink_to(elsewhere)
        before = names(elsewhere)
        done = busy("backup", "--to", disk)
        assert done.code == 3
        assert names(elsewhere) == before

    def test_what_was_left_unfinished_is_made_anew(self, busy: DeskAt, disk: Path) -> None:
        backed_up(busy, disk)
        (at(disk) / "evidence" / f"{'00' * 32}.gpg.part").write_bytes(b"half")
        (at(disk) / "snapshots" / "2026-11-01-1.part").mkdir()
        backed_up(busy, disk)
        assert not [path for path in disk.rglob("*") if path.suffix == ".part"]

    def test_a_snapshot_that_was_changed_is_named_and_left(self, busy: DeskAt, disk: Path) -> None:
        changed = Path(backed_up(busy, disk)["snapshot"])
        (changed / "bag-info.txt").write_text("Bagging-Date: 2020-01-01\n")
        done = busy("backup", "--to", disk)
        assert done.code == 1
        assert changed.name in done.err
        assert changed.is_dir()

    def test_the_disk_is_told_from_another(self, busy: DeskAt, disk: Path, tmp_path: Path) -> None:
        other = tmp_path / "other"
        other.mkdir()
        backed_up(busy, disk)
        backed_up(busy, other)
        assert (at(disk) / "medium").read_text() != (at(other) / "medium").read_text()
        assert at(disk).name == at(other).name
