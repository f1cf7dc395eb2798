"""The way of a drop at the desk, told by the command line's own verbs."""

from pathlib import Path

from desks import CANARY, DeskAt, Server


class TestTheWayOfADrop:
    def test_it_is_imported_opened_and_listed(
        self, server: Server, desk: DeskAt, stick: Path
    ) -> None:
        server.receive()
        bag = server.export(stick)
        imported = desk("import", bag)
        assert (imported.code, imported.err) == (0, "tapedrop-intake: 1 stored\n")
        opened = desk("open", "--all")
        assert opened.code == 0, opened.err
        (row,) = desk("list", "--json").json
        assert row["id"] == "drop-0001"
        assert row["status"] == "opened"
        assert row["removed"] == {"location": 1, "device": 2}
        assert not desk.holds(CANARY)
