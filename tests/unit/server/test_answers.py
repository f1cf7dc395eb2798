"""What comes back from a desk: believed only when a paired desk signed it."""

import asyncio
import json
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest
from signing import DeskKey, receipts

from crypto.bag import Kind
from crypto.errors import BadBag, NewerVersion, WrongSignature
from crypto.reply import LARGEST_SEALED
from server.errors import NotPaired
from server.staff.desks.desk import Desk, paired
from server.staff.sticks.answers import bags_at, read_answers
from server.staff.sticks.opened import keep_exported, opened_drops
from server.staff.sticks.receipts import last_canary, take_receipts
from server.staff.sticks.replies import Delivered, deliver_replies
from server.store.memory import MemoryStore

TODAY = date(2026, 11, 21)
ENVELOPE, OTHER = "aa" * 32, "bb" * 32
MAILBOX, NAME = "1" * 32, "2" * 32
REPLY = f"data/{MAILBOX}-{NAME}.reply"
EVENT = f"mailboxes/{MAILBOX}/{'0' * 32}"


@pytest.fixture
def desk() -> DeskKey:
    return DeskKey()


@pytest.fixture
def known(desk: DeskKey, tmp_path: Path) -> list[Desk]:
    desks = tmp_path / "desks"
    desks.mkdir()
    desk.pair_with(desks)
    return paired(desks)


class TestReading:
    def test_a_bag_of_a_paired_desk_is_read(
        self, desk: DeskKey, known: list[Desk], tmp_path: Path
    ) -> None:
        bag = desk.bag(tmp_path, receipts())

        assert bags_at(tmp_path) == [bag]
        assert bags_at(bag) == [bag]
        assert read_answers(bag, known).desk.desk == "desk"

    def test_a_bag_of_another_desk_is_refused(self, known: list[Desk], tmp_path: Path) -> None:
        with pytest.raises(WrongSignature):
            read_answers(DeskKey().bag(tmp_path, receipts()), known)

    def test_without_any_desk_nothing_is_believed(self, desk: DeskKey, tmp_path: Path) -> None:
        with pytest.raises(NotPaired):
            read_answers(desk.bag(tmp_path, receipts()), [])

    def test_a_bag_of_drops_is_not_an_answer(
        self, desk: DeskKey, known: list[Desk], tmp_path: Path
    ) -> None:
        with pytest.raises(BadBag, match="goes to a desk"):
            read_answers(desk.bag(tmp_path, {"data/x.gpg": b""}, Kind.DROPS), known)

    @pytest.mark.parametrize("harm", ["extra", "missing", "flipped", "linked", "no tag", "no data"])
    def test_one_that_was_tampered_with_is_refused(
        self, desk: DeskKey, known: list[Desk], tmp_path: Path, harm: str
    ) -> None:
        bag = desk.bag(tmp_path, receipts())
        file = bag / "data/receipts.json"
        match harm:
            case "extra":
                (bag / "data/more.json").write_text("{}")
            case "missing":
                file.unlink()
            case "flipped":
                file.write_bytes(file.read_bytes()[:-1] + b" ")
            case "linked":
                file.rename(tmp_path / "elsewhere")
                file.symlink_to(tmp_path / "elsewhere")
            case "no data":
                file.unlink()
                file.parent.rmdir()
            case "no tag":
                (bag / "bag-info.txt").unlink()

        with pytest.raises(BadBag):
            take_receipts(read_answers(bag, known), tmp_path, today=TODAY)


class TestReceipts:
    def test_are_kept_and_counted(self, desk: DeskKey, known: list[Desk], tmp_path: Path) -> None:
        bag = desk.bag(tmp_path, receipts(**{ENVELOPE: "stored", OTHER: "set aside: damaged"}))

        counts = take_receipts(read_answers(bag, known), tmp_path, today=TODAY)

        assert counts == {"stored": 1, "set aside": 1}

    def test_an_old_one_replayed_never_takes_opened_back(
        self, desk: DeskKey, known: list[Desk], tmp_path: Path
    ) -> None:
        old = desk.bag(tmp_path, receipts(**{ENVELOPE: "stored"}))
        new = desk.bag(tmp_path, receipts(**{ENVELOPE: "opened"}))
        for bag in (old, new, old):
            counts = take_receipts(read_answers(bag, known), tmp_path, today=TODAY)

        assert counts == {"opened": 1}

    @pytest.mark.parametrize(
        "said",
        [b"", b"{}", b'{"version": "tapedrop receipt 2"}', json.dumps({"envelopes": {"x": "y"}})],
    )
    def test_what_is_no_receipt_is_refused(
        self, desk: DeskKey, known: list[Desk], tmp_path: Path, said: bytes | str
    ) -> None:
        content = said if isinstance(said, bytes) else said.encode()
        bag = desk.bag(tmp_path, {"data/receipts.json": content})

        with pytest.raises(BadBag):
            take_receipts(read_answers(bag, known), tmp_path, today=TODAY)


