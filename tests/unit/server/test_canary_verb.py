"""`canary`, as a timer and another program meet it."""

import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from drops import Drop, run_server

from server.cli.canary import command
from server.errors import CantReach
from server.staff.alone import alone
from server.staff.canary import flight
from server.staff.canary.identity import new_canary
from server.staff.days import last_arrived


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Where a timer's day goes: nobody waits it out here."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


@pytest.fixture
def config(tmp_path: Path) -> Path:
    for folder in ("credentials", "newsroom", "desks", "receipts", "store/drops"):
        (tmp_path / folder).mkdir(parents=True, mode=0o700)
    (tmp_path / "tapedrop.toml").write_text("")
    return tmp_path / "tapedrop.toml"


def test_at_random_it_waits_for_less_than_a_day_and_never_as_long_again(
    config: Path, pauses: list[float]
) -> None:
    for _ in range(4):
        CliRunner().invoke(command, ["--config", str(config), "--at-random"])
    assert all(0 <= seconds < 24 * 60 * 60 for seconds in pauses)
    assert len(set(pauses)) > 1


def test_at_once_it_waits_for_nothing(config: Path, pauses: list[float]) -> None:
    CliRunner().invoke(command, ["--config", str(config)])
    assert pauses == []


def test_at_random_no_file_s_time_tells_when_it_arrived(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[bool] = []
    receipts = config.parent / "receipts"
    monkeypatch.setattr(time, "sleep", lambda _: noted.append(last_arrived(receipts) is not None))
    monkeypatch.setattr(flight, "fly", lambda *_, **__: flight.Arrived(1))

    done = CliRunner().invoke(command, ["--config", str(config), "--at-random"])

    assert done.exit_code == 0
    assert noted == [False, False]  # once before it flies, once before the day is written down
    assert last_arrived(receipts) is not None


def test_two_do_not_fly_at_once(config: Path, pauses: list[float]) -> None:
    codename = config.parent / "credentials/canary"
    codename.write_bytes(new_canary())
    with alone(codename, "canary"):
        refused = CliRunner().invoke(command, ["--config", str(config)])
    assert str(refused.exception) == "another canary is running; wait for its end"


def test_how_far_it_came_is_told_to_a_program_and_a_person(drop: Drop) -> None:
    done = run_server("canary", "--url", "http://127.0.0.1:1", "--json", "--config", drop.config)
    assert done.returncode == 1
    assert json.loads(done.stdout)["canary"] == "cant_reach"
    assert "error: can't reach the drop" in done.stderr
    assert f"hint: {CantReach.hint}" in done.stderr
    assert last_arrived(drop.folder / "receipts") is None
