"""A slow upload as its source sees it: how far it is, what became of it, what broke off."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers.tab import Browser, Tab
from drops import Serving, write_wav
from gate import Gate


@pytest.fixture
def gate(serving: Serving) -> Iterator[Gate]:
    """A gate before the drop, shut for what is sent."""
    with Gate(serving.address) as gate:
        yield gate


@pytest.fixture
def long_wav(tmp_path: Path) -> Path:
    """Half a minute of silence: 1 MB."""
    return write_wav(tmp_path / "long.wav", bytes(1_000_000))


def form_in(browser: Browser, gate: Gate) -> Tab:
    """Return a tab that shows the form."""
    tab = browser.fresh(gate.address)
    tab.open("/codename")
    tab.open("/send")
    return tab


def wait_for_progress(tab: Tab, passed: int) -> None:
    """Wait until the frame says that just these bytes are here."""
    frame = tab.frame("progress")
    tab.wait_until(
        lambda: frame.attributes("progress", "value") == [str(passed)], f"{passed} bytes"
    )


class TestProgress:
    def test_is_what_the_drop_has_at_every_moment(
        self, browser: Browser, gate: Gate, long_wav: Path
    ) -> None:
        tab = form_in(browser, gate)
        tab.choose_files("Recordings", long_wav)
        tab.click("Send", wait=False)
        frame = tab.frame("progress")

        for size in (100_000, 500_000, 900_000):
            gate.let_through(size)
            wait_for_progress(tab, size)
            percent = f"{100 * size // gate.length}%"
            assert frame.attributes("progress", "max") == [str(gate.length)]
            assert frame.texts("#percent") == [percent]
            assert frame.text().count("is arriving") == 1
        gate.open()

        frame.wait_for("is stored")
        tab.frame("result").wait_for("We have it.")
        assert gate.uploads == 1

    def test_says_what_is_kept_when_the_connection_breaks(
        self, browser: Browser, gate: Gate, serving: Serving, wav: Path, long_wav: Path
    ) -> None:
        tab = form_in(browser, gate)
        tab.choose_files("Recordings", wav, long_wav)
        tab.click("Send", wait=False)
        gate.let_through(600_000)
        serving.wait_for(serving.drop.envelopes)

        gate.break_off()

        frame = tab.frame("progress")
        frame.wait_for("The connection broke off.")
        assert frame.attributes("[data-became]", "data-became")[:2] == ["cleaned", "cut_off"]
        assert len(serving.drop.envelopes()) == 1

    def test_is_not_needed_where_there_are_no_frames(
        self, browser: Browser, gate: Gate, wav: Path
    ) -> None:
        tab = form_in(browser, gate)
        tab.remove_frames()
        tab.choose_files("Recordings", wav)
        tab.click("Send", wait=False)
        gate.open()

        tab.wait_until(lambda: len(browser.tabs()) == 2, "the answer, in a tab of its own")
        browser.tabs()[1].wait_for("We have it.")

    def test_what_a_browser_sends_again_by_itself_is_not_stored_twice(
        self, browser: Browser, gate: Gate, serving: Serving, wav: Path, long_wav: Path
    ) -> None:
        tab = form_in(browser, gate)
        tab.choose_files("Recordings", wav, long_wav)
        tab.click("Send", wait=False)
        gate.let_through(600_000)
        serving.wait_for(serving.drop.envelopes)

        gate.break_off(again=True)
        gate.open()

        tab.wait_until(lambda: gate.uploads == 2, "the browser to try again")
        ends = ("Done.", "broke off")
        tab.wait_until(lambda: any(end in tab.frame("progress").text() for end in ends))
        assert len(serving.drop.envelopes()) <= 2
