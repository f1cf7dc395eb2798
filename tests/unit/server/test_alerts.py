"""Messages to security staff: of one size whatever they say, and carried by a command of theirs."""

import asyncio
import os
import stat
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from drops import Drop, Newsroom

from server.config import Config, Staff, read_config
from server.errors import NotSent
from server.events import (
    Alarming,
    DropsAltered,
    NewsroomKeysEnding,
    ScrubbingUnfenced,
    SweepFailed,
    SweepHeldBack,
    Undelivered,
)
from server.journal import Journal
from server.newsroom import staff_keyring_of
from server.staff.days import days_sent
from server.staff.mail import alerts as alerting
from server.staff.mail import letters
from server.staff.mail.alerts import Alerts, Said, how_it_is, send_trial
from server.staff.mail.carrying import carry

NOW = datetime.now(UTC)
TODAY = NOW.date()
MUCH = [f"{number} drops, and a line about each of them" for number in range(400)]


@pytest.fixture(scope="module")
def second() -> Iterator[Newsroom]:
    """A colleague whose key is of the old kind."""
    yesterday = NOW - timedelta(days=1)
    made = Newsroom("Second <second@staff.example>", made=f"{yesterday:%Y%m%dT%H%M%S}")
    made.gpg("--quick-add-key", made.fingerprint, "rsa3072", "encr", "1y")
    made.exported = made.gpg("--armor", "--export")
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path, newsroom: Newsroom) -> Path:
    """A drop's folder with one staff key in it."""
    (tmp_path / "receipts").mkdir()
    add(tmp_path, newsroom)
    return tmp_path


def add(folder: Path, key: Newsroom) -> None:
    staff_keyring_of(folder, Config()).gpg.add_keys(key.exported)


def command(folder: Path, script: str) -> Config:
    """Return settings whose command is this script; it stands in the drop's folder."""
    path = folder / "carry"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return Config(staff=Staff(alert_command=(str(path), "a b")))


def text_of(letter: bytes) -> str:
    """Return what a letter says, without what makes all of them one size."""
    text, _, _ = letter.decode().rpartition("\n(All messages are of one size")
    return text.strip()


class TestASealedLetter:
    def test_is_of_one_size_whatever_it_says(self, folder: Path) -> None:
        keyring = staff_keyring_of(folder, Config())
        said = [
            letters.heartbeat("N", TODAY, []),
            letters.heartbeat("N", TODAY, MUCH),
            letters.heartbeat("ناشر" * 9, TODAY, ["0", "ü" * 4000]),
            letters.trial("N", TODAY),
            *(letters.alert("N", TODAY, event) for event in every_alarm()),
        ]

        sizes = {len(letters.sealed(keyring, letter, now=NOW)) for letter in said}

        assert len(sizes) == 1

    def test_grows_only_with_the_number_and_kind_of_keys(
        self, folder: Path, second: Newsroom
    ) -> None:
        add(folder, second)
        keyring = staff_keyring_of(folder, Config())

        quiet = letters.sealed(keyring, letters.heartbeat("N", TODAY, []), now=NOW)
        loud = letters.sealed(keyring, letters.heartbeat("N", TODAY, MUCH), now=NOW)

        assert len(quiet) == len(loud)

    def test_is_armoured_and_opened_by_each_of_the_staff(
        self, folder: Path, newsroom: Newsroom, second: Newsroom
    ) -> None:
        add(folder, second)
        keyring = staff_keyring_of(folder, Config())

        sealed = letters.sealed(keyring, letters.alert("N", TODAY, DropsAltered(3)), now=NOW)

        assert sealed.startswith(b"-----BEGIN PGP MESSAGE-----\n")
        for reader in (newsroom, second):
            opened = reader.gpg("--decrypt", given=sealed).decode()
            assert f"N: alert of {TODAY}" in opened
            assert "not what was carried to the desks: 3." in opened

    def test_ends_with_a_line_that_says_why_there_is_so_much_space(self) -> None:
        first, *_, last = letters.filled("The text.\n").decode().splitlines()

        assert first == "The text."
        assert "The text is above" in last

    def test_that_is_too_long_is_cut_at_a_line_and_says_so(self) -> None:
        filled = letters.filled("\n".join(MUCH))

        *_, whole, last = text_of(filled).splitlines()
        assert len(filled) == letters.SIZE
        assert whole in MUCH
        assert last.startswith("… the rest is too long")

    @pytest.mark.parametrize("kind", get_args(Alarming))
    def test_says_of_every_alarm_what_it_is_and_what_to_do(self, kind: type[Alarming]) -> None:
        event = next(each for each in every_alarm() if type(each) is kind)
        title, _, what, todo = letters.alert("The newsroom", TODAY, event).splitlines()

        assert title == f"The newsroom: alert of {TODAY}"
        assert what.endswith(".")
        assert todo


