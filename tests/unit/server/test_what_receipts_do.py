"""A drop goes when as many desks as required have opened it; nothing else on a stick does it."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from signing import DeskKey, receipts

from crypto.errors import BadBag, WrongSignature
from server.config import Keeping
from server.errors import NotFit
from server.staff.desks.desk import paired
from server.staff.sticks.answers import read_answers
from server.staff.sticks.opened import desks_required, keep_exported, opened_drops
from server.staff.sticks.receipts import take_receipts
from server.store import Listed
from server.store.memory import MemoryStore
from server.sweep import Sweep

TODAY = date(2026, 11, 21)
DROP = f"drops/{'1' * 32}"
CONTENT = b"sealed"
DIGEST = sha256(CONTENT).hexdigest()


class OldStore(MemoryStore):
    """A store whose objects are all so many days old."""

    days_old = 30

    async def listed(self, prefix: str) -> AsyncIterator[Listed]:
        async for name in self.names(prefix):
            yield Listed(name, 1, TODAY - timedelta(days=self.days_old), is_fresh=False)


class Server:
    """What a server keeps of desks, and one drop that was carried out, 30 days ago."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.desks, self.receipts = folder / "desks", folder / "receipts"
        self.desks.mkdir()
        self.receipts.mkdir()
        self.store = OldStore()
        self.store.blobs[DROP] = CONTENT
        keep_exported(self.receipts, {DROP: bytes.fromhex(DIGEST)})

    def paired(self, name: str) -> DeskKey:
        desk = DeskKey(name)
        desk.pair_with(self.desks)
        return desk

    def hears(self, desk: DeskKey, state: str, digest: str = DIGEST, day: date = TODAY) -> Path:
        """Import what a desk says of the drop; return the bag."""
        bag = desk.bag(self.folder, receipts(**{digest: state}), day=day)
        self.takes(bag)
        return bag

    def takes(self, bag: Path) -> None:
        take_receipts(read_answers(bag, paired(self.desks)), self.receipts, today=TODAY)

    def sweeps(self, setting: int = 0) -> bool:
        """Sweep; return whether the drop is gone."""
        desks = paired(self.desks)
        opened = opened_drops(self.receipts, desks, desks_required(setting, desks))
        asyncio.run(Sweep(self.store, Keeping(), today=TODAY).everything(opened))
        return DROP not in self.store.blobs

    def kept(self) -> dict[str, bytes]:
        """Return all that it has kept of what desks say."""
        return {path.name: path.read_bytes() for path in self.receipts.iterdir()}


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


class TestADropGoes:
    def test_when_both_desks_have_opened_it_and_not_before(self, server: Server) -> None:
        one, two = server.paired("one"), server.paired("two")

        server.hears(one, "opened")
        assert not server.sweeps()
        server.hears(two, "opened")
        assert server.sweeps()

    def test_when_the_only_desk_has_opened_it(self, server: Server) -> None:
        server.hears(server.paired("one"), "opened")

        assert server.sweeps()

    def test_when_as_many_have_as_the_settings_say(self, server: Server) -> None:
        desks = [server.paired(name) for name in ("one", "two", "three")]
        for desk in desks[:2]:
            server.hears(desk, "opened")

        assert not server.sweeps(setting=3)
        server.hears(desks[2], "opened")
        assert server.sweeps(setting=3)

    @pytest.mark.parametrize(("days_old", "goes"), [(0, False), (6, False), (7, True)])
    def test_seven_days_after_it_came(self, server: Server, days_old: int, goes: bool) -> None:
        server.hears(server.paired("one"), "opened")
        server.store.days_old = days_old

        assert server.sweeps() is goes


class TestADropStays:
    @pytest.mark.parametrize("state", ["stored", "set aside: damaged"])
    def test_while_a_desk_only_has_it(self, server: Server, state: str) -> None:
        server.hears(server.paired("one"), state)

        assert not server.sweeps()

    def test_when_one_desk_says_it_twice(self, server: Server) -> None:
        one, _two = server.paired("one"), server.paired("two")
        bag = server.hears(one, "opened")
        server.hears(one, "opened")
        server.takes(bag)

        assert not server.sweeps()

    def test_when_a_desk_says_it_that_is_no_longer_paired(self, server: Server) -> None:
        one, two, gone = (server.paired(name) for name in ("one", "two", "gone"))
        server.hears(gone, "opened")
        server.hears(one, "opened")
        (server.desks / "gone.json").unlink()

        assert not server.sweeps()
        server.hears(two, "opened")
        assert server.sweeps()

    def test_and_nothing_changes_where_what_was_said_before_cannot_be_read(
        self, server: Server
    ) -> None:
        desk = server.paired("one")
        (server.receipts / f"{desk.public[:32]}.json").write_bytes(b"spoilt")

        with pytest.raises(NotFit, match="take it from a backup"):
            server.hears(desk, "opened")

        assert not server.sweeps()

    def test_when_the_receipt_is_for_what_another_drop_holds(self, server: Server) -> None:
        server.hears(server.paired("one"), "opened", digest="aa" * 32)

        assert not server.sweeps()

    def test_when_it_was_never_carried_out(self, server: Server) -> None:
        keep_exported(server.receipts, {})
        server.hears(server.paired("one"), "opened")

        assert not server.sweeps()


