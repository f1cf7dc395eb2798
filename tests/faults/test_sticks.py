"""Real sticks, pulled, full, read-only or FAT32; and an export killed at every system call."""

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from drops import Drop, run_server
from exportday import FIRST, SECOND, Blocks, Day, blobs
from sticks import Stick, ext4_stick, fat_stick

from faults.conftest import Note
from server.staff.sticks.stick import (
    StickDiffers,
    StickFull,
    StickGone,
    StickReadOnly,
)
from server.store import small
from server.store.local import LocalStore

MB = 1_000_000
KILLS = 60
"""System calls on the stick that an export of two drops is, at least."""
MOST_GROWN = 16 * 1024
"""KiB that an export of 400 MB may take more memory than one of nothing."""


@pytest.fixture
def stick(tmp_path: Path) -> Iterator[Stick]:
    with ext4_stick(tmp_path, 120 * MB) as made:
        yield made


@pytest.fixture
def day(tmp_path: Path, stick: Stick) -> Day:
    """Two drops of 40 MB each, and a stick that holds them."""
    store = Blocks(FIRST, SECOND, size=40 * MB, block=256 * 1024)
    return Day(tmp_path, store)


def at(moment: int, do: Callable[[], object], *, what: str = "copying") -> Callable[..., None]:
    """Return what does something once so many bytes are copied, or read back."""
    done = False

    def watch(now: str, passed: int, _total: int) -> None:
        nonlocal done
        if now == what and passed > moment and not done:
            done = True
            do()

    return watch


def put_in_again(stick: Stick) -> None:
    stick.take_out()
    stick.put_in()


def modes(folder: Path) -> set[str]:
    """Return who may read and write the folders and files below."""
    return {stat.filemode(path.stat().st_mode) for path in folder.rglob("*")}


class TestAStick:
    def test_can_be_read_and_answered_on_by_whoever_has_it(self, day: Day, stick: Stick) -> None:
        day.export()

        (shared,) = stick.at.glob("TAPEDROP")
        assert stat.filemode(shared.stat().st_mode) == "drwxrwxrwt"
        assert modes(shared) == {"drwxr-xr-x", "-rw-r--r--"}

    def test_that_is_a_folder_on_this_machine_can_not(self, tmp_path: Path) -> None:
        day = Day(tmp_path, Blocks(FIRST))
        day.export()

        assert modes(day.stick) == {"drwx------", "-rw-------"}


class TestAStickThatIsPulled:
    @pytest.mark.parametrize("megabytes", [0, 20, 36, 50, 78])
    def test_in_the_middle_is_gone_on_with(
        self, day: Day, stick: Stick, megabytes: int, note: Note
    ) -> None:
        with pytest.raises(StickGone):
            day.export(at(megabytes * MB, stick.pull))
        assert list(day.receipts.iterdir()) == []

        put_in_again(stick)
        assert day.bags() == []
        exported = day.export()

        assert day.bags() == [blobs(day)]
        assert exported.place is not None
        assert exported.place.is_stick
        assert exported.from_stick
        note(kept_of_80_MB=round(exported.kept / MB, 1))

    def test_while_it_is_read_back_is_no_bag_yet(self, day: Day, stick: Stick) -> None:
        with pytest.raises(StickGone):
            day.export(at(MB, stick.pull, what="reading back"))
        assert list(day.receipts.iterdir()) == []

        put_in_again(stick)
        assert day.bags() == []
        assert day.export().kept == 80 * MB
        assert day.bags() == [blobs(day)]

    def test_or_cut_so_that_it_reads_nothing_is_not_believed(self, day: Day, stick: Stick) -> None:
        with pytest.raises(StickGone):
            day.export(at(0, stick.cut, what="reading back"))

        assert list(day.receipts.iterdir()) == []


class TestAStickWithoutRoom:
    def test_is_named_before_anything_is_copied(self, day: Day, stick: Stick) -> None:
        (stick.at / "theirs").write_bytes(bytes(60 * MB))

        with pytest.raises(StickFull, match=r"80\.\d MB more are needed") as failed:
            day.export()

        assert failed.value.needed is not None
        assert failed.value.needed > 80 * MB
        assert not list(stick.at.rglob("*.gpg"))

    def test_is_named_when_something_else_fills_it_meanwhile_and_gone_on_with(
        self, day: Day, stick: Stick
    ) -> None:
        filling = stick.at / "theirs"

        with pytest.raises(StickFull):
            day.export(at(38 * MB, lambda: filling.write_bytes(bytes(60 * MB))))
        assert day.bags() == []
        filling.unlink()

        assert day.export().kept >= 32 * MB
        assert day.bags() == [blobs(day)]


class TestAStickThatCanOnlyBeRead:
    def test_is_named(self, day: Day, stick: Stick) -> None:
        stick.lock()

        with pytest.raises(StickReadOnly):
            day.export()

    def test_is_named_midway_and_gone_on_with(self, day: Day, stick: Stick) -> None:
        with pytest.raises(StickReadOnly):
            day.export(at(MB, stick.lock, what="reading back"))

        put_in_again(stick)
        assert day.bags() == []
        assert day.export().kept == 80 * MB
        assert day.bags() == [blobs(day)]

    def test_is_enough_to_see_that_the_bag_is_there(self, day: Day, stick: Stick) -> None:
        day.export()
        stick.take_out()
        stick.put_in("ro")

        assert day.export().was_there


