"""A language is asked for, or chosen by a link; the address carries it, and nothing keeps it."""

from pathlib import Path
from unicodedata import normalize

from browsers.source import codename_on
from browsers.tab import Browser, Looks
from drops import Serving
from mnemonic import Mnemonic

PERSIAN = Looks(languages=("fa", "en"))


class TestALanguage:
    def test_that_the_browser_asks_for_is_spoken_from_right_to_left(
        self, browser: Browser, shared: Serving
    ) -> None:
        tab = browser.fresh(shared.address, PERSIAN)
        tab.open()

        assert tab.attributes("html", "lang") == ["fa"]
        assert tab.attributes("html", "dir") == ["rtl"]

    def test_that_was_chosen_goes_along_to_the_mailbox_and_is_forgotten_after(
        self, browser: Browser, shared: Serving, wav: Path
    ) -> None:
        tab = browser.fresh(shared.address, PERSIAN)
        tab.open()
        tab.click("Español")
        seen = [tab.attributes("html", "lang")]
        tab.click(*tab.texts("main a.button"))
        words = codename_on(tab)
        seen.append(tab.attributes("html", "lang"))
        tab.click(*tab.texts("main a.button"))
        seen.append(tab.attributes("html", "lang"))
        tab.choose_files(tab.texts("label[for=recordings]")[0], wav)
        tab.click(*tab.texts("main form button"), wait=False)

        result = tab.frame("result")
        tab.wait_until(lambda: result.attributes("li", "data-became") == ["cleaned"])
        seen += [tab.frame(name).attributes("html", "lang") for name in ("progress", "result")]
        (mailbox,) = result.texts("a[href='/es/mailbox']")
        result.click(mailbox)
        tab.wait_until(lambda: tab.address.endswith("/es/mailbox"))
        seen.append(tab.attributes("html", "lang"))
        assert seen == [["es"]] * 6
        spanish = {normalize("NFC", word) for word in Mnemonic("spanish").wordlist}
        assert set(words.split()) <= spanish
        assert len(tab.cookies.split("; ")) == 1

        tab.open()
        assert tab.attributes("html", "lang") == ["fa"]

    def test_gives_words_that_open_the_same_mailbox_in_another(
        self, browser: Browser, shared: Serving, wav: Path
    ) -> None:
        tab = browser.fresh(shared.address, PERSIAN)
        tab.open("/es/codename")
        words = codename_on(tab)
        tab.open("/es/send")
        tab.choose_files(tab.texts("label[for=recordings]")[0], wav)
        tab.click(*tab.texts("main form button"), wait=False)
        result = tab.frame("result")
        tab.wait_until(lambda: result.attributes("li", "data-became") == ["cleaned"])

        tab = browser.fresh(shared.address)
        tab.open("/return")
        tab.fill("Your eight words", words)
        tab.click("Go on")

        assert "File 1. We have it." in tab.text()
