"""What is turned away before it is read, in real browsers: the words are there while they send."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers.tab import Browser
from drops import Drop, write_wav
from gate import Gate

LARGE = 200_000_000


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A recording that would take long; sparse, because nobody reads it to its end."""
    recording = write_wav(tmp_path / "large.wav")
    with recording.open("r+b") as file:
        file.truncate(LARGE)
    return recording


@pytest.fixture
def gate(drop: Drop) -> Iterator[Gate]:
    """A gate that holds every upload, in front of a drop that takes less than that."""
    drop.configure(f"[limits]\nmax_visit_bytes = {LARGE // 2}")
    with drop.running() as serving, Gate(serving.address) as gate:
        yield gate


class TestWhatIsTurnedAway:
    def test_as_too_large_is_told_beside_the_form_before_it_is_sent(
        self, browser: Browser, gate: Gate, large: Path
    ) -> None:
        tab = browser.fresh(gate.address)
        tab.open("/codename")
        tab.open("/send")
        tab.choose_files("Recordings", large)

        tab.click("Send", wait=False)

        tab.frame("progress").wait_for("This is more than can be sent at once.")
        assert gate.passed == 0

    def test_because_the_visit_is_over_is_told_there_as_well(
        self, browser: Browser, gate: Gate, large: Path
    ) -> None:
        tab = browser.fresh(gate.address)
        tab.open("/codename")
        tab.open("/send")
        tab.choose_files("Recordings", large)
        other = browser.another()
        other.open("/send")
        other.click("End this visit")

        tab.click("Send", wait=False)

        tab.frame("progress").wait_for("We know nothing of this page any more.")
        assert gate.passed == 0
