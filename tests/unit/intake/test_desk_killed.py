"""A desk that was killed opens without repair, and has lost nothing."""

import re
from pathlib import Path

import pytest
from desk import words
from desks import CANARY, DeskAt, Server
from doomed import killed

OURS = re.compile(
    r"(desk\.toml|keys/[0-9A-F]{40}\.asc|pairing\.json|vault\.key\.gpg|desk\.key|catalogue\.db(-journal)?"
    r"|evidence/[0-9a-f]{64}\.(gpg|part)|working/[0-9a-f]{32}|(bags|part-[0-9a-f]*)/.*)"
)


def strangers(desk: DeskAt) -> list[str]:
    files = [path for path in desk.folder.rglob("*") if path.is_file()]
    names = [path.relative_to(desk.folder).as_posix() for path in files]
    return [name for name in names if not OURS.fullmatch(name)]


class TestKilledWhileImporting:
    def test_at_any_sync_what_is_there_is_whole_and_the_rest_comes_later(
        self, desk: DeskAt, server: Server, stick: Path
    ) -> None:
        for number in range(3):
            server.hold(b"an envelope like any other" * 1000 + bytes([number]))
        bag = server.export(stick)
        whole = set(server.sealed.values())
        deaths = 0
        for count in (1, 2, 3, 1, 2, 4, 7, 12, 20):
            deaths += killed(desk, "os:fsync", count, "import", bag)
            assert strangers(desk) == []
            assert {path.read_bytes() for path in desk.files("evidence")
                    if path.suffix == ".gpg"} <= whole  # fmt: skip
        assert deaths >= 6
        assert desk("import", bag).code == 0
        assert {path.read_bytes() for path in desk.files("evidence")} == whole
        assert [row["status"] for row in desk("list", "--json").json] == ["stored"] * 3


class TestKilledWhileOpening:
    @pytest.mark.parametrize(
        ("moment", "count"),
        [
            ("crypto.chunks:_write_all", 3),  # plaintext is passing
            ("os:fsync", 1),  # whole, but without a name
            ("os:link", 1),
            ("intake.catalogue.drops:Drops.opened", 1),  # named, but not catalogued
            ("intake.catalogue.drops:Drops._set_status", 1),  # in a transaction
            ("intake.catalogue.drops:Drops.drop", 2),  # catalogued
        ],
    )
    def test_the_drop_opens_later_and_no_plaintext_is_left(
        self, desk: DeskAt, server: Server, stick: Path, moment: str, count: int
    ) -> None:
        server.receive(CANARY * 400)
        desk("import", server.export(stick))
        assert killed(desk, moment, count, "open", "drop-0001")
        assert strangers(desk) == []
        assert not desk.holds(CANARY[:24])
        opened = desk("open", "drop-0001")
        assert opened.code == 0, opened.err
        (row,) = desk("list", "--json").json
        assert row["status"] == "opened"
        assert len(desk.files("working")) == 1


class TestKilledWhileFounding:
    def test_a_desk_that_was_half_made_is_made_anew(
        self, desk: DeskAt, server: Server, tmp_path: Path
    ) -> None:
        settings = (desk.folder / "desk.toml").read_text()
        home = re.search(r'gnupg_home = "(.*)"', settings)
        key = re.search(r'key = "([0-9A-F]{40})"', settings)
        assert home is not None
        assert key is not None
        arguments = ["init", tmp_path / "new", "--key", key[1], "--gnupg", home[1]]
        pairing = server.pairing(tmp_path / "pairing.json")
        arguments += ["--server", pairing, *words(pairing)]
        assert killed(desk, "os:fsync", 5, *arguments)
        assert not (tmp_path / "new").exists()
        assert desk.tell(*arguments).code == 0
        assert sorted(path.name for path in tmp_path.glob("new*")) == ["new"]
