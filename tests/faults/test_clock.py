"""The clock of a running drop jumps: visits last by a clock that only counts, days are the clock's.

libfaketime stands between the drop and the clock of the wall, and between nothing else: gpg and
whatever else the drop starts have the real one, as they would have a moment later.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from drops import Drop, write_wav

from faults.afterwards import Disk, Kept
from faults.conftest import Note

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))


# A key that has ended, or isn't made yet, is sealed to by nobody; the source is told.
@pytest.mark.parametrize(
    ("jump", "meanwhile"), [("+1d", "cleaned"), ("-1y", "seal_failed"), ("+2y", "no_key")]
)
def test_a_visit_outlasts_it_and_what_was_acknowledged_is_kept(
    drop: Drop, tmp_path: Path, jump: str, meanwhile: str, note: Note
) -> None:
    clock, wav, kept = tmp_path / "clock", write_wav(tmp_path / "a.wav"), Kept(drop)
    clock.write_text("+0d\n")
    disk = Disk.of(drop, tmp_path)
    environment = {
        "LD_PRELOAD": str(LIBRARIES[0]),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with drop.running(environment=environment) as serving:
        browser = serving.visit()
        form = browser.get("/send")
        before = browser.post(form.form, form.fields, [wav]).html
        clock.write_text(f"{jump}\n")
        form = browser.get("/send")
        after = browser.post(form.form, form.fields, [wav]).html
        mailbox = browser.get("/mailbox").html
        clock.write_text("+0d\n")
        back = serving.send(wav).became

    today = datetime.now(UTC).date()
    held = list(kept.opened(tmp_path))
    became = [page.partition('data-became="')[2].partition('"')[0] for page in (before, after)]
    note(became=[*became, *back], found_and_opened=len(held))
    assert [*became, *back] == ["cleaned", meanwhile, "cleaned"]
    assert str(today) in mailbox
    assert len(held) == 2 + (meanwhile == "cleaned")
    days_told = {json_day(drop, name) for name in drop.envelopes()}
    assert days_told <= {str(today), str(today + timedelta(days=1))}
    assert disk.left_over() == []


def json_day(drop: Drop, envelope: Path) -> str:
    """Return the day in an envelope's manifest."""
    return str(json.loads(drop.newsroom.opened(envelope)["manifest.json"])["day"])
