"""The page for the newsroom's website, as browsers show it: in every language, small and large."""

from collections.abc import Iterator
from typing import Final

import pytest
from browsers.accessibility import violations
from browsers.outside import Outside
from browsers.tab import Browser, Looks
from browsers.website import website

from server.i18n import languages
from server.staff.landing.folder import write
from server.staff.landing.pages import Landing, pages_of

HOST: Final = "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrstuvwx.onion"
LANDING: Final = Landing("The Example Post", HOST, ("0123456789" * 4,), b"", values_kept=True)
DARK_LARGE_PHONE: Final = Looks(width=320, height=640, phone=True, dark=True, text_percent=200)
COPIED: Final = """() => {
    getSelection().selectAllChildren(document.querySelector(".onion"));
    return getSelection().toString();
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A newsroom's website with the page on it."""
    folder = tmp_path_factory.mktemp("website")
    write(folder / "recording", pages_of(LANDING, first="en"))
    with website(folder) as address:
        yield address


class TestThePage:
    @pytest.mark.parametrize("looks", [Looks(), DARK_LARGE_PHONE], ids=["desk", "phone"])
    def test_keeps_nobody_out(self, chromium: Browser, site: str, looks: Looks) -> None:
        tab = chromium.fresh(site, looks)
        found = []
        for tag in languages():
            tab.open(f"/recording/{tag}.html")
            found += [f"{tag}: {line}" for line in violations(tab)]

        assert found == []

    def test_is_never_wider_than_the_window(self, browser: Browser, site: str) -> None:
        tab = browser.fresh(site, DARK_LARGE_PHONE)
        for tag in languages():
            tab.open(f"/recording/{tag}.html")
            wide = "() => document.documentElement.scrollWidth - innerWidth"
            assert tab.ask(wide) <= 0, tag

    def test_has_its_style_and_asks_for_nothing_of_others(
        self, browser: Browser, site: str, outside: Outside
    ) -> None:
        tab = browser.fresh(site)
        tab.open("/recording/")

        assert tab.ask("() => getComputedStyle(document.body).maxWidth") != "none"
        assert outside.asked == []

    def test_gives_its_address_whole_when_it_is_copied(self, browser: Browser, site: str) -> None:
        tab = browser.fresh(site)
        tab.open("/recording/fa.html")

        assert tab.ask(COPIED) == HOST

    def test_leads_to_every_other_language(self, browser: Browser, site: str) -> None:
        tab = browser.fresh(site)
        tab.open("/recording/")
        tab.click("Українська")
        tab.wait_until(lambda: tab.address.endswith("/recording/uk.html"))
        tab.click("العربية")

        tab.wait_until(lambda: tab.attributes("html", "dir") == ["rtl"])
