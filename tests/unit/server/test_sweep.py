"""What a night deletes, what it keeps, and that memory is enough for any store."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import chain, repeat
from pathlib import Path

import pytest
from engines import Engine, store_in

from server import sweep as sweeping
from server.config import Config, Keeping, Places
from server.errors import StoreFailed
from server.events import Reason, Refused, Share, name_of
from server.events import Swept as Counting
from server.journal import Journal
from server.nights import close_idle, sweep_nightly, sweep_tonight, told_apart
from server.staff.days import keep_last_sweep, last_sweep
from server.staff.desks.desk import Desk
from server.staff.overview.told import keep_told, keep_told_by_another, last_told
from server.staff.sticks.opened import (
    desks_required,
    keep_exported,
    keep_opened,
    opened_drops,
)
from server.store import Listed, random_name, small
from server.store.memory import MemoryStore
from server.sweep import Sweep, Swept

TODAY = date(2026, 11, 21)
KEEPING = Keeping()


class AgedStore(MemoryStore):
    """A store in memory that knows how old each object is, and what was written anew."""

    def __init__(self) -> None:
        super().__init__(TODAY)
        self.days: dict[str, date] = {}
        self.fresh: set[str] = set()
        self.rewritten: list[str] = []
        self.refused: set[str] = set()

    def holds(self, name: str, *, days_old: int, content: bytes = b"sealed") -> str:
        self.blobs[name] = content
        self.days[name] = TODAY - timedelta(days=days_old)
        return name

    async def listed(self, prefix: str) -> AsyncIterator[Listed]:
        async for name in self.names(prefix):
            yield Listed(name, 1, self.days[name], is_fresh=name in self.fresh)

    async def rewrite(self, names: Sequence[str]) -> int:
        self.rewritten += names
        return 0

    async def delete(self, name: str) -> None:
        if name in self.refused:
            raise StoreFailed("no")
        await super().delete(name)


@pytest.fixture
def store() -> AgedStore:
    return AgedStore()


def drop() -> str:
    return f"drops/{random_name()}"


def event(mailbox: str) -> str:
    return f"mailboxes/{mailbox}/{random_name()}"


def reply(mailbox: str) -> str:
    return f"replies/{mailbox}/{random_name()}"


def swept(
    store: MemoryStore,
    *opened: tuple[str, bytes],
    keeping: Keeping = KEEPING,
    dry_run: bool = False,
    in_use: str = "",
) -> Swept:
    sweep = Sweep(store, keeping, today=TODAY, dry_run=dry_run, in_use=in_use.__eq__)
    return asyncio.run(sweep.everything(iter(opened)))


class TestADrop:
    def test_goes_once_it_was_opened_and_is_seven_days_old(self, store: AgedStore) -> None:
        digest = sha256(b"sealed").digest()
        old, young = store.holds(drop(), days_old=7), store.holds(drop(), days_old=6)
        unopened = store.holds(drop(), days_old=400)

        assert swept(store, (old, digest), (young, digest)) == Swept(drops=1)
        assert set(store.blobs) == {young, unopened}

    def test_stays_when_it_is_not_what_was_opened(self, store: AgedStore) -> None:
        name = store.holds(drop(), days_old=9, content=b"another")

        assert swept(store, (name, sha256(b"sealed").digest())) == Swept(altered=1)
        assert list(store.blobs) == [name]

    def test_that_the_store_refuses_to_delete_keeps_no_other(self, store: AgedStore) -> None:
        digest = sha256(b"sealed").digest()
        names = [store.holds(drop(), days_old=7) for _ in range(3)]
        store.refused = {names[1]}

        assert swept(store, *((name, digest) for name in names)) == Swept(drops=2, failed=1)
        assert list(store.blobs) == [names[1]]

    def test_is_found_however_many_there_are(
        self, store: AgedStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sweeping, "_MOST_DUE", 2)
        digest = sha256(b"sealed").digest()
        names = [store.holds(drop(), days_old=7) for _ in range(5)]

        assert swept(store, *((name, digest) for name in names)).drops == 5
        assert store.blobs == {}


class TestAMailbox:
    def test_goes_a_year_after_the_last_thing_was_sent_or_answered(self, store: AgedStore) -> None:
        idle, sent, answered = (random_name() for _ in range(3))
        store.holds(event(idle), days_old=700)
        store.holds(event(idle), days_old=365)
        kept = {store.holds(event(sent), days_old=days) for days in (800, 364)}
        kept |= {store.holds(event(answered), days_old=500)}
        kept |= {store.holds(reply(answered), days_old=364)}

        assert swept(store) == Swept(mailboxes=1)
        assert set(store.blobs) == kept

    def test_goes_with_its_answers(self, store: AgedStore) -> None:
        idle = random_name()
        store.holds(event(idle), days_old=365)
        store.holds(reply(idle), days_old=365)

        assert swept(store, keeping=Keeping(reply_days=1000)) == Swept(mailboxes=1)
        assert store.blobs == {}

    def test_stays_while_somebody_is_there(self, store: AgedStore) -> None:
        idle = random_name()
        name = store.holds(event(idle), days_old=1000)

        assert swept(store, in_use=idle) == Swept()
        assert list(store.blobs) == [name]

    def test_keeps_what_comes_while_it_is_deleted(self, store: AgedStore) -> None:
        idle = random_name()
        store.holds(event(idle), days_old=400)
        store.holds(reply(idle), days_old=364)
        new: list[str] = []

        class Arriving(Sweep):
            async def _close(self, mailbox: str, last: date) -> None:
                new.append(store.holds(event(idle), days_old=0))
                await super()._close(mailbox, last)

        sweep = Arriving(store, Keeping(reply_days=300), today=TODAY)
        asyncio.run(sweep.everything(iter(())))

        assert list(store.blobs) == new


class TestAReply:
    def test_goes_after_a_year_and_at_once_when_its_mailbox_is_gone(self, store: AgedStore) -> None:
        mailbox, closed = random_name(), random_name()
        kept = {store.holds(event(mailbox), days_old=0), store.holds(reply(mailbox), days_old=364)}
        store.holds(reply(mailbox), days_old=365)
        store.holds(reply(closed), days_old=0)

        assert swept(store) == Swept(replies=2)
        assert set(store.blobs) == kept


class TestWritingAnew:
    def test_takes_what_came_before_today_in_an_order_of_its_own(self, store: AgedStore) -> None:
        yesterday = [store.holds(drop(), days_old=1) for _ in range(50)]
        store.fresh = {*yesterday, store.holds(drop(), days_old=0)}
        store.holds(drop(), days_old=1)

        assert swept(store) == Swept(rewritten=50)
        assert sorted(store.rewritten) == sorted(yesterday)
        assert store.rewritten != sorted(yesterday)

    def test_leaves_to_another_night_what_is_too_many(
        self, store: AgedStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sweeping, "_MOST_REWRITTEN", 3)
        store.fresh = {store.holds(drop(), days_old=1) for _ in range(5)}

        assert swept(store) == Swept(rewritten=3, left=2)


class TestADryRun:
    def test_counts_the_same_and_touches_nothing(self, store: AgedStore) -> None:
        mailbox, idle, closed = (random_name() for _ in range(3))
        old = store.holds(drop(), days_old=8)
        for name, days in ((event(mailbox), 3), (reply(mailbox), 365), (reply(closed), 1)):
            store.holds(name, days_old=days)
        store.fresh = {store.holds(drop(), days_old=1)}
        for name, days in ((event(idle), 365), (reply(idle), 365)):
            store.holds(name, days_old=days)
        before, opened = dict(store.blobs), (old, sha256(b"sealed").digest())

        dry = swept(store, opened, dry_run=True)

        assert (store.blobs, store.rewritten) == (before, [])
        assert dry == swept(store, opened)
        assert dry == Swept(drops=1, replies=3, mailboxes=1, rewritten=1)


@pytest.mark.xdist_group("engine")
class TestABucket:
    def test_is_swept_as_a_folder_is(self, tmp_path: Path, engine: Engine) -> None:
        settings, mailbox, closed = engine.bucket(tmp_path), random_name(), random_name()
        opened, altered, kept = drop(), drop(), drop()
        going = [opened, event(mailbox), reply(mailbox), reply(closed)]
        in_a_year = datetime.now(UTC).date() + timedelta(days=366)

        async def run() -> tuple[Swept, list[str]]:
            async with store_in(tmp_path, settings) as store:
                for name in (*going, altered, kept):
                    await store.put(name, small(name.encode()))
                due = [(opened, sha256(opened.encode()).digest()), (altered, bytes(32))]
                sweep = Sweep(store, Keeping(reply_days=1000), today=in_a_year)
                swept = await sweep.everything(iter(due))
                left = [
                    name
                    for kind in ("drops/", "mailboxes/", "replies/")
                    async for name in store.names(kind)
                ]
                return swept, left

        swept, left = asyncio.run(run())

        assert (swept.drops, swept.altered, swept.mailboxes, swept.replies) == (1, 1, 1, 1)
        assert (swept.left, swept.failed) == (0, 0)
        assert set(left) == {altered, kept}


class EndlessStore(MemoryStore):
    """Holds `many` objects of each kind, all old and never written anew; makes up their names."""

    many = 10_000

    async def names(self, prefix: str) -> AsyncIterator[str]:
        kind, _, mailbox = prefix.partition("/")
        for number in range(1 if mailbox else self.many):
            middle = "" if kind == "drops" else mailbox or f"{number:032x}/"
            yield f"{kind}/{middle}{number:032x}"

    async def listed(self, prefix: str) -> AsyncIterator[Listed]:
        async for name in self.names(prefix):
            yield Listed(name, 1, TODAY - timedelta(days=9), is_fresh=True)


class TestMemory:
    def test_is_the_same_for_any_number_of_objects(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sweeping, "_MOST_REWRITTEN", 500)
        monkeypatch.setattr(sweeping, "_MOST_DUE", 500)
        tracemalloc.start()
        try:
            found = swept(EndlessStore())
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

        assert found == Swept(rewritten=500, left=3 * EndlessStore.many - 500)
        # Other threads are counted with it; all the names would take nearly three times that.
        assert peak < 1_000_000


def desk(number: int) -> Desk:
    return Desk(1, "tapedrop desk 1", f"desk {number}", f"{number:064x}"[::-1], [])


class TestWhatWasOpened:
    def test_is_what_enough_desks_say_of_what_was_carried_out(self, tmp_path: Path) -> None:
        drops = {drop(): sha256(str(number).encode()).digest() for number in range(20)}
        names = list(drops)
        keep_exported(tmp_path, drops)
        one, two, unpaired = desk(1), desk(2), desk(3)
        keep_opened(tmp_path, one, [drops[name] for name in names[:12]])
        keep_opened(
            tmp_path, two, [b"\x00" * 32, *(drops[name] for name in names[8:]), b"\xff" * 32]
        )
        keep_opened(tmp_path, unpaired, drops.values())

        assert set(opened_drops(tmp_path, [one, two], 1)) == set(drops.items())
        twice = {(name, drops[name]) for name in names[8:12]}
        assert set(opened_drops(tmp_path, [one, two], 2)) == twice
        assert set(opened_drops(tmp_path, [one, two], 3)) == set()

    def test_is_nothing_before_anything_was_carried_or_said(self, tmp_path: Path) -> None:
        assert list(opened_drops(tmp_path, [desk(1)], 1)) == []
        keep_exported(tmp_path, {drop(): bytes(32)})
        assert list(opened_drops(tmp_path, [desk(1)], 1)) == []

    def test_takes_two_desks_once_two_are_paired(self) -> None:
        desks = [desk(1), desk(2), desk(3)]

        assert [desks_required(0, desks[:paired]) for paired in range(4)] == [1, 1, 2, 2]
        assert desks_required(1, desks) == 1
        assert desks_required(3, desks[:1]) == 3


class TestTheNight:
    def night(self, folder: Path, store: AgedStore, today: date = TODAY) -> Journal:
        journal = Journal()
        (folder / "receipts").mkdir(exist_ok=True)
        (folder / "desks").mkdir(exist_ok=True)
        config = Config(places=Places())
        work = sweep_tonight(
            folder, config, store, journal, in_use=lambda _mailbox: False, today=today
        )
        asyncio.run(work)
        return journal

    def test_is_told_with_the_day_in_steps(
        self, store: AgedStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        store.fresh = {store.holds(drop(), days_old=1) for _ in range(12)}
        store.holds(event(random_name()), days_old=365)

        journal = self.night(tmp_path, store)
        assert capsys.readouterr().err == ""
        journal.tell_the_day()

        said = capsys.readouterr().err
        assert "event='swept' share='written_anew' today='10+'" in said
        assert "event='swept' share='mailboxes_deleted' today='1-9'" in said
        assert "event='swept' share='drops_deleted' today='0'" in said
        assert last_sweep(tmp_path / "receipts") == TODAY

    def test_tells_at_once_that_the_store_failed(
        self, store: AgedStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        store.refused = {store.holds(reply(random_name()), days_old=1)}

        self.night(tmp_path, store)

        assert capsys.readouterr().err == "event='sweep_failed'\n"

    def test_that_ends_in_an_error_of_ours_is_told_and_is_not_the_last(
        self, store: AgedStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        store.listed = lambda _folder: 1 / 0  # type: ignore[assignment]

        self.night(tmp_path, store)

        assert capsys.readouterr().err == "event='sweep_failed'\n"

    @pytest.mark.parametrize("days", [31, 5000, -1])
    def test_deletes_nothing_by_a_clock_that_jumped(
        self, store: AgedStore, tmp_path: Path, capsys: pytest.CaptureFixture[str], days: int
    ) -> None:
        old = store.holds(event(random_name()), days_old=365)
        store.fresh = {old}
        (tmp_path / "receipts").mkdir()
        keep_last_sweep(tmp_path / "receipts", TODAY - timedelta(days=days))

        self.night(tmp_path, store)

        assert list(store.blobs) == store.rewritten == [old]
        assert capsys.readouterr().err == f"event='sweep_held_back' days={days}\n"
        assert last_sweep(tmp_path / "receipts") == TODAY - timedelta(days=days)

    def test_comes_at_its_hour_while_the_drop_runs(self, tmp_path: Path) -> None:
        for folder in ("receipts", "desks"):
            (tmp_path / folder).mkdir()
        just_before = datetime(2026, 11, 21, 2, 59, 59, 999_000, tzinfo=UTC)
        clock = chain([just_before] * 3, repeat(just_before + timedelta(seconds=1)))

        async def run() -> None:
            over = asyncio.Event()

            class Telling(AgedStore):
                async def rewrite(self, names: Sequence[str]) -> int:
                    over.set()
                    return 0

            store = Telling()
            store.holds(event(random_name()), days_old=365)
            duty = sweep_nightly(
                tmp_path,
                Config(keeping=Keeping(sweep_at_hour_utc=3)),
                store,
                Journal(),
                in_use=lambda _mailbox: False,
                now=lambda: next(clock),
            )
            night = asyncio.create_task(duty)
            await over.wait()
            night.cancel()
            assert store.blobs == {}

        asyncio.run(run())


class TestTheNightOfADropThatAnotherProcessSweeps:
    def night(self, folder: Path, store: AgedStore, *, in_use: str = "") -> Journal:
        journal = Journal()
        (folder / "receipts").mkdir(exist_ok=True)
        config = Config(keeping=Keeping(sweep_nightly=False))
        is_there = in_use.__eq__
        asyncio.run(close_idle(folder, config, store, journal, in_use=is_there, today=TODAY))
        return journal

    @pytest.fixture
    def swept_yesterday(self, tmp_path: Path) -> Path:
        (tmp_path / "receipts").mkdir()
        keep_last_sweep(tmp_path / "receipts", TODAY - timedelta(days=1))
        return tmp_path

    def test_ends_idle_mailboxes_in_which_nobody_is_and_does_nothing_else(
        self, store: AgedStore, swept_yesterday: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        idle, there = random_name(), random_name()
        store.holds(event(idle), days_old=365)
        kept = {store.holds(event(there), days_old=365)}
        kept |= {store.holds(reply(random_name()), days_old=900)}
        store.fresh = {store.holds(drop(), days_old=1)}
        kept |= store.fresh

        journal = self.night(swept_yesterday, store, in_use=there)

        assert set(store.blobs) == kept
        assert store.rewritten == []
        assert last_sweep(swept_yesterday / "receipts") == TODAY - timedelta(days=1)
        assert journal.counted() == {"swept mailboxes_deleted": 1}
        assert capsys.readouterr().err == ""

    def test_ends_none_where_no_sweep_says_that_the_clock_is_right(
        self, store: AgedStore, tmp_path: Path
    ) -> None:
        store.holds(event(random_name()), days_old=365)

        self.night(tmp_path, store)
        assert len(store.blobs) == 1
        for days in (31, -1):
            keep_last_sweep(tmp_path / "receipts", TODAY - timedelta(days=days))
            self.night(tmp_path, store)
            assert len(store.blobs) == 1
        keep_last_sweep(tmp_path / "receipts", TODAY - timedelta(days=30))
        self.night(tmp_path, store)
        assert store.blobs == {}

    def test_tells_of_a_store_that_fails(
        self, store: AgedStore, swept_yesterday: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        store.refused = {store.holds(event(random_name()), days_old=365)}

        self.night(swept_yesterday, store)

        assert capsys.readouterr().err == "event='sweep_failed'\n"

    def test_leaves_what_the_other_tells_out_of_its_day(self) -> None:
        told = told_apart(Config(keeping=Keeping(sweep_nightly=False)))

        assert [name_of(type(each)) for each in told] == ["swept"] * (len(Share) - 1)
        assert Counting(Share.MAILBOXES_DELETED) not in told
        assert told_apart(Config()) == []


class TestWhatIsToldByTwo:
    def test_is_kept_side_by_side_on_the_day_of_the_drop(self, tmp_path: Path) -> None:
        anew, busy = Counting(Share.WRITTEN_ANEW), Refused(Reason.BUSY)
        keep_told(tmp_path, [(busy, "1-9"), (anew, "0")], TODAY - timedelta(days=1))

        keep_told_by_another(tmp_path, [(anew, "10+")], TODAY)
        first = last_told(tmp_path)
        keep_told(tmp_path, [(busy, "0")], TODAY)
        then = last_told(tmp_path)

        assert first is not None
        assert then is not None
        assert (first.day, then.day) == (TODAY - timedelta(days=1), TODAY)
        assert [count.today for count in first.counts] == ["1-9", "10+"]
        assert [count.today for count in then.counts] == ["0", "10+"]
