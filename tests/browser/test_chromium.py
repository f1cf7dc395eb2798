"""The form in a real browser with scripts off, as Tor Browser's "Safest" would have it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from drops import Serving
from playwright.sync_api import Page, sync_playwright


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        quiet = ["--disable-background-networking", "--disable-component-update", "--no-first-run"]
        # Chromium's own sandbox does not run as root.
        quiet += ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=quiet)
        context = browser.new_context(java_script_enabled=False, locale="en-GB")
        yield context.new_page()
        browser.close()


class TestASourceWithoutScripts:
    def test_goes_from_the_first_page_to_we_have_it(
        self, page: Page, serving: Serving, wav: Path
    ) -> None:
        page.goto(serving.address)
        page.get_by_role("link", name="Begin").click()
        codename = page.locator("#codename").inner_text()
        page.get_by_role("link", name="I have them").click()
        page.get_by_label("A message, if you like").fill("Please listen to the end.")
        page.get_by_label("Recordings").set_input_files([wav])
        page.get_by_role("button", name="Send").click()

        assert page.get_by_role("heading", name="What became of it").is_visible()
        assert page.get_by_text("We have it.").count() == 2
        assert len(serving.drop.envelopes()) == 2
        page.get_by_role("link", name="Show my eight words").click()
        assert page.locator("#codename").inner_text() == codename

    def test_every_choice_has_a_checked_default(self, page: Page, serving: Serving) -> None:
        page.goto(serving.address + "codename")
        page.goto(serving.address + "send")

        assert page.get_by_label("Refuse it").is_checked()
        assert page.locator("input[type=file]").count() == 1
        assert page.locator("input[type=file]").get_attribute("multiple") is not None

    def test_an_empty_form_is_answered_with_words(self, page: Page, serving: Serving) -> None:
        page.goto(serving.address + "codename")
        page.goto(serving.address + "send")
        page.get_by_role("button", name="Send").click()

        assert page.get_by_text("There was nothing in the form").is_visible()

    def test_comes_back_with_the_codename(self, page: Page, serving: Serving, wav: Path) -> None:
        page.goto(serving.address + "codename")
        codename = page.locator("#codename").inner_text()
        page.goto(serving.address + "send")
        page.get_by_label("Recordings").set_input_files([wav])
        page.get_by_role("button", name="Send").click()
        page.context.clear_cookies()

        page.goto(serving.address + "return")
        page.get_by_label("Your eight words").fill(codename)
        page.get_by_role("button", name="Go on").click()

        assert page.get_by_role("heading", name="Your mailbox").is_visible()
        assert page.get_by_text("Recording. We have it.").is_visible()

    def test_asks_no_other_host_for_anything(self, page: Page, serving: Serving) -> None:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))

        for path in ("", "codename", "send", "return"):
            page.goto(serving.address + path)

        assert asked
        assert all(url.startswith(serving.address) for url in asked)
