"""What the journeys rely on: looks that take hold, hands that reach, a gate that holds."""

import struct
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from browsers.accessibility import violations
from browsers.tab import PHONE, Browser, Focus, Looks, Tab
from gate import Gate

STYLE = """
p { color: rgb(0, 0, 1); font-size: 1rem; background: rgb(90, 0, 90) }
@media (prefers-color-scheme: dark) { p { color: rgb(0, 0, 2) } }
@media (pointer: coarse) and (hover: none) { p { color: rgb(0, 0, 3) } }
@media (scripting: enabled) { p { color: rgb(255, 0, 0) } }
"""
FORM = """<!doctype html><meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="/style.css">
<script>document.body.textContent = "a script ran"</script>
<p>Languages: {languages}. Visits: {visits}</p><noscript>No scripts here.</noscript>
<form action="/send/token" method="post" enctype="multipart/form-data" target="result">
<label for="files">Recordings</label><input id="files" name="recordings" type="file" multiple>
<label><input type="checkbox" name="sure"> I am sure</label>
<label for="words">Words</label><textarea id="words" name="words"></textarea>
<button>Send</button></form>
<form action="/send/alone" method="post"><input type="hidden" name="a" value="b">
<button>Send alone</button></form>
<iframe name="progress" src="/progress"></iframe><iframe name="result"></iframe>
<a href="/other">To "the other" page</a>"""
PROGRESS = '<meta http-equiv="refresh" content="0"><b data-have="{0}">{0} bytes</b>'
RESULT = '<p>All {} bytes came.</p><a href="/other" target="_top">Go on</a>'


class StandIn(BaseHTTPRequestHandler):
    """Answers like the drop, as far as browsers are concerned."""

    protocol_version = "HTTP/1.1"
    have = 0

    def do_GET(self) -> None:
        visits = int((self.headers["Cookie"] or "visits=0").partition("=")[2]) + 1
        pages = {
            "/": FORM.format(languages=self.headers["Accept-Language"], visits=visits),
            "/style.css": STYLE,
            "/progress": PROGRESS.format(StandIn.have),
            "/other": "<h1>The other page</h1>",
        }
        counted = {"Set-Cookie": f"visits={visits}"} if self.path == "/" else {}
        self.answer(pages.get(self.path, ""), **counted)

    def do_POST(self) -> None:
        StandIn.have = 0
        length = int(self.headers["Content-Length"])
        while StandIn.have < length:
            block = self.rfile.read1(min(4096, length - StandIn.have))
            if not block:
                self.close_connection = True
                return
            StandIn.have += len(block)
        self.answer(RESULT.format(length))

    def answer(self, page: str, **headers: str) -> None:
        self.send_response(200)
        kind = "css" if self.path.endswith("css") else "html; charset=utf-8"
        self.send_header("Content-Type", f"text/{kind}")
        self.send_header("Content-Length", str(len(page)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), StandIn) as server:
        StandIn.have = 0
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def gate(address: str) -> Iterator[Gate]:
    with Gate(address) as gate:
        yield gate


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "recording.wav"
    path.write_bytes(bytes(300_000))
    return path


def colour(tab: Tab) -> str:
    return str(tab.ask("() => getComputedStyle(document.querySelector('p')).color"))


def wait_for_progress(tab: Tab, size: int) -> None:
    """Wait until the progress frame tells just this many bytes."""
    frame = tab.frame("progress")
    tab.wait_until(lambda: frame.attributes("b", "data-have") == [str(size)], f"{size} bytes")


class TestLooks:
    def test_scripts_of_the_page_never_run(self, browser: Browser, address: str) -> None:
        tab = browser.fresh(address)
        tab.open()

        assert "No scripts here." in tab.text()
        assert "a script ran" not in tab.text()
        assert colour(tab) == "rgb(0, 0, 1)"

    def test_languages_are_asked_for_in_order(self, browser: Browser, address: str) -> None:
        tab = browser.fresh(address, Looks(languages=("ar", "es")))
        tab.open()

        assert "Languages: ar,es;q=0.9" in tab.text()

    def test_a_phone_is_narrow_and_has_no_mouse(self, browser: Browser, address: str) -> None:
        tab = browser.fresh(address, PHONE)
        tab.open()

        assert tab.ask("() => [innerWidth, innerHeight]") == [320, 640]
        assert colour(tab) == "rgb(0, 0, 3)"

    def test_dark_is_dark(self, browser: Browser, address: str) -> None:
        tab = browser.fresh(address, Looks(dark=True))
        tab.open()

        assert colour(tab) == "rgb(0, 0, 2)"

    def test_styles_can_be_off(self, browser: Browser, address: str) -> None:
        tab = browser.fresh(address, Looks(styles=False))
        tab.open()

        assert colour(tab) == "rgb(0, 0, 0)"

    def test_text_can_be_twice_as_large(self, browser: Browser, address: str) -> None:
        heights = []
        for percent in (100, 200):
            tab = browser.fresh(address, Looks(width=900, text_percent=percent))
            tab.open("/other")
            tab.open()
            heights.append(
                tab.ask("() => document.querySelector('noscript').getBoundingClientRect().height")
            )

        assert 1.8 < heights[1] / heights[0] < 2.2

    def test_nothing_is_remembered_after_a_fresh_start(
        self, browser: Browser, address: str
    ) -> None:
        browser.fresh(address).open()
        second = browser.another()
        second.open()
        told = second.text()
        third = browser.fresh(address)
        third.open()

        assert "Visits: 2" in told
        assert "Visits: 1" in third.text()
        assert len(browser.tabs()) == 1


