"""A desk that is killed just as something leaves it has that in its log already."""

from pathlib import Path

import pytest
from desks import CANARY, DeskAt, Ready, Server
from test_desk_killed import killed


@pytest.fixture
def opened(ready: Ready, server: Server, stick: Path) -> DeskAt:
    def prepare(desk: DeskAt) -> None:
        server.receive(CANARY)
        desk("import", server.export(stick))
        assert desk("open", "--all").code == 0

    return ready(prepare)


def last(desk: DeskAt) -> str:
    assert desk("log", "verify").code == 0
    return str(desk("log", "--json").json[-1]["act"])


@pytest.mark.parametrize(
    ("moment", "count", "act", "left"),
    [
        ("intake.catalogue.custody:CustodyLog.add", 1, "opened", set()),
        ("os:link", 1, "exported", set()),
        ("os:link", 2, "exported", {"out.wav"}),
    ],
)
def test_an_export_is_in_the_log_before_its_file_has_a_name(
    opened: DeskAt, tmp_path: Path, moment: str, count: int, act: str, left: set[str]
) -> None:
    folder = tmp_path / "usb"
    folder.mkdir()
    assert killed(opened, moment, count, "export", "drop-0001", "--to", folder / "out.wav")
    assert {path.name for path in folder.iterdir()} == left
    assert last(opened) == act


def test_a_receipt_is_in_the_log_before_its_bag_has_a_name(opened: DeskAt, tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"Is there more?")
    opened("reply", "1", "--text-from", tmp_path / "text")
    assert killed(opened, "pathlib:Path.rename", 1, "receipt", "--to", tmp_path / "back")
    (unfinished,) = (tmp_path / "back/TAPEDROP").iterdir()
    assert unfinished.suffix == ".part"
    assert last(opened) == "told the server"
    # It may be on the stick for all the desk knows, so it counts as gone; it goes again, too.
    assert opened("reply", "--take-back", "1").code == 2
    assert opened("receipt", "--to", tmp_path / "again", "--json").json["replies"] == 2


def test_a_reply_is_kept_whole_or_not_at_all(opened: DeskAt, tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"Is there more?")
    moment = "intake.catalogue.replies:Replies.keep"
    assert killed(opened, moment, 1, "reply", "1", "--text-from", tmp_path / "text")
    assert opened("reply", "--waiting", "--json").json == []
    assert opened("reply", "1", "--text-from", tmp_path / "text").out.startswith("reply-0001 ")
