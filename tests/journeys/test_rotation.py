"""Changing a key is a day's work: no drop is lost, and no desk raises a false alarm."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, exported, paired
from drops import Drop, Newsroom, Serving, run_server


@pytest.fixture
def reporter() -> Iterator[Newsroom]:
    """A reporter whose key is to be changed."""
    made = Newsroom("Reporter <desk@newsroom.example>")
    yield made
    made.close()


@pytest.fixture
def successor(reporter: Newsroom) -> Iterator[Newsroom]:
    """Her next key: made at the desk beside the one in use, and here also on its own."""
    made = Newsroom("Reporter, from now on <desk@newsroom.example>")
    reporter.gpg("--import", given=made.gpg("--export-secret-keys"))
    yield made
    made.close()


class Work:
    """What is done at the drop and at the desk, and what is carried between them."""

    def __init__(self, serving: Serving, desk: Desk, stick: Path) -> None:
        self.serving, self.desk, self.stick = serving, desk, stick
        self.lists = 0

    def receives(self, recording: Path) -> Path:
        """Let a source send a recording; return its envelope."""
        before = set(self.serving.drop.envelopes())
        assert self.serving.send(recording).became == ["cleaned"]
        (envelope,) = set(self.serving.drop.envelopes()) - before
        return envelope

    def carries(self) -> list[dict[str, Any]]:
        """Carry everything to the desk, and open it there; return what the desk lists."""
        self.desk.json("import", exported(self.serving.drop, self.stick))
        opened = self.desk.run("open", "--all")
        assert opened.returncode == 0, opened.stderr
        listed: list[dict[str, Any]] = self.desk.json("list")
        return listed

    def takes_a_list(self) -> None:
        """Have the desk sign its list, and the drop take it."""
        self.lists += 1
        file = self.stick / f"{self.lists}.json"
        self.desk.json("keys", "sign", "--to", file)
        taken = run_server("keys", "add", file, "--config", self.serving.drop.config)
        assert taken.returncode == 0, taken.stderr


class TestChangingAKey:
    def test_takes_two_signed_lists_and_no_restart(
        self, reporter: Newsroom, successor: Newsroom, tmp_path: Path, wav: Path
    ) -> None:
        drop = Drop(tmp_path / "drop", reporter)
        desk = paired(drop, tmp_path / "desk", reporter)
        (tmp_path / "stick").mkdir()
        (tmp_path / "new.asc").write_bytes(successor.exported)
        new, old = successor.fingerprint, reporter.fingerprint

        with drop.running() as serving:
            work = Work(serving, desk, tmp_path / "stick")
            before = work.receives(wav)
            first = work.carries()

            desk.json("keys", "add", tmp_path / "new.asc", "--fingerprint", new)
            work.takes_a_list()
            between = work.receives(wav)
            second = work.carries()

            desk.json("keys", "retire", old, "--confirm", old)
            work.takes_a_list()
            after = work.receives(wav)
            third = work.carries()

        assert [len(rows) for rows in (first, second, third)] == [1, 2, 3]
        assert not any(row["alarms"] for row in third)
        assert recipients(reporter, before, between, after) == [1, 2, 1]
        # On its own, the new key opens what came since it was added; with the old one, all opens.
        assert opens(successor, before, between, after) == [False, True, True]
        assert opens(reporter, before, between, after) == [True, True, True]


def opens(key: Newsroom, *envelopes: Path) -> list[bool]:
    return [bool(key.gpg("--decrypt", str(envelope))) for envelope in envelopes]


def recipients(key: Newsroom, *envelopes: Path) -> list[int]:
    listed = (key.gpg("--list-packets", str(envelope)) for envelope in envelopes)
    return [packets.count(b":pubkey enc packet:") for packets in listed]
