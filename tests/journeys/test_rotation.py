"""Changing a key is a day's work: no drop is lost, and no desk raises a false alarm."""

from collections.abc import Iterator
from copy import copy
from pathlib import Path

import pytest
from desk import Desk, exported, paired
from drops import Drop, Newsroom, Serving, run_server


@pytest.fixture
def successor(newsroom: Newsroom) -> Iterator[Newsroom]:
    """The reporter's next key; she has made it beside the one in use."""
    made = Newsroom("Desk, from now on <desk@newsroom.example>")
    made.gpg("--import", given=newsroom.gpg("--export-secret-keys"))
    yield made
    made.close()


@pytest.fixture
def desk(drop: Drop, newsroom: Newsroom, successor: Newsroom, tmp_path: Path) -> Desk:
    """A desk that was made with the key in use, and has the next one beside it."""
    both = copy(successor)
    both.fingerprint = newsroom.fingerprint
    return paired(drop, tmp_path / "desk", both)


class TestChangingAKey:
    def test_takes_two_signed_lists_and_no_restart(
        self, drop: Drop, desk: Desk, successor: Newsroom, tmp_path: Path, wav: Path
    ) -> None:
        old, new = drop.newsroom, successor
        (tmp_path / "new.asc").write_bytes(new.exported)

        with drop.running() as serving:
            before = received(serving, wav)
            desk.json("keys", "add", tmp_path / "new.asc", "--fingerprint", new.fingerprint)
            take_list(drop, desk, tmp_path / "first.json")
            between = received(serving, wav)
            desk.json("keys", "retire", old.fingerprint, "--confirm", old.fingerprint)
            take_list(drop, desk, tmp_path / "second.json")
            after = received(serving, wav)
        desk.json("import", exported(drop, tmp_path / "stick"))
        opened = desk.run("open", "--all")
        rows = desk.json("list")

        assert [recipients(old, each) for each in (before, between, after)] == [1, 2, 1]
        assert [opens(old, each) for each in (before, between, after)] == [True, True, False]
        assert opened.returncode == 0, opened.stderr
        assert [row["alarms"] for row in rows] == [[], [], []]


def received(serving: Serving, recording: Path) -> Path:
    """Let a source send a recording; return its envelope."""
    before = set(serving.drop.envelopes())
    assert serving.send(recording).became == ["cleaned"]
    (envelope,) = set(serving.drop.envelopes()) - before
    return envelope


def take_list(drop: Drop, desk: Desk, file: Path) -> None:
    """Have the desk sign its list, and the drop take it."""
    desk.json("keys", "sign", "--to", file)
    taken = run_server("keys", "add", file, "--config", drop.config)
    assert taken.returncode == 0, taken.stderr


def opens(key: Newsroom, envelope: Path) -> bool:
    return bool(key.gpg("--decrypt", str(envelope)))


def recipients(key: Newsroom, envelope: Path) -> int:
    return key.gpg("--list-packets", str(envelope)).count(b":pubkey enc packet:")
