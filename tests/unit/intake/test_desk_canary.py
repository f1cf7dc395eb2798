"""What the server's own test source sent: named in the receipt, and in nobody's way."""

import json
from pathlib import Path
from typing import Any

import pytest
from desks import CANARY as RECORDING
from desks import SOURCE, DeskAt, Server
from msgspec import structs

from intake.settings import Canary, read_settings, written

pytestmark = pytest.mark.usefixtures("opened_once")

PAIRED = Canary(SOURCE.pseudonym, SOURCE.mailbox_id.hex())


@pytest.fixture
def told_apart(desk: DeskAt) -> DeskAt:
    """A desk that learned at pairing whom the server calls its canary: who sends all drops here."""
    return knowing(desk, PAIRED)


def knowing(desk: DeskAt, canary: Canary) -> DeskAt:
    path = desk.folder / "desk.toml"
    settings = read_settings(path)
    server = structs.replace(settings.server, canary=canary)
    path.write_bytes(written(structs.replace(settings, server=server)))
    assert read_settings(path).server.canary == canary
    return desk


def receipt(desk: DeskAt, to: Path) -> Any:
    done = desk("receipt", "--to", to, "--json")
    assert done.code == 0, done.err
    return json.loads((Path(done.json["bag"]) / "data/receipts.json").read_text("utf-8"))


@pytest.fixture
def opened(told_apart: DeskAt, server: Server, stick: Path) -> DeskAt:
    server.receive()
    told_apart("import", server.export(stick))
    done = told_apart("open", "--all")
    assert done.code == 0, done.err
    assert "1 from the server's canary" in done.err
    assert done.out == ""
    return told_apart


class TestTheCanary:
    def test_it_is_in_no_list_but_its_own(self, opened: DeskAt) -> None:
        assert opened("list", "--json").json == []
        (row,) = opened("list", "--canaries", "--json").json
        assert row["status"] == "canary"
        assert row["canary_day"] in opened("list", "--canaries").out

    def test_nothing_of_what_it_sent_is_kept_beside_the_evidence(self, opened: DeskAt) -> None:
        assert opened.files("working") == []
        assert not opened.holds(RECORDING[:24])
        (row,) = opened("list", "--canaries", "--json").json
        assert row["pseudonym"] is None

    def test_the_receipt_names_it_by_its_day(self, opened: DeskAt, tmp_path: Path) -> None:
        said = receipt(opened, tmp_path / "out")
        (row,) = opened("list", "--canaries", "--json").json
        assert said["version"] == "tapedrop receipt 2"
        assert said["envelopes"] == {row["sha256"]: f"canary: {row['canary_day']}"}

    def test_nobody_is_told_that_it_was_opened(self, opened: DeskAt, tmp_path: Path) -> None:
        receipt(opened, tmp_path / "out")
        assert opened.files("outbox") == []

    def test_one_that_is_asked_for_by_name_is_opened_like_any_drop(
        self, opened: DeskAt, tmp_path: Path
    ) -> None:
        done = opened("open", "drop-0001")
        assert (done.code, "as any other drop" in done.err) == (0, True)
        assert [row["status"] for row in opened("list", "--json").json] == ["opened"]
        assert opened("list", "--canaries", "--json").json == []
        assert opened("export", "drop-0001", "--to", tmp_path / "heard.wav").code == 0
        assert (tmp_path / "heard.wav").read_bytes() == RECORDING


class TestWhatIsNoCanary:
    @pytest.mark.parametrize(
        "canary",
        [
            Canary("other words", SOURCE.mailbox_id.hex()),
            Canary(SOURCE.pseudonym, "00" * 16),
        ],
    )
    def test_half_of_its_name_is_not_enough(
        self, desk: DeskAt, server: Server, stick: Path, canary: Canary
    ) -> None:
        knowing(desk, canary)
        server.receive()
        desk("import", server.export(stick))
        desk("open", "--all")
        assert [row["status"] for row in desk("list", "--json").json] == ["opened"]

    def test_without_one_at_pairing_the_receipt_stays_as_it_was(
        self, desk: DeskAt, server: Server, stick: Path, tmp_path: Path
    ) -> None:
        server.receive()
        desk("import", server.export(stick))
        desk("open", "--all")
        assert receipt(desk, tmp_path / "out")["version"] == "tapedrop receipt 1"

    def test_one_that_raises_an_alarm_is_listed_for_somebody_to_see(
        self, told_apart: DeskAt, server: Server, stick: Path
    ) -> None:
        newsroom = server.newsroom
        server.receive(newsroom=type(newsroom)(newsroom.keys[:1]))
        told_apart("import", server.export(stick))
        done = told_apart("open", "--all")
        assert (done.code, "ALARM" in done.err) == (1, True)
        (row,) = told_apart("list", "--json").json
        assert row["alarms"]


class TestItsSettings:
    @pytest.mark.parametrize(
        "said", ['"two words"', '{ pseudonym = "a b" }', '{ pseudonym = "a", mailbox_id = "0" }']
    )
    def test_what_is_not_well_said_is_refused(self, desk: DeskAt, said: str) -> None:
        path = desk.folder / "desk.toml"
        path.write_text(path.read_text().replace("[reporter]", f"canary = {said}\n\n[reporter]"))
        assert desk("list").code == 2
