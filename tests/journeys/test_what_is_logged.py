"""A drop's log and its messages to staff, on a day on which sources came.

libfaketime stands between the drop and every clock, so that the day's hours come when asked for.
"""

import json
import os
import re
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drops import SERVER, Drop, Serving, write_wav
from holds import child_of

from server.config import read_config
from server.events import Counted, Reason, every_counted_event, facts_of, name_of
from server.journal import step
from server.nights import told_apart

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
AT_ONCE = re.compile(r"event='(started|stopped)'.*")
PLANTED = "Amal, 10.0.0.9"


class Day:
    """A drop that runs with a log and a clock of its own, and a command that keeps messages."""

    def __init__(self, drop: Drop, folder: Path) -> None:
        self.drop = drop
        self.log, self.clock, self.sent = (folder / name for name in ("log", "clock", "sent"))
        self.clock.write_text("+0\n")
        carrying = folder / "carry"
        carrying.write_text(f'#!/bin/sh\ncat >> "{self.sent}"\n')
        carrying.chmod(0o700)
        self.settings = f'[staff]\nalert_command = ["{carrying}"]\n'
        # The night's sweep is at work when the day is told, and may be done before or after.
        drop.configure(f"{self.settings}[keeping]\nsweep_nightly = false\n")
        drop.add_exported(drop.newsroom.exported, drop.newsroom.fingerprint, staff=True)
        self.before = ["sh", "-c", f'exec "$0" "$@" 2> "{self.log}"']
        self.environment = {
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self.clock),
            "FAKETIME_NO_CACHE": "1",
        }

    def lines(self) -> list[str]:
        """Return what was logged until now."""
        return self.log.read_text().splitlines()

    def passes(self, serving: Serving, seen: Callable[[], object]) -> None:
        """Let it be six in the morning of tomorrow; wait until that has been noticed."""
        now = datetime.now(UTC)
        morning = (now + timedelta(days=1)).replace(hour=6, minute=0)
        self.clock.write_text(f"+{(morning - now).total_seconds():.0f}\n")
        serving.wait_for(seen)

    def letters(self) -> list[Path]:
        """Return what waits in the outbox."""
        return sorted((self.drop.folder / "outbox").iterdir())

    def type(self, verb: str) -> None:
        """Run a verb by the same clock, as a timer does."""
        command = [SERVER, verb, "--config", self.drop.config]
        subprocess.run(command, check=True, capture_output=True, env=os.environ | self.environment)

    def messages(self) -> list[str]:
        """Return what staff got, opened with their key by gpg."""
        sealed = self.sent.read_text().split("-----BEGIN")[1:] if self.sent.exists() else []
        opened = [
            self.drop.newsroom.gpg("--decrypt", given=b"-----BEGIN" + each.encode())
            for each in sealed
        ]
        return [each.decode().strip() for each in opened]


def send_while_its_worker_is_killed(serving: Serving, recording: Path) -> list[str]:
    """Send it; whatever worker the sandbox has for it meanwhile, is killed."""
    became: list[str] = []
    sender = threading.Thread(target=lambda: became.extend(serving.send(recording).became))
    sender.start()
    zygote = child_of(serving.process, "scrub.worker")
    children = Path(f"/proc/{zygote}/task/{zygote}/children")
    while sender.is_alive():
        for worker in children.read_text().split():
            try:
                os.kill(int(worker), signal.SIGKILL)
            except ProcessLookupError:
                continue
    sender.join()
    return became


def line_of(event: Counted, became: Counter[str]) -> str:
    """Return the day's line of an event, given what became of what was sent."""
    facts = [(name, str(fact)) for name, fact in facts_of(event).items()]
    times = sum(became[fact] for _, fact in facts)
    words = [("event", name_of(type(event))), *facts, ("today", step(times))]
    return " ".join(f"{name}={word!r}" for name, word in words)


def test_sources_show_in_it_once_a_day_and_only_in_steps(drop: Drop, tmp_path: Path) -> None:
    day = Day(drop, tmp_path)
    good = write_wav(tmp_path / f"{PLANTED}.wav", secret=PLANTED.encode())
    (tmp_path / "bad.wav").write_bytes(good.read_bytes()[:100] + PLANTED.encode())
    (tmp_path / "text.wav").write_text(PLANTED)
    others = [
        write_wav(tmp_path / f"{number}.wav", bytes([number, 1]) * 800) for number in range(10)
    ]
    became = Counter[str]()
    with drop.running(before=day.before, environment=day.environment) as serving:
        became.update(serving.send(good, *others, message=PLANTED).became)
        became.update(serving.send(tmp_path / "bad.wav", tmp_path / "text.wav").became)
        while not became["worker_failed"]:
            became.update(send_while_its_worker_is_killed(serving, good))
        until_then = day.lines()
        day.passes(serving, (drop.folder / "receipts/told.json").exists)
        by_sources = day.letters()
        day.type("heartbeat")
        day.type("mail")
        serving.stop()

    told = [line for line in day.lines() if not AT_ONCE.fullmatch(line)]
    assert [line for line in until_then if not AT_ONCE.fullmatch(line)] == []
    by_the_sweep = told_apart(read_config(drop.config))
    events = [event for event in every_counted_event() if event not in by_the_sweep]
    assert told == [line_of(event, became) for event in events]
    assert became["cleaned"] > 10
    assert {"written", "not_a_recording", "worker_failed"} < set(became)
    assert by_sources == day.letters() == []
    assert PLANTED not in day.log.read_text()
    assert set(became) - {"cleaned", "written"} <= set(Reason)

    kept = json.loads((drop.folder / "receipts/told.json").read_text())
    assert {"event": "received", "facts": {"condition": "cleaned"}, "today": "10+"} in kept[
        "counts"
    ]
    assert len(kept["counts"]) == len(told)

    (heartbeat,) = day.messages()
    assert ": heartbeat of " in heartbeat
    assert "    10+ received cleaned" in heartbeat
    assert "    1-9 refused worker_failed" in heartbeat
    assert PLANTED not in heartbeat


def test_a_drop_that_is_not_fit_to_start_alerts_staff_and_tells_the_journal_how_grave_it_is(
    drop: Drop, tmp_path: Path
) -> None:
    day = Day(drop, tmp_path)
    (drop.folder / "credentials/salt").write_bytes(b"short")
    day.log.touch()
    facts = day.log.stat()
    stream = {"JOURNAL_STREAM": f"{facts.st_dev}:{facts.st_ino}"}  # systemd.exec(5)

    with day.log.open("w") as log:
        command = [SERVER, "serve", "--config", drop.config]
        refused = subprocess.run(command, stderr=log, env=os.environ | stream)

    assert refused.returncode == 5
    assert day.lines()[0] == "<3>event='not_started'"
    assert len(day.letters()) == 1
    day.type("mail")
    (alert,) = day.messages()
    assert "is not fit to" in alert
