"""Messages to security staff: of one size whatever they say, and carried by a command of theirs."""

import asyncio
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from drops import Drop, Newsroom

from server.config import Config, Staff, read_config
from server.errors import NotSent
from server.events import (
    Alarming,
    AtOnce,
    DropsAltered,
    NewsroomKeysEnding,
    ScrubbingUnfenced,
    SweepFailed,
    SweepHeldBack,
    Undelivered,
)
from server.journal import Journal
from server.newsroom import staff_keyring_of
from server.staff.days import days_put, last_heartbeat
from server.staff.mail import alerts as alerting
from server.staff.mail import heartbeat as beating
from server.staff.mail import letters
from server.staff.mail.alerts import Alerts, put_trial
from server.staff.mail.carrying import carry
from server.staff.mail.heartbeat import how_it_is, put_heartbeat
from server.staff.outbox import letters_in, read_letter

NOW = datetime.now(UTC) + timedelta(days=1)  # not before keys are made, also around midnight
TODAY = NOW.date()
ALERTING = Config(staff=Staff(alert_command=("/bin/true",)))
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


class Staffed:
    """Alerts over a folder, by a clock that the test sets; what waits in its outbox is opened."""

    def __init__(
        self, folder: Path, config: Config, newsroom: Newsroom, *, journal: Journal | None = None
    ) -> None:
        self.folder = folder
        self.config = config
        self.now = NOW
        self.newsroom = newsroom
        self.journal = journal or Journal()
        self.alerts = Alerts(folder, config, self.journal, now=lambda: self.now)

    def put(self, *events: Alarming) -> bool:
        """Raise alarms; say whether all that staff are to be told of is in the outbox."""
        for event in events:
            self.journal.tell(event)
        return asyncio.run(self.alerts.put_waiting())

    def letters(self) -> list[str]:
        """Return what the letters in the outbox say, the oldest first."""
        sealed = [read_letter(path) for path in letters_in(self.folder / "outbox")]
        return [text_of(self.newsroom.gpg("--decrypt", given=each)) for each in sealed]


@pytest.fixture
def staffed(folder: Path, newsroom: Newsroom) -> Staffed:
    return Staffed(folder, ALERTING, newsroom)


def in_the_way_of_the_keyring(folder: Path) -> None:
    shutil.rmtree(folder / "staff")
    (folder / "staff").touch()


