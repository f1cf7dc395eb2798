"""What `status` tells: counts as of yesterday, days, keys; and what it never tells."""

import asyncio
import json
import re
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from guide import rows

from server.config import Config, Staff, Work
from server.staff.days import day_in, keep_day_put, keep_last_sweep, last_heartbeat
from server.staff.desks.desk import Desk
from server.staff.outbox import Waiting
from server.staff.overview import counted as counting
from server.staff.overview.attention import attention_to
from server.staff.overview.counted import Counted, Drops, Free, counted
from server.staff.overview.prometheus import FIGURES, prometheus_text
from server.staff.overview.status import DeskStatus, KeyStatus, Status, lines_of
from server.staff.overview.told import Count, Told
from server.staff.sticks.opened import keep_exported, keep_opened
from server.store import Listed, random_name
from server.store.memory import MemoryStore

TODAY = date(2026, 11, 21)
DESK = Desk(1, "tapedrop desk 1", "Anna", "ab" * 32, [])


class AgedStore(MemoryStore):
    """A store in memory whose objects are as old as they are said to be."""

    def __init__(self) -> None:
        super().__init__()
        self.days: dict[str, date] = {}
        self.listings = 0

    def holds(self, name: str, *, days_old: int) -> str:
        self.days[name] = TODAY - timedelta(days=days_old)
        return name

    async def listed(self, prefix: str) -> AsyncIterator[Listed]:
        self.listings += 1
        for name, day in self.days.items():
            if name.startswith(prefix):
                yield Listed(name, 65_536, day, is_fresh=False)


@pytest.fixture
def store() -> AgedStore:
    return AgedStore()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("receipts", "spool", "store"):
        (tmp_path / name).mkdir()
    return tmp_path


def drop() -> str:
    return f"drops/{random_name()}"


def count(folder: Path, store: AgedStore, *, today: date = TODAY) -> Counted:
    return asyncio.run(counted(folder, Config(), store, [DESK], today))


