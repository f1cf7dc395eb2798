"""Two warnings that need no script: scripts are on, and this is not the onion address."""

from urllib.parse import urlsplit

from browsers.outside import ONION
from browsers.tab import Browser, Looks
from drops import Serving

SCRIPTS_ON = "Scripts are on in your browser."
NOT_THE_ONION = "You did not reach us through Tor's onion address."


def onion_of(serving: Serving) -> str:
    """Return the drop's address as it would be on Tor."""
    return f"http://{ONION}:{urlsplit(serving.address).port}/"


class TestScripts:
    def test_that_are_off_are_not_warned_of(self, browser: Browser, shared: Serving) -> None:
        tab = browser.fresh(shared.address)
        tab.open()

        assert SCRIPTS_ON not in tab.text()

    def test_that_are_on_are_warned_of_on_every_page(
        self, browser: Browser, shared: Serving
    ) -> None:
        tab = browser.fresh(shared.address, Looks(scripts=True))
        for path in ("/", "/codename", "/send", "/return"):
            tab.open(path)

            assert SCRIPTS_ON in tab.text()


class TestTheAddress:
    def test_of_the_onion_service_brings_no_warning(
        self, browser: Browser, shared: Serving
    ) -> None:
        tab = browser.fresh(onion_of(shared))
        tab.open()

        assert tab.texts("h1") == ["Send us a recording"]
        assert NOT_THE_ONION not in tab.text()

    def test_of_anything_else_brings_one_that_says_what_to_do(
        self, browser: Browser, shared: Serving
    ) -> None:
        tab = browser.fresh(shared.address)
        tab.open()

        assert NOT_THE_ONION in tab.text()
        assert "open our onion address in Tor Browser" in " ".join(tab.text().split())
