"""What is looked at by the clock: keys, disks, and the hour of the day."""

import asyncio
import errno
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import gnupg
import pytest
from drops import Drop

from server import hours, watch
from server.config import read_config
from server.events import (
    Alarming,
    DutyFailed,
    NewsroomKeysEnding,
    NewsroomKeyUnusable,
    StoreUnwritable,
)
from server.hours import each_day_at
from server.journal import Journal
from server.newsroom import keyring_of
from server.serve import _kept_up

NOW = datetime.now(UTC)


def found(drop: Drop, *, days: int = 0) -> list[Alarming]:
    """Return what is found so many days from now."""
    config = read_config(drop.config)
    keyring = keyring_of(drop.folder, config)
    return list(watch.found(drop.folder, config, keyring, NOW + timedelta(days=days)))


class StopWatching(BaseException):
    """Enough was seen."""


class TestTheWatch:
    def test_finds_nothing_where_all_is_well(self, drop: Drop) -> None:
        assert found(drop) == []
        assert list((drop.folder / "spool").iterdir()) == []

    def test_warns_sixty_days_before_the_last_key_ends(self, drop: Drop) -> None:
        (early,) = found(drop, days=320)
        (late,) = found(drop, days=350)

        assert isinstance(early, NewsroomKeysEnding)
        assert isinstance(late, NewsroomKeysEnding)
        assert early.days - late.days == 30

    def test_says_that_no_key_is_left_once_it_has_ended(self, drop: Drop) -> None:
        assert found(drop, days=400) == [NewsroomKeyUnusable(unusable=1, usable=0)]

    def test_says_so_too_where_the_keyring_can_t_be_read(self, drop: Drop) -> None:
        (drop.folder / "newsroom/pubring.gpg").write_bytes(b"not a keyring")

        assert found(drop) == [NewsroomKeyUnusable(unusable=0, usable=0)]

    @pytest.mark.parametrize("why", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN])
    def test_says_nothing_where_a_crowd_may_be_why_gpg_can_t_be_asked(
        self, drop: Drop, monkeypatch: pytest.MonkeyPatch, why: int
    ) -> None:
        config = read_config(drop.config)
        keyring = keyring_of(drop.folder, config)

        def fails(*_: object, **__: object) -> None:
            raise OSError(why, os.strerror(why))

        monkeypatch.setattr(gnupg, "Popen", fails)

        assert list(watch.found(drop.folder, config, keyring, NOW)) == []

    def test_finds_a_disk_that_is_gone(self, drop: Drop) -> None:
        (drop.folder / "spool").rmdir()

        assert found(drop) == [StoreUnwritable()]

    def test_takes_a_store_that_was_begun_anew_for_whole(self, drop: Drop) -> None:
        # As after a restore whose store was lost.
        shutil.rmtree(drop.folder / "store")
        (drop.folder / "store").mkdir(mode=0o700)

        assert found(drop) == []

    @pytest.mark.parametrize(
        ("why", "broken"),
        [
            (errno.EROFS, True),
            (errno.EIO, True),
            # These a crowd of sources could bring about, and its time would tell of them.
            (errno.ENOSPC, False),
            (errno.EDQUOT, False),
            (errno.EMFILE, False),
            (errno.ENOMEM, False),
            (errno.EOPNOTSUPP, False),
        ],
    )
    def test_tells_a_broken_disk_from_a_full_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: int, broken: bool
    ) -> None:
        def fails(_descriptor: int) -> None:
            raise OSError(why, os.strerror(why))

        monkeypatch.setattr(os, "fsync", fails)

        assert watch.is_broken(tmp_path) is broken

    def test_looks_each_hour_and_tells_once_a_day(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        hour = iter(range(100))
        looks = []

        def finds(*_: object) -> list[Alarming]:
            looks.append(1)
            if len(looks) > 30:
                raise StopWatching
            if len(looks) == 3:
                raise RuntimeError("can't start new thread")
            return [StoreUnwritable()]

        def clock() -> datetime:
            return NOW.replace(hour=0) + timedelta(hours=next(hour) // 2)

        monkeypatch.setattr(watch, "found", finds)
        monkeypatch.setattr(watch, "_HOUR_SECONDS", 0)
        nothing: Any = None

        with pytest.raises(StopWatching):
            asyncio.run(watch.watch(nothing, nothing, nothing, Journal(), now=clock))

        assert capsys.readouterr().err == "event='store_unwritable'\n" * 2


def test_a_duty_that_ends_in_an_error_is_counted_and_told_with_the_day(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def fails() -> None:
        raise KeyError("10.0.0.9")

    journal = Journal()
    asyncio.run(_kept_up(fails(), journal))
    said = capsys.readouterr()
    told = dict(journal.tell_the_day())

    assert said == ("", "")
    assert told[DutyFailed()] == "1-9"


class Clock:
    """The wall's clock, and a sleep by another one."""

    def __init__(self, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = now
        self.slept = 0.0
        self.pace = 1.0
        monkeypatch.setattr(hours.asyncio, "sleep", self.sleep)

    def __call__(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.now += timedelta(seconds=seconds * self.pace)

    def days(self, hour: int, number: int) -> list[datetime]:
        """Return when the hour came, so many times."""

        async def come() -> list[datetime]:
            days = each_day_at(hour, self)
            return [(await anext(days), self.now)[1] for _ in range(number)]

        return asyncio.run(come())


class TestTheHour:
    def test_comes_once_a_day(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = Clock(datetime(2026, 3, 1, 3, 59, 59, tzinfo=UTC), monkeypatch)

        came = clock.days(4, 3)

        assert came == [datetime(2026, 3, day, 4, tzinfo=UTC) for day in (1, 2, 3)]

    def test_is_tomorrow_s_when_it_has_struck(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = Clock(datetime(2026, 3, 1, 4, 0, 0, tzinfo=UTC), monkeypatch)

        assert clock.days(4, 1) == [datetime(2026, 3, 2, 4, tzinfo=UTC)]

    def test_does_not_come_twice_where_the_clock_is_slowed_down(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = Clock(datetime(2026, 3, 1, 3, 0, 0, tzinfo=UTC), monkeypatch)
        clock.pace = 0.9

        days = [came.date() for came in clock.days(4, 2)]

        assert [day.day for day in days] == [1, 2]

    def test_comes_as_soon_as_it_is_noticed_that_the_clock_was_set_ahead(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = Clock(datetime(2026, 3, 1, 12, tzinfo=UTC), monkeypatch)
        clock.pace = 86_400.0

        clock.days(4, 1)

        assert clock.slept == 600

    def test_is_the_new_clock_s_once_it_was_set_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = Clock(datetime(2026, 3, 1, 12, tzinfo=UTC), monkeypatch)
        days = each_day_at(4, clock)

        async def come() -> datetime:
            first = asyncio.ensure_future(anext(days))
            clock.now -= timedelta(days=365)
            await first
            return clock.now

        came = asyncio.run(come())

        assert came == datetime(2025, 3, 2, 4, tzinfo=UTC)