class TestFat32:
    @pytest.fixture
    def fat(self, tmp_path: Path) -> Iterator[Path]:
        with fat_stick(tmp_path, 40 * MB) as at:
            yield at

    def test_a_drop_of_4_gib_is_named_before_anything_is_copied(
        self, drop: Drop, fat: Path
    ) -> None:
        large = drop.folder / "store" / FIRST
        large.touch()
        os.truncate(large, 2**32)

        done = run_server("export", "--to", fat, "--config", drop.config)

        assert done.returncode == 1
        assert f"{fat} can't hold a drop of 4.3 GB: FAT32 ends at 4 GiB" in done.stderr
        assert "hint: format the stick as exFAT" in done.stderr
        assert list(fat.iterdir()) == []

    def test_a_file_system_that_loses_the_bag_as_it_gets_its_name_is_noticed(
        self, tmp_path: Path, fat: Path
    ) -> None:
        # fusefat 0.1a does; nothing else could show that we look once more.
        day = Day(tmp_path, Blocks(FIRST, SECOND), stick=fat)

        with pytest.raises(StickDiffers):
            day.export()

        assert day.bags() == []

    def test_is_gone_on_with_as_any_other(self, tmp_path: Path, fat: Path) -> None:
        day = Day(tmp_path, Blocks(FIRST, SECOND), stick=fat)
        day.broken_off(8)
        told: list[str] = []

        with pytest.raises(StickDiffers):  # as above, at the very end
            day.export(lambda what, passed, total: told.append(f"{what} {passed == total}"))

        assert told[-1] == "reading back True"


class TestTheCommand:
    def test_says_when_it_is_safe_to_unplug(self, drop: Drop, stick: Stick) -> None:
        asyncio.run(LocalStore(drop.folder / "store").put(FIRST, small(b"sealed")))

        done = run_server("export", "--to", stick.at, "--config", drop.config)
        again = run_server("export", "--to", stick.at, "--config", drop.config, "--json")

        (bag,) = (stick.at / "TAPEDROP").iterdir()
        assert done.stderr == ""
        assert done.stdout.splitlines() == [
            f"1 drop, 6 bytes: {bag}",
            "read back whole",
            "safe to unplug",
        ]
        assert json.loads(again.stdout) == {
            "bag": str(bag),
            "bags": [str(bag)],
            "drops": 1,
            "bytes": 6,
            "kept_bytes": 6,
            "safe_to_unplug": True,
        }

    def test_takes_no_more_memory_for_a_large_drop(
        self, drop: Drop, tmp_path: Path, note: Note
    ) -> None:
        peaks = []
        for size in (1, 400 * MB):
            large = drop.folder / "store" / FIRST
            large.touch()
            os.truncate(large, size)
            words: list[str | Path] = ["export", "--to", tmp_path / str(size)]
            words += ["--config", drop.config]
            done = subprocess.run([sys.executable, "-c", PEAK, *words], capture_output=True)
            assert done.returncode == 0, done.stderr
            peaks.append(int(done.stdout.split()[-2]))

        assert peaks[1] - peaks[0] < MOST_GROWN
        note(grown_by_KiB=peaks[1] - peaks[0])


PEAK = """
import atexit
from server.cli import main
atexit.register(lambda: print(*(l for l in open("/proc/self/status") if "VmHWM" in l)))
main()
"""
EXPORT = """
import asyncio, sys
from datetime import date
from pathlib import Path
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from server.staff.sticks.export import export
from server.store.local import LocalStore
folder = Path(sys.argv[1])
asyncio.run(export(
    LocalStore(folder / "store"),
    folder / "stick",
    export_key=load_pem_private_key((folder / "key").read_bytes(), None),
    newsroom=("A" * 40,),
    day=date(2026, 11, 21),
    receipts=folder / "receipts",
))
"""


def test_killed_at_any_system_call_it_leaves_no_half_bag_and_the_next_goes_on(
    tmp_path: Path, note: Note
) -> None:
    store, calls = LocalStore(tmp_path / "store"), tmp_path / "calls"
    (tmp_path / "store/drops").mkdir(parents=True)
    contents = {name: os.urandom(300_000) for name in (FIRST, SECOND)}
    for name, content in contents.items():
        asyncio.run(store.put(name, small(content)))
    day = Day(tmp_path, store)
    pem = day.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key").write_bytes(pem)
    command: list[str | Path] = [sys.executable, "-c", EXPORT, tmp_path]
    subprocess.run(["strace", "-o", calls, *command], check=True)
    assert day.bags() == [contents]

    kills = finished = 0
    for call, when in moments(calls.read_text().splitlines()):
        subprocess.run(["rm", "-r", day.stick], check=True)
        (day.receipts / "exported").unlink(missing_ok=True)
        kill = f"inject={call}:signal=SIGKILL:when={when}"
        killed = subprocess.run(["strace", "-o", calls, "-e", kill, *command])
        kills += killed.returncode == -signal.SIGKILL
        found = day.bags()  # a bag that isn't whole is refused here
        assert found in ([], [contents]), (call, when)
        assert not found or (day.receipts / "exported").exists()
        finished += bool(found)

        day.export()

        assert day.bags() == [contents], (call, when)
        assert day.parts() == []

    assert kills >= KILLS
    note(kills=kills, of_them_once_the_bag_was_whole=finished, half_bags=0)


def moments(lines: list[str]) -> Iterator[tuple[str, int]]:
    """Yield each system call from when the stick's folder is made, to when the bag is noted.

    With each comes its number among its namesakes.
    """
    begun, made = False, Counter[str]()
    last = max(number for number, line in enumerate(lines) if "carried" in line)
    for line in lines[: last + 1]:
        call = line.partition("(")[0]
        made[call] += 1
        begun |= "TAPEDROP" in line
        if begun and call != "exit_group" and call.isidentifier():
            yield call, made[call]