class TestAnAlert:
    def test_is_written_once_a_day_for_each_kind(self, staffed: Staffed) -> None:
        day = (SweepFailed(), SweepFailed(), DropsAltered(1), DropsAltered(2))

        assert all(staffed.put(event) for event in day)
        first = staffed.letters()
        staffed.now += timedelta(days=1)
        assert all(staffed.put(event) for event in day)

        assert len(first) == 2
        assert "The nightly sweep failed" in first[0]
        assert "carried to the desks: 1." in first[1]
        assert len(staffed.letters()) == 4

    def test_is_not_written_twice_because_another_process_raises_it(self, staffed: Staffed) -> None:
        staffed.put(ScrubbingUnfenced())
        again = Staffed(staffed.folder, ALERTING, staffed.newsroom)

        assert again.put(ScrubbingUnfenced(), SweepFailed())

        assert len(again.letters()) == 2
        today = TODAY.isoformat()
        assert days_put(staffed.folder / "receipts") == {
            "scrubbing_unfenced": today,
            "sweep_failed": today,
        }
        kept = staffed.folder / "receipts/alerted.json"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600

    def test_is_written_once_a_day_also_where_the_day_can_t_be_kept(self, staffed: Staffed) -> None:
        (staffed.folder / "receipts").rmdir()

        assert staffed.put(SweepFailed())
        assert staffed.put(SweepFailed())

        assert len(staffed.letters()) == 1

    def test_that_can_t_be_written_is_logged_and_tried_again(
        self,
        folder: Path,
        newsroom: Newsroom,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(alerting, "_AGAIN_SECONDS", 0.0)
        (folder / "outbox").write_bytes(b"in the way")

        class Mended(Journal):
            """A log; whoever reads it takes away what is in the way."""

            def tell(self, event: AtOnce) -> None:
                super().tell(event)
                (folder / "outbox").unlink()

        staffed = Staffed(folder, ALERTING, newsroom, journal=Mended())

        async def until_written() -> None:
            written, loop = asyncio.Event(), asyncio.get_running_loop()
            monkeypatch.setattr(
                alerting, "keep_day_put", lambda *_: loop.call_soon_threadsafe(written.set)
            )
            staffed.alerts.take(SweepHeldBack(45))
            writing = asyncio.create_task(staffed.alerts.alert())
            await asyncio.wait_for(written.wait(), 60)
            writing.cancel()

        asyncio.run(until_written())

        assert capsys.readouterr().err == "event='alert_not_sent' why='outbox_failed'\n"
        assert "45 days have passed" in staffed.letters()[0]

    @pytest.mark.parametrize(
        ("spoil", "why"),
        [
            (lambda folder: (folder / "outbox").touch(), "outbox_failed"),
            (lambda folder: shutil.rmtree(folder / "staff"), "no_staff_key"),
            (in_the_way_of_the_keyring, "gpg_failed"),
        ],
    )
    def test_says_in_the_log_why_it_can_t_be_written(
        self,
        folder: Path,
        newsroom: Newsroom,
        capsys: pytest.CaptureFixture[str],
        spoil: Callable[[Path], object],
        why: str,
    ) -> None:
        staffed = Staffed(folder, ALERTING, newsroom)
        spoil(folder)

        assert not staffed.put(SweepFailed())

        assert f"event='alert_not_sent' why='{why}'\n" in capsys.readouterr().err

    def test_is_not_written_where_no_command_would_carry_it(
        self, folder: Path, newsroom: Newsroom
    ) -> None:
        staffed = Staffed(folder, Config(), newsroom)

        assert staffed.put(SweepFailed())

        assert staffed.letters() == []
        with pytest.raises(NotSent) as failed:
            asyncio.run(put_trial(folder, Config(), now=NOW))
        assert failed.value.why is Undelivered.NO_SUCH_COMMAND

    def test_can_be_tried(self, staffed: Staffed) -> None:
        asyncio.run(put_trial(staffed.folder, ALERTING, now=NOW))

        assert "to see that alerts arrive" in staffed.letters()[0]


class TestTheHeartbeat:
    def beats(self, staffed: Staffed, *, again: bool = False) -> bool:
        beating = put_heartbeat(staffed.folder, ALERTING, now=staffed.now, again=again)
        return asyncio.run(beating)

    def test_says_how_the_drop_is_and_that_its_absence_is_the_alarm(
        self, staffed: Staffed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def well(*_: object) -> list[str]:
            return ["all is well"]

        monkeypatch.setattr(beating, "how_it_is", well)
        assert self.beats(staffed)

        title, _, said, _, last = staffed.letters()[0].splitlines()
        assert title == f"The newsroom: heartbeat of {TODAY}"
        assert said == "all is well"
        assert last == "Such a message comes every day. A day without one is the alarm."

    def test_comes_once_a_day_unless_another_is_asked_for(self, staffed: Staffed) -> None:
        assert self.beats(staffed)
        assert not self.beats(staffed)
        assert self.beats(staffed, again=True)
        staffed.now += timedelta(days=1)
        assert self.beats(staffed)

        assert len(staffed.letters()) == 3
        assert last_heartbeat(staffed.folder / "receipts") == TODAY + timedelta(days=1)

    def test_that_can_t_be_written_does_not_count_as_written(self, staffed: Staffed) -> None:
        (staffed.folder / "outbox").touch()
        with pytest.raises(NotSent):
            self.beats(staffed)
        (staffed.folder / "outbox").unlink()

        assert self.beats(staffed)

    def test_comes_also_when_nobody_can_tell_how_the_drop_is(
        self, staffed: Staffed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def failing(*_: object) -> list[str]:
            raise KeyError("10.0.0.9")

        monkeypatch.setattr(beating, "how_it_is", failing)
        self.beats(staffed)

        (beat,) = staffed.letters()
        assert "how the drop is can't be told" in beat
        assert "10.0.0.9" not in beat

    def test_says_what_status_says_and_what_needs_somebody_first(self, drop: Drop) -> None:
        config = read_config(drop.config)

        said = asyncio.run(how_it_is(drop.folder, config, NOW))

        assert said[0] == "look: the drop is not running"
        assert "look: no desk is paired" in said
        assert said.index("") < said.index("not running")
        assert "the day's counts: none yet" in said
        assert f"last heartbeat written to staff: {TODAY}" in said
        assert not [line for line in said if line.startswith("look: no heartbeat")]


def every_alarm() -> list[Alarming]:
    """Return one event of each kind, with numbers in it that are as long as they get."""
    return [kind(*[10**6] * len(kind.__match_args__)) for kind in get_args(Alarming)]


def test_no_alarm_holds_more_than_numbers() -> None:
    for event in every_alarm():
        assert replace(event) == event
    assert NewsroomKeysEnding(59).days == 59