class TestCanaries:
    YESTERDAY = TODAY - timedelta(days=1)

    def take(self, desk: DeskKey, known: list[Desk], folder: Path, *states: str) -> Counter[str]:
        said = receipts(2, **{f"{at:064x}": state for at, state in enumerate(states)})
        return take_receipts(read_answers(desk.bag(folder, said), known), folder, today=TODAY)

    def test_are_counted_and_their_newest_day_is_kept(
        self, desk: DeskKey, known: list[Desk], tmp_path: Path
    ) -> None:
        assert last_canary(tmp_path) is None
        states = ("canary: 2026-11-03", f"canary: {self.YESTERDAY}", "stored")
        assert self.take(desk, known, tmp_path, *states) == {"canary": 2, "stored": 1}
        assert last_canary(tmp_path) == self.YESTERDAY

    def test_count_as_opened(self, desk: DeskKey, known: list[Desk], tmp_path: Path) -> None:
        self.take(desk, known, tmp_path, "canary: 2026-11-03")
        digest = bytes(32)
        keep_exported(tmp_path, {f"drops/{NAME}": digest})
        assert list(opened_drops(tmp_path, known, 1)) == [(f"drops/{NAME}", digest)]

    def test_an_older_receipt_takes_neither_the_day_nor_the_state_back(
        self, desk: DeskKey, known: list[Desk], tmp_path: Path
    ) -> None:
        self.take(desk, known, tmp_path, f"canary: {self.YESTERDAY}")
        assert self.take(desk, known, tmp_path, "stored") == {"canary": 1}
        assert last_canary(tmp_path) == self.YESTERDAY

    @pytest.mark.parametrize("day", ["2026-11-22", "2999-01-01", "2026-02-31"])
    def test_a_day_that_cannot_be_is_never_the_newest(
        self, desk: DeskKey, known: list[Desk], tmp_path: Path, day: str
    ) -> None:
        self.take(desk, known, tmp_path, f"canary: {self.YESTERDAY}", f"canary: {day}")
        assert last_canary(tmp_path) == self.YESTERDAY

    def test_are_not_known_to_receipts_of_the_first_version(
        self, desk: DeskKey, known: list[Desk], tmp_path: Path
    ) -> None:
        bag = desk.bag(tmp_path, receipts(1, **{ENVELOPE: "canary: 2026-11-03"}))
        with pytest.raises(BadBag):
            take_receipts(read_answers(bag, known), tmp_path, today=TODAY)

    def test_a_later_version_is_refused_as_one(
        self, desk: DeskKey, known: list[Desk], tmp_path: Path
    ) -> None:
        bag = desk.bag(tmp_path, receipts(3, **{ENVELOPE: "burnt"}))
        with pytest.raises(NewerVersion):
            take_receipts(read_answers(bag, known), tmp_path, today=TODAY)


class TestReplies:
    def test_are_delivered_once_to_a_mailbox_that_is_there(
        self, desk: DeskKey, known: list[Desk], tmp_path: Path
    ) -> None:
        store = store_with_mailbox()
        bag = desk.bag(tmp_path, receipts() | {REPLY: b"sealed"})

        first = delivered(bag, known, store, tmp_path)
        second = delivered(bag, known, store, tmp_path)

        assert (first, second) == (Delivered(1, 0, 0), Delivered(0, 1, 0))
        assert store.blobs[f"replies/{MAILBOX}/{NAME}"] == b"sealed"

    def test_tell_how_far_they_are(self, desk: DeskKey, known: list[Desk], tmp_path: Path) -> None:
        answers = read_answers(desk.bag(tmp_path, receipts() | {REPLY: b"sealed"}), known)
        told: list[tuple[int, int]] = []
        asyncio.run(
            deliver_replies(
                answers, MemoryStore(), tmp_path, progress=lambda *far: told.append(far)
            )
        )

        assert told == [(0, 2), (1, 2)]

    def test_one_that_the_source_deleted_does_not_come_back_with_the_next_stick(
        self, desk: DeskKey, known: list[Desk], tmp_path: Path
    ) -> None:
        store = store_with_mailbox()
        bag = desk.bag(tmp_path, receipts() | {REPLY: b"sealed"})
        delivered(bag, known, store, tmp_path)
        asyncio.run(store.delete(f"replies/{MAILBOX}/{NAME}"))

        assert delivered(bag, known, store, tmp_path) == Delivered(0, 1, 0)
        assert list(store.blobs) == [EVENT]

    def test_nothing_comes_to_a_mailbox_that_was_closed(
        self, desk: DeskKey, known: list[Desk], tmp_path: Path
    ) -> None:
        store = MemoryStore()
        bag = desk.bag(tmp_path, receipts() | {REPLY: b"sealed"})

        assert delivered(bag, known, store, tmp_path) == Delivered(0, 0, 1)
        assert store.blobs == {}

    def test_what_is_kept_of_a_delivery_names_no_mailbox(
        self, desk: DeskKey, known: list[Desk], tmp_path: Path
    ) -> None:
        delivered(desk.bag(tmp_path, {REPLY: b"sealed"}), known, store_with_mailbox(), tmp_path)

        (kept,) = tmp_path.glob("*.delivered.json")
        assert json.loads(kept.read_bytes()) == [NAME]

    def test_what_came_before_a_file_that_is_refused_is_delivered_for_good(
        self, desk: DeskKey, known: list[Desk], tmp_path: Path
    ) -> None:
        store = store_with_mailbox()
        too_large = f"data/{MAILBOX}-{'3' * 32}.reply"
        bag = desk.bag(tmp_path, {REPLY: b"sealed", too_large: bytes(LARGEST_SEALED + 1)})

        with pytest.raises(BadBag, match="larger than an answer"):
            delivered(bag, known, store, tmp_path)

        asyncio.run(store.delete(f"replies/{MAILBOX}/{NAME}"))
        again = desk.bag(tmp_path, {REPLY: b"sealed"})
        assert delivered(again, known, store, tmp_path) == Delivered(0, 1, 0)


def delivered(bag: Path, known: list[Desk], store: MemoryStore, folder: Path) -> Delivered:
    return asyncio.run(deliver_replies(read_answers(bag, known), store, folder))


def store_with_mailbox() -> MemoryStore:
    store = MemoryStore()
    store.blobs[EVENT] = b"an event"
    return store