class TestWhatIsCounted:
    def test_leaves_out_what_came_today(self, folder: Path, store: AgedStore) -> None:
        mailbox, other = random_name(), random_name()
        for days_old in (0, 0, 1, 9):
            store.holds(drop(), days_old=days_old)
        for days_old in (0, 3, 5):
            store.holds(f"mailboxes/{mailbox}/{random_name()}", days_old=days_old)
            store.holds(f"replies/{mailbox}/{random_name()}", days_old=days_old)
        store.holds(f"mailboxes/{other}/{random_name()}", days_old=0)

        found = count(folder, store)

        nine_days_ago = TODAY - timedelta(days=9)
        assert found.drops == Drops(2, nine_days_ago, 2, nine_days_ago, 0)
        assert (found.mailboxes, found.replies) == (1, 2)

    def test_nothing_in_it_is_nothing(self, folder: Path, store: AgedStore) -> None:
        store.holds(drop(), days_old=0)

        found = count(folder, store)

        assert found.drops == Drops(0, None, 0, None, 0)
        assert (found.mailboxes, found.replies) == (0, 0)

    def test_tells_what_was_not_carried_out_yet(self, folder: Path, store: AgedStore) -> None:
        carried = [store.holds(drop(), days_old=age) for age in (20, 10, 1)]
        for age in (4, 2, 0):
            store.holds(drop(), days_old=age)
        gone = [drop() for _ in range(3)]
        keep_exported(folder / "receipts", {name: bytes(32) for name in carried + gone})

        found = count(folder, store).drops

        assert (found.number, found.waiting) == (5, 2)
        assert found.oldest_waiting == TODAY - timedelta(days=4)

    def test_tells_what_a_sweep_may_delete(self, folder: Path, store: AgedStore) -> None:
        names = [store.holds(drop(), days_old=age) for age in (20, 7, 6, 1)]
        unopened = store.holds(drop(), days_old=20)
        digests = {name: sha256(name.encode()).digest() for name in [*names, unopened]}
        keep_exported(folder / "receipts", digests)
        keep_opened(folder / "receipts", DESK, [digests[name] for name in names])

        assert count(folder, store).drops.may_go == 2

    def test_what_a_source_does_meanwhile_changes_nothing(
        self, folder: Path, store: AgedStore
    ) -> None:
        mailbox = random_name()
        event = store.holds(f"mailboxes/{mailbox}/{random_name()}", days_old=3)
        reply = store.holds(f"replies/{mailbox}/{random_name()}", days_old=3)
        before = count(folder, store)

        store.holds(drop(), days_old=0)
        del store.days[event], store.days[reply]

        assert count(folder, store) == before

    def test_nor_does_it_when_staff_did_something_besides(
        self, folder: Path, store: AgedStore
    ) -> None:
        event = store.holds(f"mailboxes/{random_name()}/{random_name()}", days_old=3)
        name = store.holds(drop(), days_old=3)
        before = count(folder, store)

        del store.days[event]
        keep_exported(folder / "receipts", {name: bytes(32)})
        after = count(folder, store)

        assert (before.drops.waiting, after.drops.waiting) == (1, 0)
        assert (before.mailboxes, after.mailboxes) == (1, 1)

    def test_an_object_that_claims_yesterday_and_comes_late_waits_until_tomorrow(
        self, folder: Path, store: AgedStore
    ) -> None:
        before = count(folder, store)
        store.holds(drop(), days_old=1)

        assert count(folder, store) == before
        assert count(folder, store, today=TODAY + timedelta(days=1)).drops.number == 1

    def test_looking_again_lists_nothing(self, folder: Path, store: AgedStore) -> None:
        count(folder, store)
        listings = store.listings

        count(folder, store)
        keep_last_sweep(folder / "receipts", TODAY)
        count(folder, store)

        assert store.listings == listings + 1

    @pytest.mark.parametrize("spoilt", [b"", b"{}", b"null", b"[" * 70_000])
    def test_a_file_that_is_spoilt_is_made_anew(
        self, folder: Path, store: AgedStore, spoilt: bytes
    ) -> None:
        store.holds(drop(), days_old=3)
        (folder / "receipts" / "counted.json").write_bytes(spoilt)

        assert count(folder, store).drops.number == 1
        assert json.loads((folder / "receipts" / "counted.json").read_bytes())

    def test_costs_memory_for_no_more_than_the_names_that_were_carried_out(
        self, folder: Path
    ) -> None:
        class ManyDrops(AgedStore):
            async def listed(self, prefix: str) -> AsyncIterator[Listed]:
                for number in range(20_000 if prefix == "drops/" else 0):
                    yield Listed(f"drops/{number:032x}", 1, date.min, is_fresh=False)

        keep_exported(folder / "receipts", {drop(): bytes(32) for _ in range(5_000)})
        tracemalloc.start()
        try:
            found = count(folder, ManyDrops())
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

        assert found.drops.number == found.drops.waiting == 20_000
        assert peak < 1_500_000

    def test_free_space_is_told_in_steps_only(
        self, folder: Path, store: AgedStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Disk:
            f_frsize, f_blocks, f_bavail = 4096, 1 << 30, 0

        monkeypatch.setattr(counting.os, "statvfs", lambda _place: Disk)
        told = []
        for percent in (100, 51, 50, 26, 11, 9, 0):
            Disk.f_bavail = Disk.f_blocks * percent // 100
            keep_last_sweep(folder / "receipts", TODAY - timedelta(days=percent))
            told.append(count(folder, store).spool)

        assert told == [
            Free.HALF,
            Free.HALF,
            Free.QUARTER,
            Free.QUARTER,
            Free.TENTH,
            Free.LITTLE,
            Free.TOO_LITTLE,
        ]


class TestADay:
    @pytest.mark.parametrize("spoilt", [b"", b"{}", b'{"heartbeat": "soon"}', b"[]"])
    def test_of_a_heartbeat_that_is_spoilt_is_none(self, tmp_path: Path, spoilt: bytes) -> None:
        keep_day_put(tmp_path, "heartbeat", TODAY)
        assert last_heartbeat(tmp_path) == TODAY
        (tmp_path / "alerted.json").write_bytes(spoilt)
        assert last_heartbeat(tmp_path) is None

    @pytest.mark.parametrize("spoilt", [b"", b"tomorrow", bytes(100), b"\xff"])
    def test_that_is_spoilt_is_none(self, tmp_path: Path, spoilt: bytes) -> None:
        (tmp_path / "swept").write_bytes(spoilt)

        assert day_in(tmp_path / "swept") is None


ALERTING = Config(staff=Staff(alert_command=("/bin/cat",)))
KEY = KeyStatus("A" * 40, "Desk <desk@newsroom.example>", 300, "")
WELL = Status(
    day=TODAY,
    running=True,
    locked_down=False,
    store=Counted(
        TODAY,
        "",
        Drops(5, TODAY - timedelta(days=9), 2, TODAY - timedelta(days=7), 1),
        mailboxes=4,
        replies=3,
        spool=Free.HALF,
        store=Free.TENTH,
    ),
    exported=TODAY - timedelta(days=7),
    swept=TODAY - timedelta(days=1),
    canary=TODAY - timedelta(days=30),
    heartbeat=TODAY - timedelta(days=2),
    letters=Waiting(1, TODAY),
    arrived=TODAY,
    desks=(DeskStatus("Anna", may_sign=True, heard=TODAY - timedelta(days=6)),),
    newsroom_keys=(KEY,),
    staff_keys=(replace(KEY, fingerprint="B" * 40, days_left=None),),
    told=Told(
        TODAY, [Count("received", {"condition": "cleaned"}, "1-9"), Count("page_failed", {}, "0")]
    ),
)


def needs(status: Status, config: Config | None = None) -> list[str]:
    found = attention_to(status, config or ALERTING)
    assert all(each.todo for each in found)
    return [each.says for each in found]


def with_drops(**changed: object) -> Status:
    return replace(WELL, store=replaced(WELL.store, drops=replaced(WELL.store.drops, **changed)))


def replaced(struct: object, **changed: object) -> object:
    return type(struct)(
        **{name: changed.get(name, getattr(struct, name)) for name in struct.__struct_fields__}
    )


class TestWhatNeedsSomebody:
    def test_is_nothing_where_all_is_well(self) -> None:
        assert needs(WELL) == []

    @pytest.mark.parametrize(
        ("changed", "says"),
        [
            ({"running": False}, "the drop is not running"),
            ({"locked_down": True}, "the drop is locked down"),
            ({"newsroom_keys": ()}, "the newsroom has no key: every recording is refused"),
            ({"staff_keys": ()}, "there is no staff key"),
            ({"desks": ()}, "no desk is paired"),
            ({"desks": (DeskStatus("Anna", may_sign=False, heard=None),)}, "no desk may sign"),
            ({"swept": TODAY - timedelta(days=3)}, "the store was not swept for 3 days"),
            (
                {"swept": TODAY + timedelta(days=9)},
                "the last sweep was on 2026-11-30, a day to come",
            ),
            ({"swept": None}, "the store was not swept for 9 days"),
            ({"heartbeat": TODAY - timedelta(days=3)}, "no heartbeat was written since 2026-11-18"),
            ({"heartbeat": None}, "no heartbeat was written yet"),
            (
                {"letters": Waiting(2, TODAY - timedelta(days=1))},
                "letters to staff wait since 2026-11-20",
            ),
            ({"arrived": TODAY - timedelta(days=8)}, "no canary arrived since 2026-11-13"),
            ({"canary": None}, "no desk has opened a canary yet"),
            ({"canary": TODAY - timedelta(days=31)}, "no desk has opened a canary since"),
        ],
    )
    def test_is_said_in_a_sentence(self, changed: dict[str, object], says: str) -> None:
        (found,) = needs(replace(WELL, **changed))

        assert found.startswith(says)

    def test_drops_that_wait_for_more_than_a_week_want_to_be_carried_out(self) -> None:
        late = with_drops(oldest_waiting=TODAY - timedelta(days=8))

        assert needs(late) == ["drops have waited for 8 days to be carried out"]

    def test_a_key_is_warned_of_sixty_days_before_its_end(self) -> None:
        other = replace(KEY, fingerprint="C" * 40)

        assert needs(replace(WELL, newsroom_keys=(other, replace(KEY, days_left=61)))) == []
        (found,) = needs(replace(WELL, newsroom_keys=(other, replace(KEY, days_left=60))))
        assert found == f"the newsroom's key {'A' * 16} ({KEY.name}) ends in 60 days"

    def test_the_last_key_s_end_is_said_to_be_the_end_of_all(self) -> None:
        soon = replace(WELL, newsroom_keys=(replace(KEY, days_left=12),))

        assert needs(soon)[0] == "no newsroom key can be sealed to 60 days from now"

    def test_a_key_with_a_problem_is_named(self) -> None:
        other = replace(KEY, fingerprint="C" * 40, problem="revoked")

        assert needs(replace(WELL, newsroom_keys=(KEY, other))) == [
            f"the newsroom's key {'C' * 16} ({KEY.name}): revoked"
        ]

    def test_a_key_of_the_staff_s_is_theirs_to_make_anew_and_to_retire(self) -> None:
        keys = (replace(KEY, days_left=12), replace(KEY, fingerprint="C" * 40, problem="revoked"))

        soon, revoked = attention_to(replace(WELL, staff_keys=keys), ALERTING)

        assert "keys add --staff" in soon.todo
        assert revoked.todo == f"tapedrop-server keys retire {'C' * 40} --staff"

    def test_a_disk_that_fills_up_is_named(self) -> None:
        full = replace(WELL, store=replaced(WELL.store, store=Free.TOO_LITTLE))

        assert needs(full) == ["free on the store's disk: too little for newcomers"]

    def test_that_nobody_is_alerted_is_said(self) -> None:
        assert needs(WELL, Config()) == ["nobody is alerted"]

    def test_scrubbing_without_a_sandbox_comes_first(self) -> None:
        config = replaced(ALERTING, work=Work(unfenced_scrubbing=True))

        assert needs(WELL, config) == ["recordings are read without a sandbox"]


class TestTheLines:
    def test_say_days_and_counts_and_nothing_finer(self) -> None:
        told = "\n".join(lines_of(WELL))

        assert "as of the end of 2026-11-20:" in told
        assert "      5 drops in the store, the oldest 9 days old" in told
        assert "    1-9 received cleaned" in told
        assert "page_failed" not in told
        assert not re.search(r"\d\d:\d\d", told)

    def test_of_a_new_drop_say_that_there_is_nothing_yet(self) -> None:
        new = replace(WELL, exported=None, swept=None, canary=None, told=None, desks=())

        assert "\n".join(lines_of(new)).count("none yet") == 4


class TestTheFigures:
    LINE = re.compile(r'(tapedrop_[a-z_]+)(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? -?\d+')

    def test_are_lines_that_node_exporter_reads(self) -> None:
        lines = prometheus_text(WELL, 0).splitlines()

        for line in lines:
            assert line.startswith("# ") or self.LINE.fullmatch(line), line
        assert "tapedrop_drops 5" in lines
        assert 'tapedrop_told_step{event="received",condition="cleaned"} 1' in lines
        assert 'tapedrop_desk_receipts_days{desk="Anna"} 6' in lines

    def test_each_is_explained_once_before_its_samples(self) -> None:
        told = prometheus_text(WELL, 0)

        for name in FIGURES:
            head = f"# HELP {name} {FIGURES[name]}\n# TYPE {name} gauge\n{name}"
            assert told.count(head) == 1, name
            assert told.count(f"# HELP {name} ") == 1

    def test_what_is_not_known_is_left_out(self) -> None:
        told = prometheus_text(replace(WELL, canary=None), 0)

        assert "tapedrop_canary_days" not in told
        assert 'tapedrop_key_days_left{of="staff"' not in told

    def test_a_name_can_t_end_its_label(self) -> None:
        desk = DeskStatus('a"b\\c\nd', may_sign=True, heard=TODAY)

        told = prometheus_text(replace(WELL, desks=(desk,)), 0)

        assert r'tapedrop_desk_may_sign{desk="a\"b\\c\nd"} 1' in told.splitlines()

    def test_every_figure_has_a_row_and_every_row_a_figure(self) -> None:
        assert list(rows("Every figure")) == list(FIGURES)
