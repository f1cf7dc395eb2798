"""A drop leaves the server once two desks have opened it and backed it up, and not before."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, exported, pair
from drops import Drop, Newsroom, run_server

DAYS = 8


def carried_back(drop: Drop, desk: Desk, stick: Path) -> Any:
    """Write a receipt, and import it at the server; return what the server heard."""
    desk.json("receipt", "--to", stick)
    done = run_server("receipts", "import", stick, "--config", drop.config, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["bags"][-1]


def backed_up(desk: Desk, disk: Path) -> None:
    disk.mkdir()
    done = desk.run("backup", "--to", disk)
    assert done.returncode == 0, done.stderr


def swept(drop: Drop) -> None:
    assert run_server("sweep", "--config", drop.config).returncode == 0


@pytest.fixture
def other(drop: Drop, desk: Desk, newsroom: Newsroom, tmp_path: Path) -> Desk:
    """A second desk of the newsroom, paired with the same drop."""
    server_file = tmp_path / "server.json"
    made = run_server("pair", "--to", server_file, "--config", drop.config)
    assert made.returncode == 0, made.stderr
    other = Desk(tmp_path / "other", newsroom, server_file)
    pair(drop, other)
    return other


class TestADropIsDeleted:
    def test_once_two_desks_have_opened_it_and_backed_it_up(
        self, drop: Drop, desk: Desk, other: Desk, wav: Path, tmp_path: Path
    ) -> None:
        with drop.running() as serving:
            serving.send(wav)
        bag = exported(drop, tmp_path / "out")
        old = time.time() - DAYS * 86_400
        for envelope in drop.envelopes():
            os.utime(envelope, (old, old))
        for each in (desk, other):
            each.run("import", bag)
            each.json("open", "--all")

        without_backup = carried_back(drop, desk, tmp_path / "first")
        backed_up(desk, tmp_path / "disk")
        one = carried_back(drop, desk, tmp_path / "second")
        swept(drop)
        still_there = drop.envelopes()
        backed_up(other, tmp_path / "another")
        both = carried_back(drop, other, tmp_path / "third")
        swept(drop)

        assert without_backup["envelopes"] == {"stored": 1}
        assert one["envelopes"] == both["envelopes"] == {"opened": 1}
        assert (without_backup["due"], one["due"], both["due"]) == (0, 0, 1)
        assert len(still_there) == 1
        assert drop.envelopes() == []
        assert desk.json("log", "verify", "--against", tmp_path / "second")["held_against"] == 1
        assert other.run("log", "verify", "--against", tmp_path / "second").returncode == 3
