"""What comes between a source and the sending costs nothing that had arrived, and no codename."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from browsers.source import begin, codename_on, come_back, here, outcomes, send
from browsers.tab import Browser, Tab
from drops import Drop, Serving
from gate import Gate

A_PART = 500_000
"""Bytes; so few of the large recording that the rest of it can't be on its way by itself."""


@pytest.fixture
def stored(shared: Serving) -> Callable[[], list[str]]:
    """Tell who sent what was stored since the test began: a pseudonym for each thing."""
    before = set(shared.drop.envelopes())

    def stored() -> list[str]:
        new = sorted(set(shared.drop.envelopes()) - before)
        return [manifest["source"]["pseudonym"] for manifest in shared.drop.manifests(new)]

    return stored


@pytest.fixture
def started_anew(drop: Drop, browser: Browser) -> Iterator[tuple[Tab, Gate, Callable[[], None]]]:
    """A tab that reaches a drop by a gate, and what stops the drop and starts it anew."""
    with ExitStack() as stack:
        running = stack.enter_context(drop.running())
        gate = stack.enter_context(Gate(running.address))

        def start_anew() -> None:
            running.stop()
            gate.lead_to(stack.enter_context(drop.running()).address)

        yield browser.fresh(gate.address), gate, start_anew


class TestALineThatBreaks:
    def test_leaves_what_was_whole_and_the_rest_can_follow(
        self,
        browser: Browser,
        far: Tab,
        gate: Gate,
        shared: Serving,
        stored: Callable[[], list[str]],
        wav: Path,
        large: Path,
    ) -> None:
        codename = begin(far)
        send(far, wav, large)
        gate.let_through(A_PART)
        frame = far.frame("progress")
        far.wait_until(lambda: outcomes(frame) == ["cleaned", ""], "the first to be stored")

        gate.break_off()

        frame.wait_for("The connection broke off.")
        first, second = frame.texts("li")[:2]
        assert first == "File 1 (16.4 kB) is stored"
        assert second.startswith("File 2")
        assert second.endswith("was not kept")
        frame.click("What became of it")
        far.wait_for("We kept nothing half-sent.")
        assert len(stored()) == 1
        assert list((shared.drop.folder / "spool").iterdir()) == []

        tab = come_back(browser, gate.address, codename)
        assert tab.text().count("File 1. We have it.") == 1
        tab.click("Answer, or send more")
        gate.shut()
        gate.open()
        send(tab, large)
        tab.frame("result").wait_for("We have it.")
        tab.frame("result").click("To my mailbox")
        tab.wait_until(lambda: tab.text().count("File 1. We have it.") == 2, "both in the mailbox")
        assert len(stored()) == 2
        assert len(set(stored())) == 1

    def test_makes_a_browser_send_again_by_itself_and_nothing_is_kept_twice(
        self, far: Tab, gate: Gate, stored: Callable[[], list[str]], wav: Path, large: Path
    ) -> None:
        begin(far)
        send(far, wav, large)
        gate.let_through(A_PART)
        frame = far.frame("progress")
        far.wait_until(lambda: outcomes(frame) == ["cleaned", ""], "the first to be stored")

        gate.break_off(again=True)
        gate.open()

        frame.wait_for("Done.")
        assert gate.uploads == 2
        assert outcomes(frame) == ["cleaned", "cleaned"]
        assert len(stored()) == 2