class TestTheCommand:
    def test_gets_the_message_and_nothing_else_of_ours(self, folder: Path) -> None:
        secret = os.open(folder / "secret", os.O_RDWR | os.O_CREAT)
        os.set_inheritable(secret, True)
        config = command(folder, 'cat > got; env > env; ls -l /proc/$$/fd > fds; echo "$1" > word')

        asyncio.run(carry(b"sealed", config.staff.alert_command, folder=folder))

        os.close(secret)
        assert (folder / "got").read_bytes() == b"sealed"
        assert (folder / "word").read_text() == "a b\n"
        variables = {line.partition("=")[0] for line in (folder / "env").read_text().splitlines()}
        assert variables <= {"PATH", "PWD", "OLDPWD", "SHLVL", "_"}  # what sh itself sets
        assert "secret" not in (folder / "fds").read_text()
        assert "/dev/null" in (folder / "fds").read_text()

    @pytest.mark.parametrize(
        ("words", "why"),
        [
            (("/no/such/command",), Undelivered.NO_SUCH_COMMAND),
            (("tapedrop.toml",), Undelivered.NO_SUCH_COMMAND),
            (("a\0b",), Undelivered.NO_SUCH_COMMAND),
            (("false",), Undelivered.COMMAND_FAILED),
            (("sh", "-c", "kill -9 $$"), Undelivered.COMMAND_FAILED),
        ],
    )
    def test_that_fails_is_told_by_kind(
        self, folder: Path, words: tuple[str, ...], why: Undelivered
    ) -> None:
        with pytest.raises(NotSent) as failed:
            asyncio.run(carry(bytes(100_000), words, folder=folder))

        assert failed.value.why is why
        assert failed.value.hint

    def test_that_reads_nothing_and_ends_well_has_done_its_work(self, folder: Path) -> None:
        asyncio.run(carry(bytes(1_000_000), ("true",), folder=folder))

    def test_that_hangs_is_ended(self, folder: Path) -> None:
        hanging = ("sleep", "1000")

        with pytest.raises(NotSent) as failed:
            asyncio.run(carry(b"", hanging, folder=folder, limit_seconds=0.1))

        assert failed.value.why is Undelivered.COMMAND_HUNG

    def test_is_ended_with_all_that_it_started_when_the_drop_stops(self, folder: Path) -> None:
        os.mkfifo(folder / "held")
        # What it starts holds the pipe open for as long as it lives.
        config = command(folder, "sleep 1000 > held & sleep 1000")

        async def stop() -> bytes:
            carrying = asyncio.create_task(carry(b"", config.staff.alert_command, folder=folder))
            loop = asyncio.get_running_loop()
            with await loop.run_in_executor(None, (folder / "held").open, "rb") as held:
                carrying.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await carrying
                return await asyncio.wait_for(loop.run_in_executor(None, held.read), 60)

        assert asyncio.run(stop()) == b""


async def well() -> list[str]:
    return ["all is well"]


