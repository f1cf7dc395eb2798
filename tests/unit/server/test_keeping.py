"""Export, receipt, sweep: the commands by which a drop is let go of."""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from desk import words
from drops import SERVER, Drop, run_server
from signing import DeskKey, receipts

from server.staff.sticks.export import export
from server.store import random_name, small
from server.store.local import LocalStore
from server.store.memory import MemoryStore


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    return tmp_path / "stick"


@pytest.fixture
def desk(drop: Drop, tmp_path: Path) -> DeskKey:
    """A desk that the drop is paired with."""
    key = DeskKey()
    file = key.introduction(tmp_path, [drop.newsroom.fingerprint])
    run(drop, "pair", file, *words(file))
    return key


def run(drop: Drop, *words: str | Path, code: int = 0) -> Any:
    """Run a verb; return its answer."""
    done = run_server(*words, "--config", drop.config, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def put(drop: Drop, name: str, content: bytes = b"sealed", *, days_old: int) -> str:
    asyncio.run(LocalStore(drop.folder / "store").put(name, small(content)))
    put_at = (datetime.now(UTC) - timedelta(days=days_old)).timestamp()
    os.utime(drop.folder / "store" / name, (put_at, put_at))
    return name


def opened(*contents: bytes) -> dict[str, bytes]:
    return receipts(**{sha256(content).hexdigest(): "opened" for content in contents})


class TestADropThatADeskHasOpened:
    def test_goes_with_the_next_sweep_once_it_is_seven_days_old(
        self, drop: Drop, desk: DeskKey, tmp_path: Path, stick: Path
    ) -> None:
        old, young, unopened = os.urandom(99), os.urandom(99), os.urandom(99)
        name = put(drop, f"drops/{random_name()}", old, days_old=8)
        put(drop, f"drops/{random_name()}", young, days_old=3)
        put(drop, f"drops/{random_name()}", unopened, days_old=30)
        run(drop, "export", "--to", stick)
        bag = desk.bag(tmp_path / "back", opened(old, young))

        assert run(drop, "receipts", "import", bag)["bags"][0]["due"] == 1
        asked = run(drop, "sweep", "--dry-run", "--names")
        assert (asked["drops"], asked["names"]) == (1, [name])
        assert len(drop.envelopes()) == 3
        assert run(drop, "sweep")["drops"] == 1

        assert {path.read_bytes() for path in drop.envelopes()} == {young, unopened}

    def test_stays_when_it_is_no_longer_what_was_carried(
        self, drop: Drop, desk: DeskKey, tmp_path: Path, stick: Path
    ) -> None:
        name = put(drop, f"drops/{random_name()}", b"carried", days_old=8)
        run(drop, "export", "--to", stick)
        run(drop, "receipts", "import", desk.bag(tmp_path / "back", opened(b"carried")))
        (drop.folder / "store" / name).write_bytes(b"altered")
        os.utime(drop.folder / "store" / name, (0, 0))

        done = run_server("sweep", "--config", drop.config)

        assert done.returncode == 1
        assert "1 drops are not what was carried to the desks" in done.stderr
        assert len(drop.envelopes()) == 1


class TestAnExport:
    def test_leaves_out_what_is_swept_while_it_copies(self, stick: Path, tmp_path: Path) -> None:
        kept, going = (f"drops/{number * 32}" for number in "12")

        class Swept(MemoryStore):
            async def get(self, name: str) -> AsyncIterator[bytes]:
                self.blobs.pop(going, None)
                async for block in super().get(name):
                    yield block

        store = Swept()
        store.blobs = {kept: b"sealed", going: b"opened"}
        exporting = export(
            store,
            stick,
            export_key=Ed25519PrivateKey.generate(),
            newsroom=("A" * 40,),
            day=date(2026, 11, 21),
            receipts=tmp_path,
        )

        exported = asyncio.run(exporting)

        assert (exported.drops, exported.bytes) == (1, 6)
        (folder,) = exported.folders
        assert [path.name for path in (folder / "data").iterdir()] == ["1" * 32 + ".gpg"]
        record = sha256(b"sealed").digest() + bytes.fromhex("1" * 32)
        assert (tmp_path / "exported").read_bytes() == record


class TestTheCommand:
    def test_leaves_idle_mailboxes_to_a_drop_that_runs(self, drop: Drop) -> None:
        put(drop, f"mailboxes/{random_name()}/{random_name()}", days_old=400)

        with drop.running():
            beside = run(drop, "sweep")
        alone = run(drop, "sweep")

        assert (beside["mailboxes"], beside["rewritten"], alone["mailboxes"]) == (0, 1, 1)

    def test_says_in_lines_what_it_would_do_and_what_it_did(self, drop: Drop) -> None:
        put(drop, f"drops/{random_name()}", days_old=1)

        would = run_server("sweep", "--dry-run", "--config", drop.config).stdout
        did = run_server("sweep", "--config", drop.config).stdout

        assert "0 drops would be deleted: opened at the desks, 7 days old" in would
        assert "1 objects would be written anew: the disk knows their day only" in would
        assert "0 drops deleted: opened at the desks, 7 days old" in did
        assert "1 objects written anew: the disk knows their day only" in did

    def test_deletes_nothing_by_a_clock_in_doubt_until_somebody_vouches_for_it(
        self, drop: Drop
    ) -> None:
        put(drop, f"mailboxes/{random_name()}/{random_name()}", days_old=400)
        long_ago = datetime.now(UTC).date() - timedelta(days=31)
        (drop.folder / "receipts/swept").write_text(long_ago.isoformat())

        held_back = run_server("sweep", "--config", drop.config)
        vouched_for = run(drop, "sweep", "--clock-is-right")

        assert held_back.returncode == 5
        assert "31 days after the last sweep: nothing was deleted" in held_back.stderr
        assert vouched_for["mailboxes"] == 1
        assert run(drop, "sweep")["mailboxes"] == 0

    def test_two_at_once_do_no_harm(self, drop: Drop) -> None:
        names = [put(drop, f"drops/{random_name()}", days_old=1) for _ in range(60)]
        words = [SERVER, "sweep", "--config", drop.config]

        both = [subprocess.Popen(words, stdout=subprocess.DEVNULL) for _ in range(2)]

        assert [process.wait() for process in both] == [0, 0]
        assert sorted(f"drops/{path.name}" for path in drop.envelopes()) == sorted(names)
        assert {path.read_bytes() for path in drop.envelopes()} == {b"sealed"}
        assert list((drop.folder / "store/anew").iterdir()) == []


class TestANightOfATimerS:
    def night(self, drop: Drop) -> subprocess.CompletedProcess[str]:
        return run_server("sweep", "--nightly", "--config", drop.config)

    def test_tells_the_log_in_steps_what_it_did_and_nobody_else_anything(self, drop: Drop) -> None:
        for _ in range(12):
            put(drop, f"drops/{random_name()}", days_old=1)
        put(drop, f"mailboxes/{random_name()}/{random_name()}", days_old=400)

        done = self.night(drop)

        assert (done.returncode, done.stdout) == (0, "")
        assert sorted(done.stderr.splitlines()) == [
            "event='swept' share='drops_deleted' today='0'",
            "event='swept' share='left_for_another_night' today='0'",
            "event='swept' share='mailboxes_deleted' today='1-9'",
            "event='swept' share='replies_deleted' today='0'",
            "event='swept' share='written_anew' today='10+'",
        ]
        today = datetime.now(UTC).date().isoformat()
        assert (drop.folder / "receipts/swept").read_text() == today
        told = run_server("status", "--json", "--config", drop.config)
        counts = json.loads(told.stdout)["told"]["counts"]
        steps = {each["facts"]["share"]: each["today"] for each in counts}
        assert (steps["written_anew"], steps["mailboxes_deleted"]) == ("10+", "1-9")

    def test_leaves_idle_mailboxes_and_telling_of_them_to_a_drop_that_runs(
        self, drop: Drop
    ) -> None:
        name = put(drop, f"mailboxes/{random_name()}/{random_name()}", days_old=400)

        with drop.running():
            done = self.night(drop)

        assert done.returncode == 0
        assert "mailboxes_deleted" not in done.stderr
        mailbox = Path(name).parent.name
        assert list((drop.folder / "store").glob(f"*/{mailbox}/*"))

    @pytest.mark.parametrize("fault", ["clock", "store", "altered"])
    def test_alerts_staff_of_what_failed(
        self, drop: Drop, desk: DeskKey, tmp_path: Path, stick: Path, fault: str
    ) -> None:
        drop.add_exported(drop.newsroom.exported, drop.newsroom.fingerprint, staff=True)
        drop.config.write_text('[staff]\nalert_command = ["/usr/bin/true"]\n')
        if fault == "clock":
            (drop.folder / "receipts/swept").write_text("2020-01-01")
            said = "event='sweep_held_back' days="
        elif fault == "store":
            (drop.folder / "store/drops").rmdir()
            (drop.folder / "store/drops").write_text("in the way")
            said = "event='sweep_failed'"
        else:
            name = put(drop, f"drops/{random_name()}", b"carried", days_old=8)
            run(drop, "export", "--to", stick)
            run(drop, "receipts", "import", desk.bag(tmp_path / "back", opened(b"carried")))
            (drop.folder / "store" / name).write_bytes(b"altered")
            os.utime(drop.folder / "store" / name, (0, 0))
            said = "event='drops_altered' drops=1"

        done = self.night(drop)

        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(said)
        assert len(list((drop.folder / "outbox").iterdir())) == 1

    @pytest.mark.parametrize("other", ["--dry-run", "--names", "--clock-is-right"])
    def test_goes_with_nothing_that_somebody_would_have_to_read(
        self, drop: Drop, other: str
    ) -> None:
        done = run_server("sweep", "--nightly", other, "--config", drop.config)

        assert done.returncode == 2
        assert "--nightly goes with no other option" in done.stderr
