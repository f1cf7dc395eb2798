"""The desk as pages, as browsers show it: nobody is kept out, and no script is needed."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest
from browsers.accessibility import violations
from browsers.tab import Browser, Looks, Tab
from desk import Desk, exported, paired
from drops import BIN, Newsroom, Serving, write_wav

PAGES: Final = ("/", "/drops", "/drops/1", "/drops/2", "/sources", "/sources/1", "/cases",
                "/cases/1", "/people/1", "/search?q=count", "/drops/99")  # fmt: skip
DARK_PHONE: Final = Looks(width=360, height=740, phone=True, dark=True)
OpenDesk = Callable[[Browser, Looks], Tab]


@contextmanager
def address_of(desk: Desk) -> Iterator[str]:
    """Run the desk's pages; give the address that lets one browser in."""
    command = [str(BIN / "tapedrop-intake"), "--desk", str(desk.folder), "desk", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            said = ""
            while "}" not in said:
                line = running.stdout.readline()
                assert line, "the desk's pages ended before they began"
                said += line
            yield json.loads(said)["url"]
            running.send_signal(signal.SIGINT)
            assert running.wait(30) == 0
        finally:
            running.kill()


@pytest.fixture
def worked_at(serving: Serving, newsroom: Newsroom, tmp_path: Path) -> Desk:
    """A desk with a recording, a message and something of everything that is added."""
    desk = paired(serving.drop, tmp_path / "desk", newsroom)
    browser = serving.visit()
    browser.get("/codename")
    form = browser.get("/send")
    recording = write_wav(tmp_path / "a.wav", secret=b"Maria")
    browser.post(form.form, form.fields | {"message": "It is the count."}, [recording])
    desk.run("import", exported(serving.drop, tmp_path / "stick"))
    for words in (
        ("open", "--all"),
        ("note", "add", "1", "the count", "--at", "0:01", "--quote"),
        ("note", "set", "1", "--tag", "yard", "--summary", "They are counted"),
        ("case", "add", "The count"),
        ("case", "put", "case-0001", "1"),
        ("person", "add", "Guard A"),
        ("person", "in", "1", "person-0001", "--role", "guard"),
    ):
        done = desk.run(*words)
        assert done.returncode == 0, done.stderr
    return desk


@pytest.fixture
def open_desk(worked_at: Desk) -> Iterator[OpenDesk]:
    """Let a browser in to the desk's pages."""
    with ExitStack() as open_ones:

        def open_one(browser: Browser, looks: Looks) -> Tab:
            address = open_ones.enter_context(address_of(worked_at))
            home, _, way_in = address.partition("/enter/")
            tab = browser.fresh(home, looks)
            tab.open(f"/enter/{way_in}")
            return tab

        yield open_one


class TestThePages:
    def test_keep_nobody_out(self, chromium: Browser, open_desk: OpenDesk) -> None:
        found = []
        for looks in (Looks(), DARK_PHONE):
            tab = open_desk(chromium, looks)
            for path in PAGES:
                tab.open(path)
                found += [f"{path}: {line}" for line in violations(tab)]

        assert found == []

    def test_are_never_wider_than_the_window(self, browser: Browser, open_desk: OpenDesk) -> None:
        tab = open_desk(browser, DARK_PHONE)
        for path in PAGES:
            tab.open(path)
            wide = "() => document.documentElement.scrollWidth - innerWidth"
            assert tab.ask(wide) <= 0, path

    def test_take_a_note_without_any_script(self, browser: Browser, open_desk: OpenDesk) -> None:
        tab = open_desk(browser, Looks())
        tab.open("/drops/1")
        tab.fill("A note, or what is said", "a door is closed")
        tab.click("Add")

        assert "a door is closed" in str(tab.ask("() => document.body.innerText"))
        assert "enter" not in str(tab.ask("() => location.href"))