class TestHands:
    def test_that_press_send_twice_send_once(
        self, browser: Browser, far: Tab, gate: Gate, stored: Callable[[], list[str]], large: Path
    ) -> None:
        begin(far)
        send(far, large)
        gate.let_through(1)
        # Firefox does nothing the second time; Chromium begins anew, and cuts off what it began.
        far.click("Send", wait=False)
        far.wait_until(lambda: browser.name == "firefox" or gate.uploads == 2)
        gate.open()

        far.frame("result").wait_for("We have it.")
        assert outcomes(far.frame("result")) == ["cleaned"]
        assert len(stored()) == 1

    def test_that_go_back_find_the_same_codename_and_can_send_again(
        self, far: Tab, gate: Gate, stored: Callable[[], list[str]], wav: Path
    ) -> None:
        codename = begin(far)
        gate.open()
        send(far, wav)
        far.frame("result").wait_for("We have it.")

        while "/codename" not in far.address:
            far.back()
        assert codename_on(far) == codename
        far.click("I have kept them")
        send(far, wav)

        far.frame("result").wait_for("We have it.")
        assert len(stored()) == 2
        assert len(set(stored())) == 1

    def test_that_reload_while_it_is_sent_get_a_form_to_send_it_again(
        self, far: Tab, gate: Gate, stored: Callable[[], list[str]], wav: Path, large: Path
    ) -> None:
        begin(far)
        send(far, wav, large)
        gate.let_through(A_PART)
        frame = far.frame("progress")
        far.wait_until(lambda: outcomes(frame) == ["cleaned", ""], "the first to be stored")

        far.reload()

        frame.wait_for("When you press Send, this shows how far it is.")
        gate.open()
        send(far, large)
        far.frame("result").wait_for("We have it.")
        assert len(stored()) == 2
        assert len(set(stored())) == 1

    @pytest.mark.parametrize("link", ["Show my eight words once more", "To my mailbox"])
    def test_that_follow_a_link_below_the_form_break_nothing_off(
        self, browser: Browser, far: Tab, gate: Gate, large: Path, link: str
    ) -> None:
        begin(far)
        send(far, large)
        gate.let_through(A_PART)

        far.click(link)

        far.wait_until(lambda: len(browser.tabs()) == 2, "a tab of its own")
        gate.open()
        far.frame("result").wait_for("We have it.")
        assert gate.uploads == 1


class TestTwoTabs:
    def test_send_side_by_side_under_one_codename(
        self,
        browser: Browser,
        far: Tab,
        gate: Gate,
        stored: Callable[[], list[str]],
        large: Path,
    ) -> None:
        codename = begin(far)
        send(far, large)
        far.wait_until(lambda: gate.uploads == 1)
        second = browser.another()
        second.open("/codename")
        assert codename_on(second) == codename
        second.click("I have kept them")
        send(second, large, message="From the other tab.")
        second.wait_until(lambda: gate.uploads == 2)
        gate.let_through(1000)
        second.wait_until(lambda: here(second.frame("progress")) == 1000)

        gate.open()

        for tab, became in ((second, ["written", "cleaned"]), (far, ["cleaned"])):
            tab.frame("result").wait_for("We have it.")
            assert outcomes(tab.frame("result")) == became
        assert len(stored()) == 3
        assert len(set(stored())) == 1

    def test_words_typed_in_one_leave_the_other_to_tell_of_what_it_sends(
        self, browser: Browser, far: Tab, gate: Gate, large: Path
    ) -> None:
        codename = begin(far)
        send(far, large)
        gate.let_through(A_PART)
        second = browser.another()
        second.open("/return")
        second.fill("Your eight words", codename)
        second.click("Go on")
        assert second.texts("h1") == ["Your mailbox"]

        gate.let_through(2 * A_PART)
        far.wait_until(lambda: here(far.frame("progress")) == 2 * A_PART, "it to go on")

        gate.open()
        far.frame("result").wait_for("We have it.")

    def test_a_visit_that_ends_in_one_lets_the_other_finish_sending(
        self,
        browser: Browser,
        far: Tab,
        gate: Gate,
        stored: Callable[[], list[str]],
        large: Path,
    ) -> None:
        codename = begin(far)
        send(far, large)
        gate.let_through(A_PART)
        second = browser.another()
        second.open("/codename")
        second.click("End this visit")
        assert second.texts("h1") == ["Your visit is over"]

        far.frame("progress").wait_for("Come back with your eight words")
        gate.open()
        far.frame("result").wait_for("Come back with your eight words")

        assert "kept nothing" not in far.frame("result").text()
        assert len(stored()) == 1
        tab = come_back(browser, gate.address, codename)
        assert tab.text().count("File 1. We have it.") == 1


class TestADropThatIsStartedAnew:
    def test_says_calmly_that_an_open_form_is_too_old(
        self, started_anew: tuple[Tab, Gate, Callable[[], None]], wav: Path
    ) -> None:
        tab, gate, start_anew = started_anew
        begin(tab)
        start_anew()
        gate.open()

        send(tab, wav)

        tab.frame("result").wait_for("This page is too old")
        assert "We kept nothing that was sent from it." in tab.frame("result").text()
        # The frame may have asked while nobody answered: then its link is needed.
        tab.click("If this stops moving", wait=False)
        tab.frame("progress").wait_for("Come back with your eight words")
