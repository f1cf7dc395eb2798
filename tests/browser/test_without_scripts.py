"""The pages in real browsers with scripts off, as Tor Browser's "Safest" would have them."""

from pathlib import Path

import pytest
from browsers.outside import Outside
from browsers.source import codename_on
from browsers.tab import Browser, Tab
from drops import Serving


class TestASourceWithoutScripts:
    def test_goes_from_the_first_page_to_we_have_it(
        self, browser: Browser, tab: Tab, serving: Serving, wav: Path
    ) -> None:
        tab.open()
        tab.click("Begin")
        codename = codename_on(tab)
        tab.click("I have kept them")
        tab.fill("A message, if you like", "Please listen to the end.")
        tab.choose_files("Recordings", wav)
        tab.click("Send", wait=False)

        result = tab.frame("result")
        result.wait_for("We have it.")
        assert result.text().count("We have it.") == 2
        assert len(serving.drop.envelopes()) == 2
        tab.click("Show my eight words")
        tab.wait_until(lambda: len(browser.tabs()) == 2, "a tab of its own")
        again = browser.tabs()[1]
        again.wait_until(lambda: codename_on(again) == codename, "the same words")

    def test_every_choice_has_a_checked_default(self, tab: Tab) -> None:
        tab.open("/codename")
        tab.open("/send")

        assert tab.chosen("Refuse it")
        assert tab.attributes("input[type=file]", "multiple") == [""]

    def test_an_empty_form_is_answered_with_words(self, tab: Tab) -> None:
        tab.open("/codename")
        tab.open("/send")
        tab.click("Send", wait=False)

        tab.frame("result").wait_for("There was nothing in the form")

    def test_comes_back_with_the_codename(
        self, browser: Browser, serving: Serving, wav: Path
    ) -> None:
        tab = browser.fresh(serving.address)
        tab.open("/codename")
        codename = codename_on(tab)
        tab.open("/send")
        tab.choose_files("Recordings", wav)
        tab.click("Send", wait=False)
        tab.frame("result").wait_for("We have it.")

        tab = browser.fresh(serving.address)
        tab.open("/return")
        tab.fill("Your eight words", codename)
        tab.click("Go on")

        assert tab.texts("h1") == ["Your mailbox"]
        assert "File 1. We have it." in tab.text()

    def test_asks_no_other_host_for_anything(self, tab: Tab, outside: Outside) -> None:
        for path in ("/", "/codename", "/send", "/return"):
            tab.open(path)

        assert tab.text()
        assert outside.asked == []

    def test_cannot_be_led_to_another_host(
        self, browser: Browser, serving: Serving, outside: Outside
    ) -> None:
        tab = browser.fresh(serving.address)
        with pytest.raises(Exception, match=r"(?i)proxy|connection|empty"):
            tab.go("http://elsewhere.invalid/page")
        browser.fresh(serving.address)  # the tab would go on asking

        # It asks several times before it gives up.
        assert set(outside.asked) == {"GET http://elsewhere.invalid/page HTTP/1.1"}
