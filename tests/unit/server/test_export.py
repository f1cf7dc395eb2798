"""Export day: a bag is whole or is none, and what was begun is gone on with, never trusted."""

import asyncio
import errno
import os
import resource
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from drops import Drop, run_server
from exportday import BLOCK, FIRST, SECOND, THIRD, Blocks, Day, Pulled, blobs, pull_when

from server.errors import NotFit, StoreFailed
from server.staff.alone import alone
from server.staff.sticks import export as exporting
from server.staff.sticks.opened import exported_drops
from server.staff.sticks.stick import (
    NameTaken,
    Place,
    StickDiffers,
    StickFailed,
    StickFull,
    StickGone,
    StickReadOnly,
    StickRefuses,
    TooLargeForStick,
    failures_named,
)
from server.store import Listed, random_name, small
from server.store.local import LocalStore
from server.store.memory import MemoryStore


@pytest.fixture
def two(tmp_path: Path) -> Day:
    """A drop with two envelopes."""
    return Day(tmp_path, Blocks(FIRST, SECOND))


class TestABag:
    def test_is_what_a_desk_takes(self, two: Day) -> None:
        exported = two.export()

        assert two.bags() == [blobs(two)]
        assert (exported.drops, exported.bytes, exported.kept) == (2, 2 * 5007, 0)
        assert [folder.parent for folder in exported.folders] == [two.stick / "TAPEDROP"]

    def test_and_what_was_carried_is_noted_when_it_is_read_back(self, two: Day) -> None:
        def looked(what: str, _passed: int, _total: int) -> None:
            told.append(what)
            assert not (two.receipts / "exported").exists()

        told: list[str] = []
        two.export(looked)

        assert sorted(set(told)) == ["copying", "reading back"]
        digests = sorted(sha256(content).digest() for content in blobs(two).values())
        noted = (two.receipts / "exported").read_bytes()
        assert [noted[at : at + 32] for at in range(0, len(noted), 48)] == digests
        assert (two.receipts / "carried").read_text() == "2026-11-21"

    def test_leaves_no_time_of_reading_in_the_store(self, tmp_path: Path) -> None:
        store = LocalStore(tmp_path / "store")
        (tmp_path / "store/drops").mkdir(parents=True)
        asyncio.run(store.put(FIRST, small(b"sealed")))
        looked_at = [tmp_path / "store/drops", tmp_path / "store" / FIRST]
        for path in looked_at:
            os.utime(path, (0, 0))

        Day(tmp_path, store).export()

        assert [path.stat().st_atime for path in looked_at] == [0, 0]

    def test_progress_comes_to_all_there_is(self, two: Day) -> None:
        told: dict[str, tuple[int, int]] = {}

        two.export(lambda what, passed, total: told.update({what: (passed, total)}))

        assert all(passed == total for passed, total in told.values())

    def test_nothing_is_made_where_there_is_nothing_to_carry(self, tmp_path: Path) -> None:
        day = Day(tmp_path, MemoryStore())

        assert day.export().folders == ()
        assert not day.stick.exists()

    def test_holds_no_more_than_a_desk_takes_and_another_holds_the_rest(
        self, two: Day, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(exporting, "MOST_DROPS", 2)
        blobs(two)[THIRD] = b"third"

        exported = two.export()

        assert (len(exported.folders), exported.drops) == (2, 3)
        assert sorted(map(len, two.bags())) == [1, 2]
        assert exported_drops(two.receipts).keys() == {FIRST, SECOND, THIRD}
        assert two.export().was_there

    def test_is_whole_before_the_next_is_begun_and_is_not_written_again(
        self, two: Day, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(exporting, "MOST_DROPS", 1)
        two.broken_off(8)
        assert exported_drops(two.receipts).keys() == {FIRST}
        assert two.bags() == [{FIRST: blobs(two)[FIRST]}]

        two.export()

        assert len(two.bags()) == 2
        assert exported_drops(two.receipts).keys() == {FIRST, SECOND}

    def test_two_are_never_written_at_once(self, two: Day) -> None:
        with alone(two.receipts, "export"), pytest.raises(NotFit, match="another export"):
            two.export()

    def test_a_store_that_fails_leaves_none(self, two: Day) -> None:
        class Failing(Blocks):
            async def get(self, name: str) -> AsyncIterator[bytes]:
                async for block in super().get(name):
                    yield block
                    raise StoreFailed("the store broke off")

        two.store = Failing(FIRST)

        with pytest.raises(StoreFailed, match="broke off"):
            two.export()

        assert two.bags() == []

    def test_of_drops_that_are_all_swept_meanwhile_is_none(self, two: Day) -> None:
        class Swept(Blocks):
            async def get(self, name: str) -> AsyncIterator[bytes]:
                self.blobs.clear()
                async for block in super().get(name):
                    yield block

        two.store = Swept(FIRST, SECOND)

        assert two.export().folders == ()
        assert list((two.stick / "TAPEDROP").iterdir()) == []


class TestOneThatIsNotFinished:
    @pytest.mark.parametrize("blocks", [0, 1, 3, 6, 8, 11])
    def test_is_gone_on_with_also_in_the_middle_of_a_file(self, two: Day, blocks: int) -> None:
        part = two.broken_off(blocks)
        there = sum(path.stat().st_size for path in part.glob("data/*"))
        assert two.bags() == []

        exported = two.export()

        assert exported.kept == there
        assert exported.folders == (part.with_name(part.name.partition(".")[0]),)
        assert two.bags() == [blobs(two)]
        assert two.parts() == []

    @pytest.mark.parametrize("at", [0, 999, 1000, 4500, 5006])
    def test_is_kept_only_as_far_as_it_is_what_the_store_holds(self, two: Day, at: int) -> None:
        first = two.broken_off(8) / "data" / f"{'1' * 32}.gpg"
        content = bytearray(first.read_bytes())
        content[at] ^= 1
        first.write_bytes(content)

        two.export()

        assert two.bags() == [blobs(two)]

    def test_that_is_longer_than_what_the_store_holds_is_cut(self, two: Day) -> None:
        first = two.broken_off(8) / "data" / f"{'1' * 32}.gpg"
        first.write_bytes(first.read_bytes() + bytes(9999))

        two.export()

        assert two.bags() == [blobs(two)]

    def test_loses_what_the_store_no_longer_has_and_gets_what_is_new(self, two: Day) -> None:
        two.broken_off(8)
        del blobs(two)[FIRST]
        blobs(two)[THIRD] = b"new"

        two.export()

        assert two.bags() == [blobs(two)]

    def test_may_have_its_lists_already(self, two: Day) -> None:
        two.broken_off(8)
        with pytest.raises(Pulled):
            two.export(pull_when("reading back"))
        (part,) = two.parts()
        assert (part / "bagit.txt").exists()
        blobs(two)[THIRD] = b"new"

        exported = two.export()

        assert exported.kept == 2 * 5007
        assert two.bags() == [blobs(two)]

    def test_of_several_the_furthest_is_taken_and_the_others_go(self, two: Day) -> None:
        parts = []
        for blocks in (3, 9, 6):
            part = two.broken_off(blocks)
            parts.append(part.rename(two.folder / part.name))
        for part in parts:
            part.rename(two.stick / "TAPEDROP" / part.name)

        exported = two.export()

        assert exported.kept > 6 * BLOCK
        assert two.bags() == [blobs(two)]
        assert two.parts() == []

    def test_of_another_drop_is_left_alone_and_so_is_a_desks(self, two: Day) -> None:
        other = Day(two.folder, Blocks(THIRD))
        theirs = other.broken_off(3)
        desks = two.stick / "TAPEDROP" / f"{random_name()}.part"
        desks.mkdir()

        two.export()

        assert two.parts() == sorted([theirs, desks])
        assert [path.stat().st_size for path in theirs.glob("data/*")] == [3 * BLOCK]

    @pytest.mark.parametrize("what", ["data", "file", "list", "bag", "pipe", "folder"])
    def test_leads_nowhere_else(self, two: Day, what: str) -> None:
        part = two.broken_off(8)
        outside = two.folder / "outside"
        outside.mkdir()
        (outside / "precious").write_bytes(b"precious")
        first = part / "data" / f"{'1' * 32}.gpg"
        match what:
            case "data":
                shutil.rmtree(part / "data")
                (part / "data").symlink_to(outside)
            case "file":
                first.unlink()
                first.symlink_to(outside / "precious")
            case "list":
                (part / "bagit.txt").symlink_to(outside / "precious")
            case "bag":
                shutil.rmtree(part)
                part.symlink_to(outside)
            case "pipe":
                first.unlink()
                os.mkfifo(first)
            case "folder":
                first.unlink()
                (first / "deep").mkdir(parents=True)

        two.export()

        assert [blobs(two)] == two.bags()
        assert [path.name for path in outside.iterdir()] == ["precious"]
        assert (outside / "precious").read_bytes() == b"precious"


class TestTheSameBagOnTheStickAlready:
    def test_is_compared_and_not_written_twice(self, two: Day) -> None:
        first = two.export()
        (two.receipts / "exported").unlink()

        again = two.export()

        assert (again.folders, again.was_there) == (first.folders, True)
        assert len(two.bags()) == 1
        assert (two.receipts / "exported").exists()

    def test_but_one_that_is_damaged_is_none(self, two: Day) -> None:
        (folder,) = two.export().folders
        (folder / "data" / f"{'2' * 32}.gpg").write_bytes(b"x" * 5007)

        again = two.export()

        assert not again.was_there
        assert again.folders != (folder,)

    @pytest.mark.parametrize("what", ["drops", "content", "key", "newsroom"])
    def test_but_not_of_another_day(self, two: Day, what: str) -> None:
        two.export()
        match what:
            case "drops":
                blobs(two)[THIRD] = b"new"
            case "content":
                blobs(two)[FIRST] = b"other"
            case "key":
                two.key = Ed25519PrivateKey.generate()
            case "newsroom":
                two.newsroom = ("B" * 40,)

        assert not two.export().was_there
        assert len(list(two.stick.glob("TAPEDROP/*"))) == 2


class TestAStickThatFails:
    def test_by_giving_back_other_bytes_is_named_and_nothing_is_noted(self, two: Day) -> None:
        def spoil(what: str, _passed: int, _total: int) -> None:
            if what == "reading back":
                (part,) = two.parts()
                (part / "data" / f"{'2' * 32}.gpg").write_bytes(b"other")

        with pytest.raises(StickDiffers) as failed:
            two.export(spoil)

        assert failed.value.name == f"{'2' * 32}.gpg"
        assert "do not use this stick" in failed.value.hint
        assert two.bags() == []
        assert list(two.receipts.iterdir()) == []

    def test_by_taking_no_file_so_large_is_named(self, two: Day) -> None:
        with largest_file(4500), pytest.raises(TooLargeForStick) as failed:
            two.export()

        assert "format the stick as exFAT" in failed.value.hint
        assert two.bags() == []
        two.export()
        assert two.bags() == [blobs(two)]

    def test_by_being_fat_is_named_before_anything_is_copied(
        self, two: Day, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Large(Blocks):
            async def listed(self, prefix: str) -> AsyncIterator[Listed]:
                async for one in super().listed(prefix):
                    yield replace(one, size=2**32 - (one.name == FIRST))

        two.store = Large(FIRST, SECOND)
        monkeypatch.setattr(exporting, "place_at", lambda *_: Place("vfat", is_stick=True))

        with pytest.raises(TooLargeForStick) as failed:
            two.export()

        assert failed.value.largest == 2**32
        assert "a drop of 4.3 GB: FAT32 ends at 4 GiB" in str(failed.value)
        assert not two.stick.exists()

    @pytest.mark.parametrize("how", ["a file", "a link"])
    def test_by_holding_something_else_of_that_name_is_named(self, two: Day, how: str) -> None:
        two.stick.mkdir()
        if how == "a file":
            (two.stick / "TAPEDROP").write_bytes(b"")
        else:
            (two.stick / "TAPEDROP").symlink_to(two.folder)

        with pytest.raises(NameTaken) as failed:
            two.export()

        assert failed.value.path == two.stick / "TAPEDROP"

    @pytest.mark.parametrize("how", ["a file", "a link", "a folder"])
    def test_by_holding_something_of_the_bags_name_is_named(self, two: Day, how: str) -> None:
        part = two.broken_off(8)
        whole = part.with_name(part.name.partition(".")[0])
        match how:
            case "a file":
                whole.write_bytes(b"theirs")
            case "a link":
                whole.symlink_to("elsewhere")
            case "a folder":
                whole.mkdir()

        with pytest.raises(NameTaken):
            two.export()

        assert two.parts() == [part]

    @pytest.mark.parametrize(
        ("numbers", "named"),
        [
            ((errno.ENODEV, errno.EIO, errno.ENOENT, errno.ENOTCONN, errno.ENXIO), StickGone),
            ((errno.ENOSPC, errno.EDQUOT), StickFull),
            ((errno.EROFS,), StickReadOnly),
            ((errno.EFBIG,), TooLargeForStick),
            ((errno.EACCES, errno.EPERM, errno.EINVAL), StickRefuses),
        ],
    )
    def test_with_an_error_of_the_systems_has_a_name_and_a_hint(
        self, tmp_path: Path, numbers: tuple[int, ...], named: type[StickFailed]
    ) -> None:
        for number in numbers:
            with pytest.raises(named) as failed, failures_named(tmp_path):
                raise OSError(number, "")

            assert str(tmp_path) in str(failed.value)
            assert failed.value.hint


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file of this process grow larger, as on a file system that can't hold it (EFBIG)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class TestTheCommand:
    def test_says_that_a_folder_is_no_stick(self, drop: Drop, tmp_path: Path) -> None:
        asyncio.run(LocalStore(drop.folder / "store").put(FIRST, small(b"sealed")))

        words = ["export", "--to", tmp_path / "stick", "--config", drop.config]
        said = run_server(*words)
        again = run_server(*words)

        (bag,) = (tmp_path / "stick/TAPEDROP").iterdir()
        for done in (said, again):
            assert done.returncode == 0
            assert done.stdout.startswith(f"1 drop, 6 bytes: {bag}\nread back whole")
            assert "is a folder on this machine, not a stick" in done.stdout
            assert "safe to unplug" not in done.stdout
        assert said.stderr == ""
        assert again.stderr == (
            "tapedrop-server: this bag was on it already; it was compared with the store\n"
        )

    def test_says_what_to_do_when_it_fails(self, drop: Drop, tmp_path: Path) -> None:
        asyncio.run(LocalStore(drop.folder / "store").put(FIRST, small(b"sealed")))
        (tmp_path / "TAPEDROP").write_bytes(b"")

        done = run_server("export", "--to", tmp_path, "--config", drop.config)

        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.splitlines() == [
            f"tapedrop-server: error: {tmp_path}/TAPEDROP is not a folder of ours",
            "tapedrop-server: hint: look what it is, and rename or delete it; "
            f"then run it again: {tmp_path}/TAPEDROP",
        ]
