"""What a person does with a page, by what is written on it: two browsers can do it.

Scripts that stand in a page never run. What a test asks of a page comes from outside and changes
nothing in it. Everything that is looked for is waited for, half a minute at most.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urljoin

T = TypeVar("T")

PATIENCE_SECONDS: Final = 30
_PAUSE_SECONDS: Final = 0.02
_TO_CLICK: Final = "*[self::a or self::button or self::summary]"
_FIELD: Final = "*[self::input or self::textarea or self::select]"

# Where the focus is, down into frames: the element's role and its name, as read aloud.
_FOCUSED: Final = """() => {
    let at = document.activeElement;
    while (at?.contentDocument?.activeElement?.parentElement?.parentElement)
        at = at.contentDocument.activeElement;
    if (!at || at === document.body) return ["", ""];
    const label = at.labels?.length ? at.labels[0].innerText : "";
    const name = at.getAttribute("aria-label") || label || at.innerText || at.title || "";
    return [at.type || at.localName, name.replace(/\\s+/g, " ").trim()];
}"""


@dataclass(frozen=True, slots=True)
class Looks:
    """How a browser is set up; sizes are CSS pixels."""

    languages: tuple[str, ...] = ("en-GB", "en")
    width: int = 1000
    height: int = 800
    phone: bool = False  # touch, no hover
    dark: bool = False
    text_percent: int = 100
    styles: bool = True
    scripts: bool = False


PHONE: Final = Looks(width=320, height=640, phone=True)


@dataclass(frozen=True, slots=True)
class Focus:
    """The element that has the keyboard: `role` is an input's type or the element's name."""

    role: str
    name: str


class View(ABC):
    """A page, or one frame of it."""

    @abstractmethod
    def ask(self, function: str, *given: object) -> Any:
        """Return what this JavaScript function answers about the page."""

    @abstractmethod
    def click(self, words: str, *, wait: bool = True) -> None:
        """Click the link or button that says `words`; wait for the page it leads to, or don't."""

    @abstractmethod
    def fill(self, label: str, text: str) -> None:
        """Replace what a field holds."""

    @abstractmethod
    def choose(self, label: str) -> None:
        """Click a radio button or a box."""

    @abstractmethod
    def choose_files(self, label: str, *files: Path) -> None:
        """Put files into a field."""

    def text(self) -> str:
        """Return what can be read."""
        return str(self.ask('() => document.body?.innerText ?? ""'))

    def texts(self, selector: str) -> list[str]:
        """Return what can be read in each element that a CSS selector finds."""
        function = "css => [...document.querySelectorAll(css)].map(e => e.innerText.trim())"
        return [str(text) for text in self.ask(function, selector)]

    def attributes(self, selector: str, name: str) -> list[str]:
        """Return an attribute of each element that has it, of those a CSS selector finds."""
        function = """(css, name) => [...document.querySelectorAll(css)]
            .filter(e => e.hasAttribute(name)).map(e => e.getAttribute(name))"""
        return [str(value) for value in self.ask(function, selector, name)]

    def chosen(self, label: str) -> bool:
        """Say whether a radio button or a box is set."""
        function = """path => document.evaluate(path, document, null,
            XPathResult.FIRST_ORDERED_NODE_TYPE).singleNodeValue.checked"""
        return bool(self.ask(function, field(label)))

    def wait_for(self, words: str) -> None:
        """Wait until `words` can be read."""
        self.wait_until(lambda: words in self.text(), f"{words!r} to be read")

    def wait_until(self, seen: Callable[[], object], what: str = "it") -> None:
        """Wait until `seen` says that what is waited for can be seen."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not seen():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited in vain for {what}; {self._all_that_is_shown()}")
            time.sleep(_PAUSE_SECONDS)

    def _all_that_is_shown(self) -> str:
        function = """() => [...document.querySelectorAll("iframe")].map(
            frame => `${frame.name}: ${frame.contentDocument?.body?.innerText ?? "nothing"}`)"""
        return "\n\n".join(["the page says:", self.text(), *map(str, self.ask(function))])


class Tab(View):
    """One tab. Paths are taken from `home`, the address of the drop."""

    home: str

    @property
    @abstractmethod
    def address(self) -> str:
        """The address of the page."""

    @abstractmethod
    def go(self, address: str) -> None:
        """Go to an address and wait for the page."""

    @abstractmethod
    def back(self) -> None:
        """Go back one page."""

    @abstractmethod
    def reload(self) -> None:
        """Load the page again."""

    @abstractmethod
    def press(self, key: str) -> None:
        """Press a key by its name (Tab, Enter, Space, ArrowDown), perhaps with `Shift+`."""

    @abstractmethod
    def type(self, text: str) -> None:
        """Type into whatever has the focus."""

    @abstractmethod
    def frame(self, name: str) -> View:
        """Return the view of one frame, whatever page it shows by then."""

    @property
    @abstractmethod
    def cookies(self) -> str:
        """The cookies of this address, as its requests carry them; no page can read them."""

    @abstractmethod
    def screenshot(self) -> bytes:
        """Return the whole page as PNG; of one that is being left, at least what is in view."""

    def open(self, path: str = "/") -> None:
        """Open a page of the drop."""
        self.go(urljoin(self.home, path))

    def focus(self) -> Focus:
        """Return what has the focus, in a frame as well."""
        return Focus(*self.ask(_FOCUSED))

    def remove_frames(self) -> None:
        """Take every frame out of the page, as if the browser knew none."""
        self.ask("() => document.querySelectorAll('iframe').forEach(e => e.remove())")


class Browser(Protocol):
    """A browser that runs; one set of cookies at a time."""

    name: str

    def fresh(self, home: str, looks: Looks = Looks()) -> Tab:
        """Forget everything, as "New Identity" does; return the only tab."""

    def another(self) -> Tab:
        """Open one more tab, with the same cookies."""

    def tabs(self) -> list[Tab]:
        """Return all tabs, the oldest first; a form may have opened one."""

    def close(self) -> None:
        """End it."""


def patiently(attempt: Callable[[], T], *passing: type[Exception]) -> T:
    """Try until it succeeds: a page may be on its way out while it is asked."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return attempt()
        except passing:
            if time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_SECONDS)


def to_click(words: str) -> str:
    """Return the XPath of what says exactly these words, or where nothing does, contains them."""
    exact = f"//{_TO_CLICK}[normalize-space()={_quoted(words)}]"
    within = f"//{_TO_CLICK}[contains(normalize-space(), {_quoted(words)})]"
    return f"{exact} | {within}[not({exact})]"


def field(label: str) -> str:
    """Return the XPath of the field that a label is for, or holds."""
    said = f"//label[contains(normalize-space(), {_quoted(label)})]"
    return f"//{_FIELD}[@id={said}/@for] | {said}//{_FIELD}"


def _quoted(words: str) -> str:
    """Return an XPath string; XPath 1.0 has no escapes."""
    if '"' not in words:
        return f'"{words}"'
    return "concat(" + ", '\"', ".join(f'"{part}"' for part in words.split('"')) + ")"
