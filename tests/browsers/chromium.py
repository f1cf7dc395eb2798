"""Chromium, driven by Playwright over the DevTools protocol."""

import asyncio
import base64
import os
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.async_api import (
    BrowserContext,
    Error,
    Frame,
    Locator,
    Page,
    Route,
    async_playwright,
)

from browsers.outside import ONION, Outside
from browsers.tab import PATIENCE_SECONDS, Looks, T, Tab, View, field, patiently, to_click

_FONT_PIXELS: Final = 16
_LONGEST_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Document:
    """What a page or one of its frames holds; the page's own `frame` is ""."""

    frame: str
    address: str
    html: str


class Chromium:
    """One Chromium. Playwright gets a thread of its own: its loop must not be the tests'."""

    name = "chromium"

    def __init__(self, outside: Outside, *, program: str = "/usr/bin/chromium") -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._playwright = self.now(async_playwright().start())
        arguments = [f"--proxy-server=127.0.0.1:{outside.port}"]
        arguments += [f"--proxy-bypass-list={ONION}"]
        arguments += [f"--host-resolver-rules=MAP {ONION} 127.0.0.1"]
        # Chromium's own sandbox does not run as root.
        arguments += ["--no-sandbox"] if os.geteuid() == 0 else []
        launching = self._playwright.chromium.launch(executable_path=program, args=arguments)
        self._browser = self.now(launching)
        self._home = ""
        self._looks = Looks()
        self._context: BrowserContext | None = None
        self._copy: Page | None = None

    def now(self, coming: Coroutine[Any, Any, T], most_seconds: float = _LONGEST_SECONDS) -> T:
        """Return what Playwright answers. Raises TimeoutError."""
        return asyncio.run_coroutine_threadsafe(coming, self._loop).result(most_seconds)

    def fresh(self, home: str, looks: Looks = Looks()) -> Tab:  # noqa: B008  frozen
        """Forget everything, as "New Identity" does; return the only tab."""
        if self._context is not None:
            self.now(self._context.close())
        if self._copy is not None:
            self.now(self._copy.context.close())
            self._copy = None
        self._home, self._looks = home, looks
        self._context = self.now(self._new_context())
        self._context.set_default_timeout(PATIENCE_SECONDS * 1000)
        if not looks.styles:
            self.now(self._context.route("**/*.css*", lambda route: route.abort()))
        return self.another()

    def another(self) -> "ChromiumTab":
        """Open one more tab, with the same cookies."""
        assert self._context is not None, "fresh() comes first"
        return self._dressed(self.now(self._context.new_page()))

    def tabs(self) -> list[Tab]:
        """Return all tabs, the oldest first; a form may have opened one."""
        assert self._context is not None, "fresh() comes first"
        return [self._dressed(page) for page in self._context.pages]

    def close(self) -> None:
        """End it."""
        self.now(self._browser.close())
        self.now(self._playwright.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def ask_copy(self, document: Document, function: str) -> Any:
        """Return what a function answers about a copy, in a context of its own, without cookies."""
        if self._copy is None:
            context = await self._new_context(scripts=True)
            self._copy = await context.new_page()
        given = False

        async def answer(route: Route) -> None:
            nonlocal given
            if not route.request.is_navigation_request():
                await route.continue_()  # its style and pictures
            elif given:  # its frames are asked by themselves; and it stays, whatever it refreshes
                await route.abort("aborted")
            else:
                given = True
                await route.fulfill(body=document.html, content_type="text/html; charset=utf-8")

        await self._copy.route("**/*", answer)
        try:
            await self._copy.goto(document.address)
            return await self._copy.evaluate(function)
        finally:
            await self._copy.goto("about:blank")  # it would refresh itself otherwise
            await self._copy.unroute("**/*")

    async def _new_context(self, *, scripts: bool = False) -> BrowserContext:
        looks = self._looks
        return await self._browser.new_context(
            java_script_enabled=scripts or looks.scripts,
            extra_http_headers={"Accept-Language": _accepted(looks.languages)},
            viewport={"width": looks.width, "height": looks.height},
            is_mobile=looks.phone,
            has_touch=looks.phone,
            color_scheme="dark" if looks.dark else "light",
        )

    def _dressed(self, page: Page) -> "ChromiumTab":
        tab = ChromiumTab(self, page, self._home)
        size = _FONT_PIXELS * self._looks.text_percent // 100
        # There is no zoom of the text alone; a larger font to begin with is the same to rem and em.
        tab.devtools("Page.setFontSizes", {"fontSizes": {"standard": size, "fixed": size}})
        return tab


class ChromiumView(View):
    """The page of a tab, or a frame in it."""

    def __init__(self, chromium: Chromium, page: Page, frame: str = "") -> None:
        self._now = chromium.now
        self._page = page
        self._frame = frame

    def ask(self, function: str, *given: object) -> Any:
        """Return what this JavaScript function answers about the page."""
        asking = f"given => ({function})(...given)"
        return self._here(lambda frame: self._now(frame.evaluate(asking, list(given))))

    def click(self, words: str, *, wait: bool = True) -> None:
        """Click the link or button that says `words`; wait for the page it leads to, or don't."""
        self._now(self._first(to_click(words)).click(no_wait_after=not wait))
        if wait:
            self._now(self._page.wait_for_load_state())

    def fill(self, label: str, text: str) -> None:
        """Replace what a field holds."""
        self._now(self._first(field(label)).fill(text))

    def choose(self, label: str) -> None:
        """Click a radio button or a box."""
        self._now(self._first(field(label)).click())

    def choose_files(self, label: str, *files: Path) -> None:
        """Put files into a field."""
        self._now(self._first(field(label)).set_input_files(list(files)))

    def _first(self, path: str) -> Locator:
        return self._here(lambda frame: frame.locator(f"xpath={path}").first)

    def _here(self, attempt: Callable[[Frame], T]) -> T:
        """Do it in this view; once more when the page changed meanwhile."""

        def in_place() -> T:
            frame = self._page.frame(name=self._frame) if self._frame else self._page.main_frame
            if frame is None:
                raise Error(f"there is no frame {self._frame}")
            return attempt(frame)

        return patiently(in_place, Error)


class ChromiumTab(ChromiumView, Tab):
    """One tab of Chromium."""

    def __init__(self, chromium: Chromium, page: Page, home: str) -> None:
        super().__init__(chromium, page)
        self.home = home
        self._chromium = chromium
        self._devtools = self._now(page.context.new_cdp_session(page))

    @property
    def address(self) -> str:
        """The address of the page."""
        return self._page.url

    @property
    def cookies(self) -> str:
        """The cookies of this address, as its requests carry them; no page can read them."""
        kept = self._now(self._page.context.cookies(self._page.url))
        return "; ".join(f"{each['name']}={each['value']}" for each in kept)

    def devtools(
        self,
        command: str,
        parameters: dict[str, object],
        *,
        most_seconds: float = _LONGEST_SECONDS,
    ) -> dict[str, Any]:
        """Return the answer to one command of the DevTools protocol. Raises TimeoutError."""
        return self._now(self._devtools.send(command, parameters), most_seconds)

    def documents(self) -> list[Document]:
        """Return the page, and what its frames hold."""
        frames = [frame for frame in self._page.frames if frame.url != "about:blank"]
        return [self._document(frame) for frame in frames]

    def ask_with_scripts(self, document: Document, function: str) -> Any:
        """Return what a function answers about a copy of a document that may run scripts."""
        return self._now(self._chromium.ask_copy(document, function))

    def go(self, address: str) -> None:
        """Go to an address and wait for the page."""
        self._now(self._page.goto(address))

    def back(self) -> None:
        """Go back one page."""
        # Playwright's own waits for another page, even where a step back is one of a frame.
        place = self._place()[0] - 1
        self.ask("() => history.back()")
        self.wait_until(lambda: self._place() == (place, self.address), "the page before")
        self._now(self._page.wait_for_load_state())

    def reload(self) -> None:
        """Load the page again."""
        self._now(self._page.reload())

    def press(self, key: str) -> None:
        """Press a key by its name (Tab, Enter, Space, ArrowDown), perhaps with `Shift+`."""
        self._now(self._page.keyboard.press(key))

    def type(self, text: str) -> None:
        """Type into whatever has the focus."""
        self._now(self._page.keyboard.type(text))

    def frame(self, name: str) -> View:
        """Return the view of one frame, whatever page it shows by then."""
        return ChromiumView(self._chromium, self._page, name)

    def screenshot(self) -> bytes:
        """Return the whole page as PNG; only what is in view while another one is on its way."""
        # Playwright's own screenshot waits for the page that is on its way; so do all questions to
        # the one that is still there, such as its size.
        whole: dict[str, object] = {}
        with suppress(TimeoutError):
            measured = self.devtools("Page.getLayoutMetrics", {}, most_seconds=1)["cssContentSize"]
            whole = {"captureBeyondViewport": True, "clip": measured | {"scale": 1}}
        return base64.b64decode(self.devtools("Page.captureScreenshot", whole)["data"])

    def _place(self) -> tuple[int, str]:
        """Return which page this is in the tab's history, and its address there."""
        history = patiently(lambda: self.devtools("Page.getNavigationHistory", {}), Error)
        place = history["currentIndex"]
        return place, history["entries"][place]["url"]

    def _document(self, frame: Frame) -> Document:
        html = patiently(lambda: self._now(frame.content()), Error)
        return Document(frame.name, frame.url, html)


def _accepted(languages: tuple[str, ...]) -> str:
    """Return the header as browsers write it: each language is wanted less than the one before."""
    wanted = [f"{language};q={1 - place / 10:.1f}" for place, language in enumerate(languages)]
    return ",".join([languages[0], *wanted[1:]])
