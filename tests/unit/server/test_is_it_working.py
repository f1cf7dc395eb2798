"""Is it working? What staff are told of a real drop, without looking at anyone."""

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from drops import Drop, Serving, run_server
from signing import DeskKey, receipts

YESTERDAY = time.time() - 86_400
EIGHT_DAYS_AGO = YESTERDAY - 7 * 86_400


def told(drop: Drop, *words: str | Path) -> str:
    """Return what `status` says, to the byte."""
    done = run_server("status", *words, "--config", drop.config)
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout


def run(drop: Drop, *words: str | Path) -> None:
    done = run_server(*words, "--config", drop.config)
    assert done.returncode == 0, done.stderr


def status(drop: Drop) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(told(drop, "--json"))
    return found


def checks(drop: Drop) -> dict[str, list[str]]:
    """Return the verdicts of each check."""
    done = run_server("check", "--config", drop.config, "--json")
    found: dict[str, list[str]] = {}
    for check in json.loads(done.stdout)["checks"]:
        found.setdefault(check["name"], []).append(check["verdict"])
    return found


def a_day_passes(drop: Drop) -> None:
    """Make what is in the store a day older, and the count of today one of yesterday."""
    for path in (drop.folder / "store").rglob("*"):
        if path.is_file():
            os.utime(path, (YESTERDAY, YESTERDAY))
    (drop.folder / "receipts" / "counted.json").unlink()


class TestStatus:
    def test_is_the_same_to_the_byte_whether_or_not_a_source_came(
        self, serving: Serving, wav: Path, tmp_path: Path
    ) -> None:
        drop, figures = serving.drop, tmp_path / "drop.prom"
        before = told(drop, "--json", "--prometheus", figures), figures.read_bytes()

        assert serving.send(wav, message="hello").became == ["written", "cleaned"]

        after = told(drop, "--json", "--prometheus", figures), figures.read_bytes()
        assert after == before
        a_day_passes(drop)
        found = status(drop)
        assert found["running"]
        assert (found["store"]["drops"]["number"], found["store"]["mailboxes"]) == (2, 1)

    def test_follows_what_staff_do(self, drop: Drop, tmp_path: Path) -> None:
        desk, stick = DeskKey(), tmp_path / "stick"
        desk.pair_with(drop.folder / "desks")
        drops = drop.folder / "store" / "drops"
        for name in ("1" * 32, "2" * 32):
            (drops / name).write_bytes(name.encode())
            os.utime(drops / name, (EIGHT_DAYS_AGO, EIGHT_DAYS_AGO))

        first = status(drop)
        run(drop, "export", "--to", stick)
        carried = status(drop)
        opened = receipts(**{sha256(b"1" * 32).hexdigest(): "opened"})
        run(drop, "receipts", "import", desk.bag(tmp_path / "back", opened))
        heard = status(drop)
        run(drop, "sweep")
        swept = status(drop)

        today = datetime.now(UTC).date().isoformat()
        assert [
            (each["store"]["drops"]["number"], each["store"]["drops"]["waiting"])
            for each in (first, carried, heard, swept)
        ] == [(2, 2), (2, 0), (2, 0), (1, 0)]
        assert (first["exported"], carried["exported"]) == (None, today)
        assert (carried["store"]["drops"]["may_go"], heard["store"]["drops"]["may_go"]) == (0, 1)
        assert carried["desks"] == [{"name": "desk", "may_sign": True, "heard": None}]
        assert heard["desks"] == [{"name": "desk", "may_sign": True, "heard": today}]
        assert (heard["swept"], swept["swept"]) == (None, today)

    def test_figures_may_be_read_by_another_user_and_are_written_in_one_step(
        self, drop: Drop, tmp_path: Path
    ) -> None:
        place = tmp_path / "figures"
        place.mkdir()

        done = run_server("status", "--prometheus", place / "drop.prom", "--config", drop.config)

        assert done.returncode == 1
        assert "the drop is not running" in done.stdout
        assert [path.name for path in place.iterdir()] == ["drop.prom"]
        assert (place / "drop.prom").stat().st_mode & 0o777 == 0o644
        assert "tapedrop_running 0\n" in (place / "drop.prom").read_text()

    def test_figures_that_node_exporter_would_not_read_are_refused(
        self, drop: Drop, tmp_path: Path
    ) -> None:
        done = run_server("status", "--prometheus", tmp_path / "drop.txt", "--config", drop.config)

        assert done.returncode == 2
        assert "end in .prom" in done.stderr


class TestCheck:
    @pytest.fixture
    def on_a_socket(self, drop: Drop) -> Iterator[Drop]:
        drop.config.write_text('[listen]\ncircuits = "haproxy"\n')
        with drop.running():
            yield drop

    def test_asks_a_running_drop_as_tor_does(self, on_a_socket: Drop) -> None:
        found = checks(on_a_socket)

        assert found["listening"] == ["ok"]
        assert found["configuration"] == ["ok"]
        (on_a_socket.folder / "tapedrop.sock").chmod(0o666)
        assert checks(on_a_socket)["listening"] == ["fail", "ok"]
        (on_a_socket.folder / "tapedrop.sock").unlink()
        assert checks(on_a_socket)["listening"] == ["fail"]

    def test_changes_nothing(self, drop: Drop) -> None:
        def seen() -> dict[Path, tuple[int, int, int]]:
            found = {}
            for path in (drop.folder, *drop.folder.rglob("*")):
                facts = path.stat()
                found[path] = (facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size)
            return found

        before = seen()

        done = run_server("check", "--config", drop.config)

        assert done.returncode in {1, 5}
        assert seen() == before

    def test_says_by_its_exit_code_whether_something_must_be_mended(self, drop: Drop) -> None:
        drop.config.write_text("")
        failing = {name for name, verdicts in checks(drop).items() if "fail" in verdicts}
        # Of the machine that the tests run on, the disk alone may not do for a drop.
        assert failing <= {"file_systems"}
        assert run_server("check", "--config", drop.config).returncode == (5 if failing else 1)
        (drop.folder / "credentials" / "salt").chmod(0o644)

        found = run_server("check", "--config", drop.config)

        assert found.returncode == 5
        assert f"chmod 600 {drop.folder}/credentials/salt" in found.stdout

    def test_what_keeps_a_drop_from_starting_fails(self, drop: Drop) -> None:
        drop.config.write_text("")
        (drop.folder / "receipts" / "swept").write_text(
            (datetime.now(UTC).date() + timedelta(days=90)).isoformat()
        )

        assert checks(drop)["clock"][0] == "fail"
        assert run_server("serve", "--config", drop.config).returncode == 5
