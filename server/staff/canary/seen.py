"""What a source would see in one of our pages, as far as the canary needs it."""

from html.parser import HTMLParser
from typing import Final

from server.errors import NoPage

_LONGEST: Final = 200


class Page(HTMLParser):
    """What the canary looks for in a page. All of it is untrusted: another may answer."""

    def __init__(self, html: str = "") -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[str] = []
        """Where each form is sent."""
        self.frames: list[str] = []
        self.styles: list[str] = []
        self.images: list[str] = []
        self.became: list[str] = []
        """Of a result: what became of each thing, in one word."""
        self.events: list[str] = []
        """Of a mailbox: what it says of each thing that was sent."""
        self.said = ""
        """Of a page that refuses: why."""
        self._inside = ""
        self.feed(html)
        self.close()
        self.said, self.events = _plain(self.said), [_plain(event) for event in self.events]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag of the page says."""
        given = {name: value or "" for name, value in attrs}
        places = {
            "a": (self.links, "href"),
            "form": (self.forms, "action"),
            "iframe": (self.frames, "src"),
            "img": (self.images, "src"),
            "link": (self.styles, "href"),
        }
        if tag in places:
            found, name = places[tag]
            found.append(given.get(name, ""))
        elif tag == "li" and "data-became" in given:
            self.became.append(given["data-became"])
        elif tag == "li" and self._inside == "events":
            self.events.append("")
        elif tag == "ul":
            self._inside = given.get("class", "")
        elif tag == "strong":
            self._inside, self.said = tag, ""

    def handle_endtag(self, tag: str) -> None:
        """Note where a list, or a word in bold, ends."""
        if tag in {"ul", "strong"}:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        """Keep the words of a list of events, and those in bold."""
        if self._inside == "events" and self.events:
            self.events[-1] += data
        elif self._inside == "strong":
            self.said += data

    def form(self, begins: str) -> str:
        """Return where the form is sent whose address begins so. Raises NoPage."""
        for place in self.forms:
            if place.startswith(begins):
                return place
        raise NoPage(begins, "a page without the form that belongs there")


def _plain(untrusted: str) -> str:
    words = " ".join(untrusted.split())
    return "".join(letter for letter in words if letter.isprintable())[:_LONGEST]