class TestHowFarTheDesksLogReached:
    def test_is_passed_over_and_nothing_of_it_is_kept(self, server: Server) -> None:
        one = server.paired("one")
        server.takes(one.bag(server.folder, receipts(**{DIGEST: "opened"})))
        before = server.kept()
        head = {"data/custody.json": b'{"log":{"entries":7,"head":"ab"}}\n{}\n'}

        server.takes(one.bag(server.folder, receipts(**{DIGEST: "opened"}) | head))

        assert server.kept() == before
        assert server.sweeps()


class TestAForgedReceipt:
    def test_of_a_desk_that_is_not_paired_changes_nothing(self, server: Server) -> None:
        server.hears(server.paired("one"), "stored")
        before = server.kept()

        with pytest.raises(WrongSignature):
            server.hears(DeskKey("one"), "opened")

        assert server.kept() == before
        assert not server.sweeps()

    def test_that_was_altered_after_it_was_signed_changes_nothing(self, server: Server) -> None:
        bag = server.hears(server.paired("one"), "stored")
        before = server.kept()
        file = bag / "data/receipts.json"
        file.write_bytes(file.read_bytes().replace(b"stored", b"opened"))

        with pytest.raises(BadBag, match="not the file that was signed"):
            server.takes(bag)

        assert server.kept() == before

    def test_whose_lists_were_made_anew_changes_nothing(self, server: Server) -> None:
        bag = server.hears(server.paired("one"), "stored")
        before = server.kept()
        other = DeskKey("one").bag(server.folder, receipts(**{DIGEST: "opened"}))
        signature = "tagmanifest-sha256.txt.ed25519"
        (other / signature).write_bytes((bag / signature).read_bytes())

        with pytest.raises(WrongSignature):
            server.takes(other)

        assert server.kept() == before

    def test_speaks_for_no_desk_but_the_one_whose_key_signed_it(self, server: Server) -> None:
        one, _two = server.paired("one"), server.paired("two")
        server.hears(one, "opened")
        said = {"version": "tapedrop receipt 1", "desk": "two", "envelopes": {DIGEST: "opened"}}

        server.takes(one.bag(server.folder, {"data/receipts.json": json.dumps(said).encode()}))

        assert not server.sweeps()


class TestAnOldReceipt:
    def test_replayed_changes_nothing(self, server: Server) -> None:
        one = server.paired("one")
        old = server.hears(one, "stored")
        server.hears(one, "opened")
        before = server.kept()

        server.takes(old)

        assert server.kept() == before
        assert server.sweeps()

    def test_replayed_after_a_newer_one_does_not_hide_that_it_is_damaged(
        self, server: Server
    ) -> None:
        one = server.paired("one")
        old = server.hears(one, "stored", day=TODAY - timedelta(days=1))
        server.hears(one, "set aside: damaged")
        before = server.kept()

        server.takes(old)

        assert server.kept() == before

    def test_that_comes_late_still_says_what_was_opened(self, server: Server) -> None:
        one = server.paired("one")
        server.hears(one, "stored")

        server.hears(one, "opened", day=TODAY - timedelta(days=1))

        assert server.sweeps()

    def test_is_none_after_one_of_a_desk_whose_clock_was_ahead(self, server: Server) -> None:
        one = server.paired("one")
        server.hears(one, "stored", day=TODAY + timedelta(days=400))

        server.hears(one, "set aside: damaged")

        assert b"set aside" in server.kept()[f"{one.public[:32]}.json"]

    def test_that_leaves_out_what_came_later_takes_nothing_back(self, server: Server) -> None:
        one = server.paired("one")
        old = server.hears(one, "opened", digest="aa" * 32)
        server.hears(one, "opened")
        before = server.kept()

        server.takes(old)

        assert server.kept() == before

    def test_of_another_drop_on_the_same_stick_changes_nothing(
        self, server: Server, tmp_path: Path
    ) -> None:
        (tmp_path / "other").mkdir()
        other = Server(tmp_path / "other")
        bag = other.hears(other.paired("one"), "opened")
        server.paired("one")
        before = server.kept()

        with pytest.raises(WrongSignature):
            server.takes(bag)

        assert server.kept() == before