class Staffed:
    """Alerts over a folder, by a clock that the test sets; `sent` are the days' letters."""

    def __init__(
        self, folder: Path, config: Config, newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.folder = folder
        self.now = NOW
        self.newsroom = newsroom
        self.monkeypatch = monkeypatch
        self.journal = Journal()
        monkeypatch.setattr(alerting, "_AGAIN_SECONDS", 0.0)
        self.alerts = Alerts(folder, config, self.journal, now=lambda: self.now)

    async def while_running(self, duty: Coroutine[Any, Any, None]) -> None:
        """Run a duty until a message has gone out."""
        gone, loop = asyncio.Event(), asyncio.get_running_loop()
        self.monkeypatch.setattr(
            alerting, "keep_days_sent", lambda *_: loop.call_soon_threadsafe(gone.set)
        )
        running = asyncio.create_task(duty)
        await asyncio.sleep(0)
        self.now += timedelta(seconds=1)
        await asyncio.wait_for(gone.wait(), 60)
        running.cancel()

    def sent(self) -> list[str]:
        """Open what the command was given; `carry` appends it to one file."""
        armoured = (self.folder / "sent").read_text() if (self.folder / "sent").exists() else ""
        messages = armoured.split("-----BEGIN")[1:]
        return [
            text_of(self.newsroom.gpg("--decrypt", given=f"-----BEGIN{each}".encode()))
            for each in messages
        ]


@pytest.fixture
def staffed(folder: Path, newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> Staffed:
    return Staffed(folder, command(folder, "cat >> sent"), newsroom, monkeypatch)


class TestAnAlert:
    def test_goes_out_once_a_day_for_each_kind(self, staffed: Staffed) -> None:
        async def day() -> None:
            for event in (SweepFailed(), SweepFailed(), DropsAltered(1), DropsAltered(2)):
                staffed.journal.tell(event)
                assert await staffed.alerts.send_waiting()

        asyncio.run(day())
        first = staffed.sent()
        staffed.now += timedelta(days=1)
        asyncio.run(day())

        assert len(first) == 2
        assert "The nightly sweep failed" in first[0]
        assert "carried to the desks: 1." in first[1]
        assert len(staffed.sent()) == 4

    def test_does_not_come_twice_because_the_drop_was_started_again(
        self, staffed: Staffed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        staffed.journal.tell(ScrubbingUnfenced())
        asyncio.run(staffed.alerts.send_waiting())
        config = command(staffed.folder, "cat >> sent")
        again = Staffed(staffed.folder, config, staffed.newsroom, monkeypatch)

        again.journal.tell(ScrubbingUnfenced())
        asyncio.run(again.alerts.send_waiting())

        assert len(again.sent()) == 1
        assert days_sent(staffed.folder / "receipts") == {"scrubbing_unfenced": TODAY.isoformat()}
        kept = staffed.folder / "receipts/alerted.json"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600

    def test_that_could_not_be_sent_is_logged_and_tried_again(
        self, staffed: Staffed, capsys: pytest.CaptureFixture[str]
    ) -> None:
        command(staffed.folder, "test -e there && cat >> sent || { touch there; exit 1; }")
        staffed.journal = journal = Journal()
        staffed.alerts._journal = journal

        async def until_sent() -> None:
            staffed.alerts.take(SweepHeldBack(45))
            await staffed.while_running(staffed.alerts.alert())

        asyncio.run(until_sent())

        assert "45 days have passed" in staffed.sent()[0]
        assert capsys.readouterr().err == "event='alert_not_sent' why='command_failed'\n"

    def test_goes_nowhere_without_a_command(self, folder: Path) -> None:
        alerts = Alerts(folder, Config(), Journal(), now=lambda: NOW)

        alerts.take(SweepFailed())
        asyncio.run(asyncio.wait_for(alerts.beat(well), 60))

        assert asyncio.run(alerts.send_waiting())

    def test_goes_nowhere_without_a_key(self, tmp_path: Path) -> None:
        config = command(tmp_path, "cat > sent")

        with pytest.raises(NotSent) as failed:
            asyncio.run(send_trial(tmp_path, config, now=NOW))

        assert failed.value.why is Undelivered.NO_STAFF_KEY
        assert not (tmp_path / "sent").exists()

    def test_can_be_tried(self, staffed: Staffed) -> None:
        config = command(staffed.folder, "cat >> sent")

        asyncio.run(send_trial(staffed.folder, config, now=NOW))

        assert "to see that alerts arrive" in staffed.sent()[0]


class TestTheHeartbeat:
    def beats(self, staffed: Staffed, said: Said = well) -> list[str]:
        """Let the hour come, and the heartbeat out."""
        tomorrow = NOW + timedelta(days=1)
        staffed.now = tomorrow.replace(hour=4, minute=59, second=59, microsecond=999_000)
        asyncio.run(staffed.while_running(staffed.alerts.beat(said)))
        return staffed.sent()

    def test_says_how_the_drop_is_and_that_its_absence_is_the_alarm(self, staffed: Staffed) -> None:
        title, _, said, _, last = self.beats(staffed)[0].splitlines()

        assert title == f"The newsroom: heartbeat of {TODAY + timedelta(days=1)}"
        assert said == "all is well"
        assert last == "Such a message comes every day. A day without one is the alarm."

    def test_comes_also_when_nobody_can_tell_how_the_drop_is(self, staffed: Staffed) -> None:
        async def failing() -> list[str]:
            raise KeyError("10.0.0.9")

        beat = self.beats(staffed, failing)[0]

        assert "how the drop is can't be told" in beat
        assert "10.0.0.9" not in beat

    def test_says_what_status_says_and_what_needs_somebody_first(self, drop: Drop) -> None:
        config = read_config(drop.config)

        said = asyncio.run(how_it_is(drop.folder, config, lambda: NOW))

        assert said[0] == "look: the drop is not running"
        assert "look: no desk is paired" in said
        assert said.index("") < said.index("not running")
        assert "the day's counts: none yet" in said


def every_alarm() -> list[Alarming]:
    """Return one event of each kind, with numbers in it that are as long as they get."""
    return [kind(*[10**6] * len(kind.__match_args__)) for kind in get_args(Alarming)]


def test_no_alarm_holds_more_than_numbers() -> None:
    for event in every_alarm():
        assert replace(event) == event
    assert NewsroomKeysEnding(59).days == 59
