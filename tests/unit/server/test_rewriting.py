"""The nightly rewrite in a folder: what the disk knows afterwards, and that nothing is lost."""

import asyncio
import errno
import os
import random
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from drops import small_disk_at

from server.config import Config
from server.errors import NoSuchObject, StoreFailed
from server.store import Listed, random_name, rewriting, small, trading
from server.store.local import LocalStore
from server.store.opening import open_store
from server.store.trading import exchange

MAILBOX = "0123456789abcdef" * 2
DAY_NS = 86_400 * 10**9
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
SHOWN = Path("/dev/shm")
SCRIPT = """
import sys, threading
from pathlib import Path
from server.store.rewriting import rewrite_all
root = Path(sys.argv[1])
left = rewrite_all(root, sys.argv[2:], threading.Event(), kept_free=10**9)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for kind in ("drops", "mailboxes", "replies"):
        (tmp_path / "store" / kind).mkdir(parents=True)
    return tmp_path / "store"


def put(root: Path, name: str, content: bytes = b"sealed") -> str:
    """Put an object as if it had come yesterday, at some second."""
    asyncio.run(LocalStore(root).put(name, small(content)))
    second = int(datetime.combine(YESTERDAY, datetime.min.time(), UTC).timestamp()) + 43_217
    os.utime(root / name, ns=(second * 10**9 + 12_345, second * 10**9 + 12_345))
    return name


def at(root: Path, name: str) -> Path:
    """Return where the object is."""
    return next(place for place in rewriting.places_of(root, name) if place.exists())


def rewrite(root: Path, *names: str) -> int:
    return asyncio.run(LocalStore(root).rewrite(names))


def listed(root: Path) -> dict[str, Listed]:
    async def run() -> dict[str, Listed]:
        kinds = ("drops/", "mailboxes/", "replies/")
        return {each.name: each for kind in kinds async for each in LocalStore(root).listed(kind)}

    return asyncio.run(run())


def anew(root: Path) -> list[Path]:
    return list((root / "anew").iterdir())


class TestAnObjectThatWasRewritten:
    def test_has_its_day_s_midnight_for_a_time_and_the_same_content(self, root: Path) -> None:
        name = put(root, f"drops/{random_name()}", os.urandom(2_500_000))
        content = at(root, name).read_bytes()
        before = listed(root)[name]

        assert rewrite(root, name) == 0

        facts, after = at(root, name).stat(), listed(root)[name]
        assert facts.st_mtime_ns % DAY_NS == facts.st_atime_ns % DAY_NS == 0
        assert (before.is_fresh, after.is_fresh) == (True, False)
        assert before.day == after.day == YESTERDAY
        assert at(root, name).read_bytes() == content
        assert facts.st_mode & 0o777 == 0o600
        assert anew(root) == []

    def test_is_left_alone_from_then_on(self, root: Path) -> None:
        name = put(root, f"drops/{random_name()}")
        rewrite(root, name)
        inode = at(root, name).stat().st_ino

        rewrite(root, name)

        assert at(root, name).stat().st_ino == inode

    def test_is_read_to_its_end_by_who_had_begun(self, root: Path) -> None:
        name = put(root, f"drops/{random_name()}", os.urandom(1_000_000))
        content, store = at(root, name).read_bytes(), LocalStore(root)

        async def run() -> bytes:
            blocks = store.get(name)
            read = await anext(blocks)
            await store.rewrite([name])
            return read + b"".join([block async for block in blocks])

        assert asyncio.run(run()) == content

    def test_stays_deleted_when_it_was_deleted_meanwhile(
        self, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name, store = put(root, f"mailboxes/{MAILBOX}/{random_name()}"), LocalStore(root)

        def after_it_was_deleted(copy: Path, path: Path) -> None:
            assert copy.exists()
            asyncio.run(store.delete(name))
            copy.touch()  # also when deleting did not see the copy
            exchange(copy, path)

        monkeypatch.setattr(rewriting, "exchange", after_it_was_deleted)
        rewrite(root, name)

        assert listed(root) == {}
        assert anew(root) == []
        assert list((root / "mailboxes").iterdir()) == []

    def test_that_is_gone_is_not_made(self, root: Path) -> None:
        rewrite(root, f"drops/{random_name()}", f"mailboxes/{MAILBOX}/{random_name()}")

        assert listed(root) == {}

    def test_waits_for_the_next_night_when_there_is_no_room_for_two(self, root: Path) -> None:
        large = put(root, f"drops/{random_name()}", bytes(2_000_000))
        names = [put(root, f"drops/{random_name()}") for _ in range(2)]

        left, *fresh = on_a_small_disk(root, names[0], large, names[1])

        assert (left, [Path(each).name for each in fresh]) == ("1", [Path(large).name])

    def test_lets_go_of_the_old_ones_where_the_next_has_no_room_beside_them(
        self, root: Path
    ) -> None:
        names = [put(root, f"drops/{random_name()}", bytes(900_000)) for _ in range(2)]

        assert on_a_small_disk(root, *names, kept_free=0) == ["0"]

    def test_that_fails_keeps_no_other_from_being_rewritten(self, root: Path) -> None:
        first, last = (put(root, f"drops/{random_name()}") for _ in range(2))
        in_the_way = f"drops/{random_name()}"
        (root / in_the_way).mkdir()

        with pytest.raises(StoreFailed):
            rewrite(root, first, in_the_way, last)

        assert not any(each.is_fresh for each in listed(root).values())

    def test_stops_where_it_is_when_the_drop_stops(self, root: Path) -> None:
        name, stopped = put(root, f"drops/{random_name()}"), threading.Event()
        stopped.set()

        rewriting.rewrite_all(root, [name], stopped)

        assert listed(root)[name].is_fresh


class TestTheDisk:
    """What whoever takes it can learn of what came together."""

    def test_knows_the_order_of_the_night_and_not_that_of_the_day(self, root: Path) -> None:
        pairs = []
        for _ in range(30):
            drop, event = f"drops/{random_name()}", f"mailboxes/{random_name()}/{random_name()}"
            pairs.append((put(root, drop), put(root, event)))
        names = [name for pair in pairs for name in pair]
        before = {at(root, name).stat().st_ino for name in names}
        random.Random(5).shuffle(names)

        rewrite(root, *names)

        # Or the numbers would tell, one by one, in what order the old ones were given.
        assert not before & {at(root, name).stat().st_ino for name in names}
        for what, found in facts(root, names).items():
            if what in ("birth", "change"):
                assert [found[name] for name in names] == sorted(found.values())
            ranked = sorted(names, key=found.__getitem__)
            together = [abs(ranked.index(drop) - ranked.index(event)) == 1 for drop, event in pairs]
            assert sum(together) <= 5, what  # chance gives 1 of 30

    @pytest.mark.skipif(not SHOWN.is_dir(), reason="needs a tmpfs, which shows its order")
    def test_has_the_names_in_the_order_of_the_night_too(self) -> None:
        with TemporaryDirectory(dir=SHOWN) as folder:
            root = Path(folder)
            (root / "drops").mkdir()
            names = [put(root, f"drops/{random_name()}") for _ in range(20)]
            came = [path.name for path in (root / "drops").iterdir()]
            random.Random(5).shuffle(names)

            rewrite(root, *names)

            shown = [f"drops/{path.name}" for path in (root / "rested").iterdir()]
            assert shown in (names, names[::-1])
            assert set(came) == {name.removeprefix("drops/") for name in names}
            assert list((root / "drops").iterdir()) == []

    def test_does_not_know_when_a_mailbox_began(self, root: Path) -> None:
        put(root, f"mailboxes/{random_name()}/{random_name()}")
        made_ahead = {path.stat().st_ino for path in (root / "spare").iterdir()}

        put(root, f"mailboxes/{MAILBOX}/{random_name()}")

        assert (root / "mailboxes" / MAILBOX).stat().st_ino in made_ahead
        assert len(made_ahead) > 100

    def test_makes_folders_ahead_again_before_the_last_is_taken(self, root: Path) -> None:
        for _ in range(100):
            put(root, f"mailboxes/{random_name()}/{random_name()}")

        assert len(list((root / "mailboxes").iterdir())) == 100
        assert len(list((root / "spare").iterdir())) > 30

    def test_does_not_know_when_a_source_looked(self, root: Path) -> None:
        name = put(root, f"replies/{MAILBOX}/{random_name()}")
        rewrite(root, name)
        places = [root / name, root / "replies" / MAILBOX]
        before = [place.stat().st_atime_ns for place in places]

        async def look() -> None:
            store = LocalStore(root)
            assert [one async for one in store.names(f"replies/{MAILBOX}/")] == [name]
            assert [block async for block in store.get(name)] == [b"sealed"]

        asyncio.run(look())

        assert [place.stat().st_atime_ns for place in places] == before

    def test_does_not_know_when_a_reply_was_deleted(self, root: Path) -> None:
        kept, deleted = (put(root, f"replies/{MAILBOX}/{random_name()}") for _ in range(2))
        rewrite(root, kept, deleted)
        asyncio.run(LocalStore(root).delete(deleted))
        assert (root / "replies" / MAILBOX).stat().st_mtime_ns % DAY_NS

        rewrite(root)

        for folder in (root / "replies" / MAILBOX, root / "replies", root / "drops"):
            assert folder.stat().st_mtime_ns % DAY_NS == 0


def facts(root: Path, names: list[str]) -> dict[str, dict[str, float]]:
    """Return what stat(1) says of each file, times with all their digits."""
    command = ["stat", "--format", "%.9W %.9Z %.9Y %.9X %i", *(at(root, name) for name in names)]
    said = zip(
        *(line.split() for line in subprocess.check_output(command).splitlines()), strict=True
    )
    keys = ("birth", "change", "writing", "reading", "inode")
    return {
        key: dict(zip(names, map(float, column), strict=True))
        for key, column in zip(keys, said, strict=True)
    }


class TestACrash:
    @pytest.mark.parametrize(
        ("call", "when"),
        [
            ("fsync", 1),
            ("linkat", 1),
            ("renameat2", 1),
            ("renameat2", 2),
            ("/^unlink", 1),
            ("renameat2", 3),
        ],
    )
    def test_at_any_step_loses_nothing_and_leaves_nothing_behind(
        self, root: Path, call: str, when: int
    ) -> None:
        # Each single system call: tests/faults/test_killed_at_night.py.
        names = [put(root, f"drops/{random_name()}") for _ in range(2)]
        names += [put(root, f"mailboxes/{MAILBOX}/{random_name()}") for _ in range(2)]
        contents = {name: at(root, name).read_bytes() for name in names}
        kill = f"inject={call}:signal=SIGKILL:when={when}"
        command = ["strace", "-o", root.parent / "calls", "-e", f"trace={call}", "-e", kill]

        killed = subprocess.run([*command, sys.executable, "-c", SCRIPT, root, *names])

        assert killed.returncode == -9
        assert set(listed(root)) == set(names)
        assert {name: at(root, name).read_bytes() for name in names} == contents
        asyncio.run(open_and_close(root))
        assert anew(root) == []
        rewrite(root, *names)
        assert not any(each.is_fresh for each in listed(root).values())
        assert {name: at(root, name).read_bytes() for name in names} == contents

    def test_between_two_of_them_brings_nothing_back_that_is_deleted_later(
        self, root: Path
    ) -> None:
        name = put(root, f"mailboxes/{MAILBOX}/{random_name()}")
        (root / "anew").mkdir()
        left_over = root / "anew" / name.replace("/", ".")
        left_over.write_bytes(at(root, name).read_bytes())

        asyncio.run(LocalStore(root).delete(name))

        assert anew(root) == []
        with pytest.raises(NoSuchObject):
            asyncio.run(anext(LocalStore(root).get(name)))


class TestAFileSystem:
    def test_that_cannot_exchange_names_is_refused_at_the_start(
        self, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(one: Path, other: Path) -> None:
            raise OSError(errno.EINVAL, "Invalid argument")

        assert trading.can_exchange(root)
        monkeypatch.setattr(trading, "exchange", refuse)

        assert not trading.can_exchange(root)
        assert sorted(path.name for path in root.iterdir()) == ["drops", "mailboxes", "replies"]


async def open_and_close(root: Path) -> None:
    async with open_store(root.parent, Config()):
        pass


def on_a_small_disk(root: Path, *names: str, kept_free: int = 10**9) -> list[str]:
    """Rewrite a copy of the store on a disk of 3 MB; return how many found no room, and which."""
    disk = root.parent / "disk"
    disk.mkdir()
    script = f"import shutil; shutil.copytree({str(root)!r}, {str(disk / 'store')!r})" + SCRIPT
    script = script.replace("kept_free=10**9", f"kept_free={kept_free}")
    script += "print(left, *(one for one in root.glob('drops/*') if one.stat().st_mtime % 1))"
    given = [sys.executable, "-c", script, disk / "store", *names]
    done = subprocess.run([*small_disk_at(disk, "3m"), *given], capture_output=True, text=True)
    return done.stdout.split()
