"""What a newsroom must never lose: what opens its evidence, and the way back to its copies."""

import errno
import fcntl
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from desks import Answer, DeskAt, Person, Server, flipped
from test_desk_cleaning import SECRET, came, encrypted, sent, tagged
from test_desk_subkeys import Quarters, quarters, ring

from intake.answering import replies
from intake.arriving.evidence import Evidence
from intake.catalogue.replies import Replies, SealedReply
from intake.cli import open_
from intake.cli import purge as purge_verb
from intake.cli.desk import unlocked
from intake.errors import BadReply, EvidenceDamaged
from intake.keeping.medium import Medium, new_snapshot
from intake.layout import Layout
from intake.unlocked import today

__all__ = ["came", "quarters", "ring"]


def forget_keys(desk: DeskAt) -> None:
    """Make the desk's drops what Tapedrop 0.2 left of them: opened, and no key kept."""
    with unlocked(Layout.of(desk.folder)) as room:
        for drop in room.catalogue.drops.all():
            room.catalogue.keys.destroy(drop.digest)


def drop_copies(desk: DeskAt) -> None:
    """Take the working copies away, as a restore does."""
    for path in desk.files("working"):
        path.unlink()


class TestASubkeyThatIsNeededYet:
    def test_by_drops_that_an_earlier_version_opened_and_kept_no_keys_of(
        self, quarters: Quarters
    ) -> None:
        forget_keys(quarters.desk)
        quarters.signed().backed_up()

        assert (
            "1 drop is to be opened once more, for the session key (open --all)"
            in (quarters.spent()[quarters.old])
        )
        assert quarters.desk("open", "--all").code == 0
        quarters.backed_up()
        assert quarters.spent()[quarters.old] == ["the vault's key is sealed to it"]

    def test_by_what_an_interrupted_import_left_half(self, quarters: Quarters) -> None:
        quarters.signed().backed_up()
        (quarters.desk.folder / "evidence" / f"{7:064x}.part").write_bytes(b"half of it")

        assert "1 drop is here in part: import its stick again" in quarters.spent()[quarters.old]

    def test_by_drops_that_only_a_backup_holds_whose_vault_is_sealed_to_it(
        self, quarters: Quarters, tmp_path: Path
    ) -> None:
        quarters.signed().backed_up()
        assert quarters.destroy(quarters.old).code == 3  # it is sealed anew
        with unlocked(Layout.of(quarters.desk.folder)) as room:
            (drop,) = room.catalogue.drops.all()
            envelope = quarters.desk.folder / "evidence" / f"{drop.digest.hex()}.gpg"
        content = envelope.read_bytes()
        envelope.unlink()
        (tmp_path / "other").mkdir()
        quarters.desk("backup", "--to", tmp_path / "other")  # which can't take the drop
        envelope.write_bytes(content)

        assert quarters.spent()[quarters.old] == [
            "of the drops that it opened, 1 is in no verified backup"
        ]