class TestHands:
    def test_words_and_labels_lead_to_links_and_fields(
        self, browser: Browser, address: str
    ) -> None:
        tab = browser.fresh(address)
        tab.open()
        tab.fill("Words", "one\ntwo")
        tab.choose("I am sure")

        assert tab.ask("() => document.querySelector('textarea').value") == "one\ntwo"
        assert tab.chosen("I am sure")
        tab.click('To "the other"')
        assert tab.texts("h1") == ["The other page"]
        tab.back()
        assert tab.address == address

    def test_the_keyboard_alone_is_enough(self, browser: Browser, address: str) -> None:
        tab = browser.fresh(address)
        tab.open()
        seen = []
        while tab.focus().role != "textarea":
            tab.press("Tab")
            seen.append(tab.focus())
        tab.type("Hello")
        tab.press("Shift+Tab")
        tab.press("Space")

        assert seen == [
            Focus("file", "Recordings"),
            Focus("checkbox", "I am sure"),
            Focus("textarea", "Words"),
        ]
        assert tab.ask("() => document.querySelector('textarea').value") == "Hello"
        assert tab.chosen("I am sure")
        for _ in range(2):
            tab.press("Tab")
        assert tab.focus() == Focus("submit", "Send")
        tab.press("Enter")
        tab.frame("result").wait_for("bytes came.")

    def test_a_screenshot_has_the_whole_page(self, browser: Browser, address: str) -> None:
        tab = browser.fresh(address, Looks(width=400, height=300))
        tab.open()

        width, height = struct.unpack(">II", tab.screenshot()[16:24])

        assert width == 400
        assert height > 300


class TestTheGate:
    def test_progress_is_seen_at_three_known_points(
        self, browser: Browser, gate: Gate, recording: Path
    ) -> None:
        tab = browser.fresh(gate.address)
        tab.open()
        tab.choose_files("Recordings", recording)
        tab.click("Send")

        for point in (50_000, 150_000, 250_000):
            gate.let_through(point)
            wait_for_progress(tab, point)
            assert gate.passed == point
            assert tab.screenshot().startswith(b"\x89PNG")
        gate.open()

        tab.frame("result").wait_for(f"All {gate.length} bytes came.")
        assert gate.length > 300_000
        tab.frame("result").click("Go on")
        tab.wait_for("The other page")

    def test_an_upload_can_be_broken_off(
        self, browser: Browser, gate: Gate, recording: Path
    ) -> None:
        tab = browser.fresh(gate.address)
        tab.open()
        tab.choose_files("Recordings", recording)
        tab.click("Send")
        gate.let_through(100_000)

        gate.break_off()

        wait_for_progress(tab, 100_000)
        assert "bytes came" not in tab.frame("result").text()

    def test_the_page_that_sends_stays_until_the_answer_comes(
        self, browser: Browser, gate: Gate
    ) -> None:
        tab = browser.fresh(gate.address)
        tab.open()
        tab.fill("Words", "not lost")
        tab.click("Send alone", wait=False)
        picture = tab.screenshot()

        gate.open()

        tab.wait_for("bytes came.")
        assert picture.startswith(b"\x89PNG")

    def test_without_frames_the_answer_comes_in_a_tab_of_its_own(
        self, browser: Browser, gate: Gate, recording: Path
    ) -> None:
        tab = browser.fresh(gate.address)
        tab.open()
        tab.choose_files("Recordings", recording)
        tab.remove_frames()
        tab.click("Send")
        gate.open()

        tab.wait_until(lambda: len(browser.tabs()) == 2)
        browser.tabs()[1].wait_for("bytes came.")


class TestAxe:
    def test_finds_what_keeps_people_out_of_the_page_and_its_frames(
        self, chromium: Browser, address: str
    ) -> None:
        tab = chromium.fresh(address)
        tab.open()
        tab.frame("progress").wait_for("bytes")

        rules = {line.partition(" (")[0] for line in violations(tab)}

        assert {"color-contrast", "html-has-lang", "page-has-heading-one"} <= rules
        assert {"frame progress: html-has-lang"} <= rules
        assert "frame progress: page-has-heading-one" not in rules
