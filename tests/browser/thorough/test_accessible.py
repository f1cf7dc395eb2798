"""Every page can be read and used: by eye, ear and keyboard, small, large, dark and unstyled."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browsers.accessibility import violations
from browsers.tab import PHONE, Browser, Looks, Tab
from drops import Drop, Newsroom, Serving, write_wav
from replies import reply_to

from server.i18n import languages

LARGE = Looks(width=1000, text_percent=200)
LARGE_PHONE = Looks(width=320, height=640, phone=True, text_percent=200)
DARK_LARGE_PHONE = replace(LARGE_PHONE, dark=True)
UNSTYLED = Looks(styles=False)

# Loading itself anew is what the frame is for; a link in it stops that (docs/decisions/0004).
MEANT = "meta-refresh"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, newsroom: Newsroom) -> Iterator[Serving]:
    """One drop for all that looks at pages here."""
    drop = Drop(tmp_path_factory.mktemp("looks") / "drop", newsroom)
    with drop.running() as serving:
        yield serving


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One file that can be cleaned, and one that can't."""
    folder = tmp_path_factory.mktemp("files")
    note = folder / "note.txt"
    note.write_text("not a recording")
    return [write_wav(folder / "a.wav"), note]


def walk(
    browser: Browser, serving: Serving, files: list[Path], looks: Looks, tag: str = "en"
) -> Iterator[tuple[str, Tab]]:
    """Go through every page as a source would; yield each with its name."""
    say = languages()[tag].gettext
    tab = browser.fresh(serving.address, looks)
    for path in ("", "/codename", "/send", "/keys"):
        tab.open(f"/{tag}{path}")
        yield path or "/", tab
    tab.open(f"/{tag}/codename")
    reply_to(serving, " ".join(tab.texts("#codename li")), "Thank you.\nWhich door was it?")
    tab.open(f"/{tag}/send")
    tab.choose_files(say("Recordings, one or several"), *files)
    tab.click(say("Send"), wait=False)
    result, progress = tab.frame("result"), tab.frame("progress")
    result.wait_until(lambda: len(result.texts(".outcomes > li")) == len(files))
    progress.wait_until(lambda: len(progress.texts("li")) == len(files))
    yield "/send, sent", tab
    tab.open(tab.attributes("iframe.result", "src")[0])
    yield "/result", tab
    for path in ("/mailbox", "/mailbox/close", "/no-such-page"):
        tab.open(f"/{tag}{path}")
        yield path, tab
    tab.open(f"/{tag}/return")
    tab.fill(say("Your eight words"), "zoo zebra")
    tab.click(say("Go on"))
    yield "/return", tab
    tab.click(say("End this visit"))
    yield "/leave", tab


class TestAxe:
    @pytest.mark.parametrize(
        ("tag", "looks"),
        [("en", Looks()), ("ar", DARK_LARGE_PHONE)],
        ids=["left_to_right", "right_to_left_dark_and_large_on_a_phone"],
    )
    def test_finds_nothing_on_any_page(
        self, chromium: Browser, shared: Serving, files: list[Path], looks: Looks, tag: str
    ) -> None:
        found = []
        for name, tab in walk(chromium, shared, files, looks, tag):
            found += [f"{name}: {line}" for line in violations(tab) if MEANT not in line]

        assert found == []


class TestEveryPage:
    @pytest.mark.parametrize(
        ("tag", "looks"),
        [("fa", PHONE), ("ru", LARGE), ("de", LARGE_PHONE), ("ar", LARGE_PHONE)],
        ids=["phone", "large", "large_on_a_phone", "large_on_a_phone_right_to_left"],
    )
    def test_is_never_wider_than_the_window(
        self, browser: Browser, shared: Serving, files: list[Path], looks: Looks, tag: str
    ) -> None:
        wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"

        for name, tab in walk(browser, shared, files, looks, tag):
            assert tab.ask(wide) <= 0, name
            if "sent" in name:
                assert tab.frame("progress").ask(wide) <= 0, name
                assert tab.frame("result").ask(wide) <= 0, name

    def test_says_the_same_in_the_same_order_without_styles(
        self, browser: Browser, shared: Serving, files: list[Path]
    ) -> None:
        styled = [words(tab) for _, tab in walk(browser, shared, files, Looks())]
        plain = [words(tab) for _, tab in walk(browser, shared, files, UNSTYLED)]

        for with_styles, without in zip(styled, plain, strict=True):
            assert with_styles == without


def words(tab: Tab) -> list[str]:
    """Return headings, labels, links and buttons as they can be read, in their order."""
    seen = tab.texts("h1, h2, h3, legend, label, main a, button, .warning")
    return [" ".join(text.split()) for text in seen if text and not text.isdigit()]
