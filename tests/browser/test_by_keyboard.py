"""The whole way by keyboard alone: nothing needs a mouse, and what has the focus is seen."""

from pathlib import Path

from browsers.source import RECORDINGS, codename_on
from browsers.tab import Browser, Tab
from drops import Serving

_MOST_KEYS = 40
_NOWHERE = ("", "html", "iframe")  # a frame that shows itself anew loses what it had
_OUTLINE = """() => {
    let at = document.activeElement;
    while (at.contentDocument) at = at.contentDocument.activeElement;
    const style = getComputedStyle(at);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
}"""

_STYLED = "() => document.readyState === 'complete'"


def reach(tab: Tab, role: str, name: str) -> list[str]:
    """Press Tab until this has the focus, seen all the way; return what was passed on the way."""
    passed: list[str] = []
    while (focus := tab.focus()).role != role or name not in focus.name:
        assert len(passed) < _MOST_KEYS, f"{name!r} is never reached: {passed}"
        tab.press("Tab")
        passed.append(tab.focus().name)
        assert tab.ask(_OUTLINE) or tab.focus().role in _NOWHERE, passed
    return passed


def follow(tab: Tab, name: str, to: str) -> None:
    """Follow a link, and wait for the page."""
    reach(tab, "a", name)
    tab.press("Enter")
    wait_for(tab, to)


def wait_for(tab: Tab, heading: str) -> None:
    """Wait for a page to be there, as it looks."""
    tab.wait_until(lambda: tab.texts("h1") == [heading] and tab.ask(_STYLED), heading)


class TestAKeyboardAlone:
    def test_leads_from_the_first_page_to_the_end_of_the_visit(
        self, browser: Browser, shared: Serving, wav: Path
    ) -> None:
        tab = browser.fresh(shared.address)
        tab.open()
        follow(tab, "Begin", "Your eight words")
        codename = codename_on(tab)
        follow(tab, "I have kept them", "Send")

        reach(tab, "textarea", "A message")
        tab.type("By keyboard.")
        reach(tab, "radio", "Refuse it")
        tab.press("ArrowDown")
        assert tab.chosen("Send it anyway")
        reach(tab, "file", RECORDINGS)
        tab.choose_files(RECORDINGS, wav)
        reach(tab, "submit", "Send")
        tab.press("Enter")
        tab.frame("result").wait_for("File 1")
        tab.frame("progress").wait_for("What became of it")  # from here on it stays as it is
        assert tab.frame("result").text().count("We have it.") == 2

        passed = reach(tab, "a", "To my mailbox")
        assert any("show it again" in name for name in passed)
        tab.press("Enter")
        wait_for(tab, "Your mailbox")
        assert "File 1. We have it." in tab.text()
        reach(tab, "submit", "End this visit")
        tab.press("Enter")
        wait_for(tab, "Your visit is over")

        tab.open()
        follow(tab, "I was here before", "Come back")
        reach(tab, "textarea", "Your eight words")
        tab.type(codename)
        reach(tab, "submit", "Go on")
        tab.press("Enter")
        wait_for(tab, "Your mailbox")

    def test_passes_the_form_in_the_order_in_which_it_is_read(
        self, browser: Browser, shared: Serving
    ) -> None:
        tab = browser.fresh(shared.address)
        tab.open("/codename")
        tab.open("/send")

        passed = reach(tab, "a", "If this stops moving")

        order = ["End this visit", "A message", "Refuse it", "Recordings", "Send", "If this stops"]
        places = [next(i for i, name in enumerate(passed) if name.startswith(w)) for w in order]
        assert places == sorted(places)
