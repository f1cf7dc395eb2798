"""Is it working? What staff are told of a real drop, without looking at anyone."""

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, exported
from drops import Drop, Serving, run_server

YESTERDAY = time.time() - 86_400


def told(drop: Drop, *words: str | Path) -> str:
    """Return what `status` says, to the byte."""
    done = run_server("status", *words, "--config", drop.config)
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout


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
        before = told(drop, "--prometheus", figures), told(drop, "--json"), figures.read_bytes()

        assert serving.send(wav, message="hello").became == ["written", "cleaned"]

        after = told(drop, "--prometheus", figures), told(drop, "--json"), figures.read_bytes()
        assert after == before

    def test_tells_tomorrow_what_came_and_what_staff_have_to_do(
        self, serving: Serving, desk: Desk, wav: Path, tmp_path: Path
    ) -> None:
        drop, stick = serving.drop, tmp_path / "stick"
        serving.send(wav)
        assert status(drop)["store"]["drops"]["number"] == 0
        a_day_passes(drop)

        found = status(drop)

        assert found["running"]
        assert (found["store"]["drops"]["number"], found["store"]["drops"]["waiting"]) == (1, 1)
        assert found["store"]["mailboxes"] == 1
        assert found["exported"] is None
        exported(drop, stick)
        after = status(drop)
        assert after["store"]["drops"]["waiting"] == 0
        assert after["exported"] == datetime.now(UTC).date().isoformat()
        assert after["desks"] == [
            {"name": after["desks"][0]["name"], "may_sign": True, "heard": None}
        ]
        desk.json("import", stick)
        desk.json("open", "--all")
        desk.json("receipt", "--to", stick)
        assert run_server("receipts", "import", stick, "--config", drop.config).returncode == 0
        assert status(drop)["desks"][0]["heard"] == after["exported"]

    def test_figures_may_be_read_by_another_user_and_are_written_in_one_step(
        self, drop: Drop, tmp_path: Path
    ) -> None:
        place = tmp_path / "figures"
        place.mkdir()

        told(drop, "--prometheus", place / "drop.prom")

        assert [path.name for path in place.iterdir()] == ["drop.prom"]
        assert (place / "drop.prom").stat().st_mode & 0o777 == 0o644
        assert "tapedrop_running 0\n" in (place / "drop.prom").read_text()

    def test_figures_that_node_exporter_would_not_read_are_refused(
        self, drop: Drop, tmp_path: Path
    ) -> None:
        done = run_server("status", "--prometheus", tmp_path / "drop.txt", "--config", drop.config)

        assert done.returncode == 2
        assert "end in .prom" in done.stderr

    def test_exits_with_one_while_somebody_is_needed(self, drop: Drop) -> None:
        done = run_server("status", "--config", drop.config)

        assert done.returncode == 1
        assert "the drop is not running" in done.stdout


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
        found = run_server("check", "--config", drop.config)
        assert found.returncode == 1, found.stdout
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
