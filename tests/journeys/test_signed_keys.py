"""Once a desk is paired, it says who reads; staff can only let fewer read."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, exported
from drops import Drop, Newsroom, Serving, run_server, write_wav


@pytest.fixture(scope="module")
def colleague() -> Iterator[Newsroom]:
    """Somebody who is to read, or isn't."""
    made = Newsroom("Colleague <colleague@newsroom.example>")
    yield made
    made.close()


@pytest.fixture
def colleagues_key(colleague: Newsroom, tmp_path: Path) -> Path:
    path = tmp_path / "colleague.asc"
    path.write_bytes(colleague.exported)
    return path


def add_at_desk(desk: Desk, key: Newsroom, file: Path) -> Any:
    return desk.json("keys", "add", file, "--fingerprint", key.fingerprint)


def signed_at(desk: Desk, to: Path) -> Path:
    desk.json("keys", "sign", "--to", to)
    return to


def taken(drop: Drop, file: Path) -> Any:
    """Give the drop a signed list; return what it says."""
    done = run_server("keys", "add", file, "--config", drop.config, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def sent(serving: Serving, recording: Path) -> Path:
    """Send a recording; return its envelope."""
    before = set(serving.drop.envelopes())
    assert serving.send(recording).became == ["cleaned"]
    (envelope,) = set(serving.drop.envelopes()) - before
    return envelope


def opens(key: Newsroom, envelope: Path) -> bool:
    return bool(key.gpg("--decrypt", str(envelope)))


class TestASignedList:
    def test_adds_and_retires_a_reader_while_the_drop_runs(
        self, drop: Drop, desk: Desk, colleague: Newsroom, colleagues_key: Path, tmp_path: Path
    ) -> None:
        recording = write_wav(tmp_path / "a.wav")
        with drop.running() as serving:
            before = sent(serving, recording)
            add_at_desk(desk, colleague, colleagues_key)
            first = taken(drop, signed_at(desk, tmp_path / "one.json"))
            between = sent(serving, recording)
            fingerprint = colleague.fingerprint
            desk.json("keys", "retire", fingerprint, "--confirm", fingerprint)
            second = taken(drop, signed_at(desk, tmp_path / "two.json"))
            after = sent(serving, recording)
        replayed = run_server("keys", "add", tmp_path / "one.json", "--config", drop.config)
        desk.run("import", exported(drop, tmp_path / "stick"))
        rows = desk.json("open", "--all")

        assert (first["added"], second["removed"]) == ([fingerprint], [fingerprint])
        assert [opens(colleague, each) for each in (before, between, after)] == [False, True, False]
        assert all(opens(drop.newsroom, each) for each in (before, between, after))
        assert replayed.returncode == 3
        assert "before the list that was taken last" in replayed.stderr
        # What was sealed to the earlier lists of the same day is as it should be.
        assert [row["alarms"] for row in rows] == [[], [], []]


class TestStaff:
    def test_cannot_add_a_reader(self, drop: Drop, desk: Desk, colleague: Newsroom) -> None:
        refused = drop.add_key(colleague)

        assert refused.returncode == 3
        assert f"no paired desk has signed for {colleague.fingerprint}" in refused.stderr
        assert "tapedrop-intake keys sign" in refused.stderr

    def test_who_put_a_key_there_by_hand_are_told_why_nothing_is_sealed_to_it(
        self, drop: Drop, desk: Desk, colleague: Newsroom, wav: Path
    ) -> None:
        with drop.running() as serving:
            home = ["--homedir", str(drop.folder / "newsroom")]
            colleague.gpg(*home, "--import", given=colleague.exported)
            envelope = sent(serving, wav)
        listed = run_server("keys", "list", "--config", drop.config)
        started = run_server("serve", "--config", drop.config)

        assert not opens(colleague, envelope)
        assert listed.returncode == 3
        assert "no paired desk has signed for it" in listed.stdout
        assert started.returncode == 5
        assert f"{colleague.fingerprint}: no paired desk has signed for it" in started.stderr