class TestACopyThatIsGone:
    @pytest.mark.parametrize("nested", [False, True])
    def test_is_cleaned_again_when_the_drop_is_opened_again(
        self,
        desk: DeskAt,
        came: Callable[..., Answer],
        reporter: Person,
        tmp_path: Path,
        nested: bool,
    ) -> None:
        came(encrypted(tagged(), reporter) if nested else tagged())
        drop_copies(desk)

        assert desk("open", "1").code == 0

        assert desk("export", "1", "--to", tmp_path / "clean.wav").code == 0
        assert SECRET not in (tmp_path / "clean.wav").read_bytes()

    def test_is_made_again_by_open_all(self, desk: DeskAt, came: Callable[..., Answer]) -> None:
        came(tagged())
        drop_copies(desk)

        assert desk("open", "--all").code == 0

        assert len(desk.files("working")) == 2

    def test_of_what_its_source_encrypted_needs_no_subkey_that_was_destroyed(
        self, quarters: Quarters, server: Server, stick: Path, tmp_path: Path
    ) -> None:
        desk, old = quarters.desk, quarters.old
        sent(server, encrypted(tagged(), Person(quarters.ring.home, f"{old}!")))
        desk("import", server.export(stick))
        assert "cleaned at this desk" in desk("open", "--all").err
        quarters.signed().backed_up().destroy(old)
        assert quarters.backed_up().destroy(old).code == 0
        drop_copies(desk)

        assert desk("open", "--all").code == 0

        number = next(row["id"] for row in desk("list", "--json").json if "2" in row["id"])
        assert desk("export", number, "--to", tmp_path / "clean.wav").code == 0
        assert SECRET not in (tmp_path / "clean.wav").read_bytes()

    def test_or_is_damaged_is_made_again_when_the_drop_is_named(self, busy: DeskAt) -> None:
        (copy,) = busy.files("working")
        copy.write_bytes(flipped(copy.read_bytes(), -1))

        assert "its working copy is damaged: it is made again" in busy("open", "1").err

        assert busy("export", "1", "--to", busy.folder / "out.wav").code == 0

    def test_is_made_again_where_a_killed_command_has_left_half_of_one(
        self, busy: DeskAt, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # So it is on what knows no nameless files: an encrypted home of old, a FAT volume.
        opened = os.open

        def known(path: Any, flags: int, *more: Any, **named: Any) -> int:
            if flags & os.O_TMPFILE == os.O_TMPFILE:
                raise OSError(errno.EOPNOTSUPP, "not supported")
            return opened(path, flags, *more, **named)

        monkeypatch.setattr(os, "open", known)
        (copy,) = busy.files("working")
        copy.rename(copy.with_name(f"{copy.name}.part"))

        assert busy("open", "1").code == 0

        assert busy("export", "1", "--to", busy.folder / "out.wav").code == 0


class TestTwoCommandsAtOnce:
    def test_open_the_same_drop_one_after_the_other(
        self, busy: DeskAt, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real, busy_with = open_.open_drop, []

        def opening(drop: Any, **more: Any) -> Any:
            path = busy.folder / "evidence" / f"{drop.digest.hex()}.gpg"
            with path.open("rb") as other, pytest.raises(BlockingIOError):
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            busy_with.append(drop.id)
            return real(drop, **more)

        monkeypatch.setattr(open_, "open_drop", opening)

        assert busy("open", "2").code == 0
        assert busy_with == ["drop-0002"]

    def test_do_not_take_a_reply_back_that_a_receipt_carries_out_meanwhile(
        self, busy: DeskAt, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = Replies.of

        def asked(self: Replies, record: bytes) -> SealedReply | None:
            assert room.catalogue.drops._db._connection.in_transaction  # nobody writes meanwhile
            return real(self, record)

        with unlocked(Layout.of(busy.folder)) as room:
            drop = room.drop("1")
            record = replies.put_reply("We have it.", drop, room.catalogue, by="AB", day=today())
            room.catalogue.replies.carry(today())
            monkeypatch.setattr(Replies, "of", asked)
            with pytest.raises(BadReply, match="carried it out"):
                replies.take_back(record, room.catalogue, by="AB", day=today())


class TestAnEnvelopeThatTheDisksOwnFaultHides:
    def unreadable(self, desk: DeskAt, number: int) -> Path:
        """Have a drop's envelope read as a bad sector does: EIO."""
        with unlocked(Layout.of(desk.folder)) as room:
            digest = room.catalogue.drops.drop(number).digest
        path = desk.folder / "evidence" / f"{digest.hex()}.gpg"
        path.unlink()
        path.symlink_to("/proc/self/mem")
        with pytest.raises(EvidenceDamaged):
            Evidence(path.parent).verify(digest)
        return path

    def test_costs_no_other_drop_its_backup(self, busy: DeskAt, disk: Path) -> None:
        self.unreadable(busy, 1)

        answer = busy("backup", "--to", disk)

        assert answer.code == 1
        assert "drop-0001 is not in it: its envelope is damaged or gone" in answer.err
        assert "backed up 1 drop " in answer.out

    def test_costs_no_other_drop_its_opening_and_comes_back_from_its_stick(
        self, busy: DeskAt, stick: Path
    ) -> None:
        drop_copies(busy)
        path = self.unreadable(busy, 1)

        assert [row["id"] for row in busy("open", "--all", "--json").json] == ["drop-0002"]
        assert busy("import", stick).code == 0
        assert not path.is_symlink()
        assert busy("open", "--all").code == 0

    def test_stays_in_the_backup_that_has_it_whole(self, busy: DeskAt, disk: Path) -> None:
        assert busy("backup", "--to", disk).code == 0
        for envelope in busy.files("evidence"):
            envelope.write_bytes(envelope.read_bytes()[:-7])

        answer = busy("backup", "--to", disk)

        assert (
            "drop-0001: its envelope is damaged or gone here, and whole on the disk" in answer.err
        )
        assert "backed up 2 drops " in answer.out


class TestTheLatestSnapshot:
    def test_is_the_last_that_was_made_whatever_the_clock_said(self, disk: Path) -> None:
        medium = Medium.at(disk, "desk")
        for day in ("2036-01-01", "2026-11-21", "2026-11-22"):
            with new_snapshot(medium, day) as part:
                (part / "said").write_text(day)

        assert [(path / "said").read_text() for path in medium.finished()] == [
            "2026-11-22", "2026-11-21", "2036-01-01",
        ]  # fmt: skip


class TestACatalogueThatIsGone:
    def test_is_said_aloud_before_a_new_one_is_believed(self, busy: DeskAt) -> None:
        assert "ALARM" not in busy("list").err
        (busy.folder / "catalogue.db").unlink()

        answer = busy("list")

        assert (
            "ALARM: catalogue.db was not there: a new one is made from the envelopes" in answer.err
        )
        assert "restore the latest backup" in answer.err


class TestAReceiptOfWhatAnEarlierVersionOpened:
    def test_says_that_it_must_be_opened_first(
        self, busy: DeskAt, disk: Path, tmp_path: Path
    ) -> None:
        forget_keys(busy)
        assert busy("backup", "--to", disk).code == 0

        answer = busy("receipt", "--to", tmp_path / "out")

        assert "kept no keys: 1" in answer.err
        assert "open --all comes first" in answer.err


class TestAClockThatLeapt:
    def test_is_doubted_before_what_is_due_is_destroyed(
        self, busy: DeskAt, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert busy("retain", "1", "--days", "365").code == 0
        assert "the clock says" not in busy("purge", "--due").err
        later = today() + timedelta(days=3650)
        monkeypatch.setattr(purge_verb, "today", lambda: later)

        answer = busy("purge", "--due", "--confirm", "no")

        assert f"warning: the clock says {later}, and the custody log ends on" in answer.err
        assert busy("list", "--json").json[0]["status"] == "opened"


class TestALostListOfABag:
    def test_is_said_aloud_and_keeps_nobody_from_the_evidence(
        self, busy: DeskAt, disk: Path
    ) -> None:
        (busy.files("bags")[0] / "manifest-sha256.txt").write_bytes(b"rotten")

        answer = busy("open", "2")

        assert answer.code == 0
        assert "ALARM: the desk's bags/" in answer.err
        assert busy("backup", "--to", disk).code == 0
