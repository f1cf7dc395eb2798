"""Reading, deleting and closing in real browsers, scripts off: nothing but links and buttons."""

from browsers.tab import PHONE, Browser, Tab
from drops import Serving
from replies import reply_to, sent


def back(tab: Tab, codename: str) -> None:
    """Come back with the codename."""
    tab.open("/return")
    tab.fill("Your eight words", codename)
    tab.click("Go on")


class TestASourceWhoComesBack:
    def test_reads_a_reply_as_it_was_written_and_deletes_it(
        self, browser: Browser, serving: Serving
    ) -> None:
        codename = sent(serving, message="Can you hear me?")
        reply_to(serving, codename, "<script>alert(1)</script>\n  Which door?")
        reply_to(serving, codename, "\u0623\u064a \u0628\u0627\u0628\u061f", day="2026-11-19")
        tab = browser.fresh(serving.address)
        back(tab, codename)

        first, second = tab.texts("blockquote")
        assert first == "<script>alert(1)</script>\n  Which door?"
        assert tab.ask("css => getComputedStyle(document.querySelector(css)).direction",
                       "article + article blockquote") == "rtl"  # fmt: skip

        tab.click("Delete this reply for good")

        assert tab.texts("blockquote") == [second]
        tab.reload()
        assert tab.texts("blockquote") == [second]

    def test_closes_the_mailbox_and_no_way_leads_back_into_it(
        self, browser: Browser, serving: Serving
    ) -> None:
        codename = sent(serving, message="Can you hear me?")
        reply_to(serving, codename, "Yes.")
        tab = browser.fresh(serving.address, PHONE)
        back(tab, codename)
        tab.click("Close it for good: first see what goes")
        assert tab.texts("h2") == ["What goes, for good", "What stays"]

        tab.click("Close it for good, and end this visit")

        assert "Your mailbox is closed" in tab.text()
        tab.reload()
        assert "Your mailbox is closed" in tab.text()
        tab.back()
        assert "Yes." not in tab.text()
        tab.open("/mailbox")
        assert tab.texts("h1") == ["Come back"]
        back(tab, codename)
        assert "There is nothing here." in tab.text()
