"""Ask the drop for pages as Tor Browser does: without scripts, over one connection kept alive.

Names, order and values of the headers are those of the Firefox ESR that Tor Browser is made of,
with its settings; a test holds them beside a real one. What a page holds is fetched with it: its
style, the frames of the form. How far a form is, while it is being sent, nobody looks.
"""

import http.client
import secrets
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from server.errors import CantReach, NoPage, TurnedAway
from server.staff.canary.seen import Page

Connect = Callable[[], socket.socket]

_USER_AGENT: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:153.0) Gecko/20100101 Firefox/153.0"
)
_HTML: Final = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
_IMAGE: Final = "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
_SMALL_FORM: Final = "application/x-www-form-urlencoded"
_LARGEST_PAGE: Final = 1024 * 1024
_BLOCK: Final = 64 * 1024
_ERRORS: Final = 400
_ELSEWHERE: Final = 303


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is asked for, as the browser says it (W3C, Fetch Metadata; RFC 9218)."""

    dest: str
    accept: str
    priority: str
    navigates: bool = False


_DOCUMENT: Final = _Kind("document", _HTML, "u=0, i", navigates=True)
_FRAME: Final = _Kind("iframe", _HTML, "u=4", navigates=True)
_STYLE: Final = _Kind("style", "text/css,*/*;q=0.1", "u=2")
_PICTURE: Final = _Kind("image", _IMAGE, "u=5, i")


class TorBrowser:
    """One visit: a cookie, and one connection."""

    def __init__(self, host: str, connect: Connect) -> None:
        self._host = host
        self._line = _Line(connect)
        self._cookie = ""

    def arrive(self) -> Page:
        """Open the first page, as whoever typed the address does. Raises CanaryFailed."""
        return self._follow("/", _DOCUMENT, site="none")

    def open(self, path: str) -> Page:
        """Open a page by a link, with what it holds. Raises CanaryFailed."""
        return self._follow(path, _DOCUMENT)

    def submit(self, path: str, fields: dict[str, str]) -> Page:
        """Send a small form; return the page that follows. Raises CanaryFailed."""
        body = [urlencode(fields).encode()]
        return self._sent(path, _DOCUMENT, _SMALL_FORM, body, lambda _passed, _total: None)

    def send(
        self,
        path: str,
        fields: dict[str, str],
        recording: bytes,
        *,
        name: str,
        told: Callable[[int, int], None],
    ) -> Page:
        """Send the form with one recording from its page; return what its frame shows then.

        `told` hears how many bytes of how many have passed. Raises CanaryFailed.
        """
        boundary = boundary_of(secrets.randbits(64), secrets.randbits(64))
        heads = [_head(boundary, each) + value.encode() for each, value in fields.items()]
        heads.append(_head(boundary, "recordings", name))
        body = [b"\r\n".join(heads), recording, f"\r\n--{boundary}--\r\n".encode()]
        form = f"multipart/form-data; boundary={boundary}"
        return self._sent(path, _FRAME, form, body, told)

    def close(self) -> None:
        """End the connection."""
        self._line.close()

    def _sent(
        self,
        path: str,
        kind: _Kind,
        content_type: str,
        body: Sequence[bytes],
        told: Callable[[int, int], None],
    ) -> Page:
        answer = self._ask("POST", path, kind, _Body(content_type, body, told))
        if answer.status == _ELSEWHERE:
            # Our own address without a referrer: Firefox calls that nobody's.
            return self._follow(answer.location, kind, site="none")
        return answer.page(path)

    def _follow(self, path: str, kind: _Kind, *, site: str = "same-origin") -> Page:
        page = self._ask("GET", path, kind, site=site).page(path)
        for style in dict.fromkeys(page.styles):
            self._ask("GET", style, _STYLE)
        for image in dict.fromkeys(page.images):
            self._ask("GET", image, _PICTURE)
        for frame in page.frames:
            self._ask("GET", frame, _FRAME, clicked=False).page(frame)
        return page

    def _ask(
        self,
        method: str,
        path: str,
        kind: _Kind,
        body: "_Body | None" = None,
        *,
        site: str = "same-origin",
        clicked: bool = True,
    ) -> "_Answer":
        if not path.startswith("/"):
            raise NoPage(self._host, "a page that leads elsewhere")
        headers = list(self._headers(kind, body, site, clicked=clicked))
        answer = self._line.answer(method, path, headers, body)
        self._cookie = answer.cookie or self._cookie
        return answer

    def _headers(
        self, kind: _Kind, body: "_Body | None", site: str, *, clicked: bool
    ) -> Iterator[tuple[str, str]]:
        yield "Host", self._host
        yield "User-Agent", _USER_AGENT
        yield "Accept", kind.accept
        yield "Accept-Language", "en-US,en;q=0.9"
        yield "Accept-Encoding", "gzip, deflate"
        if body is not None:
            yield "Content-Type", body.content_type
            yield "Content-Length", str(body.length)
            yield "Origin", "null"
        yield "Sec-GPC", "1"
        yield "Connection", "keep-alive"
        if self._cookie:
            yield "Cookie", self._cookie
        if kind.navigates:
            yield "Upgrade-Insecure-Requests", "1"
        yield "Sec-Fetch-Dest", kind.dest
        yield "Sec-Fetch-Mode", "navigate" if kind.navigates else "no-cors"
        yield "Sec-Fetch-Site", site
        if kind.navigates and clicked:
            yield "Sec-Fetch-User", "?1"
        yield "Priority", kind.priority


@dataclass(frozen=True, slots=True)
class _Body:
    content_type: str
    parts: Sequence[bytes]
    told: Callable[[int, int], None]

    @property
    def length(self) -> int:
        return sum(map(len, self.parts))

    def blocks(self) -> Iterator[bytes]:
        passed = 0
        for part in self.parts:
            for start in range(0, len(part), _BLOCK):
                block = part[start : start + _BLOCK]
                yield block
                passed += len(block)
                self.told(passed, self.length)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    location: str
    cookie: str
    body: bytes = field(repr=False)

    def page(self, path: str) -> Page:
        """Return the page. Raises TurnedAway when it says that it isn't what was asked for."""
        page = Page(self.body.decode("utf-8", "replace"))
        if self.status >= _ERRORS and page.said:
            raise TurnedAway(page.said)
        if self.status != http.client.OK:
            raise NoPage(path, f"status {self.status}")
        return page


class _Line(http.client.HTTPConnection):
    """The connection, made when it is needed; once more when it ended between two pages."""

    def __init__(self, connect: Connect) -> None:
        super().__init__("drop")
        self._connect = connect

    def connect(self) -> None:
        """Make it. Raises CantReach."""
        self.sock = self._connect()

    def answer(
        self, method: str, path: str, headers: list[tuple[str, str]], body: _Body | None
    ) -> _Answer:
        """Return what is answered. Raises CantReach, NoPage."""
        again = self.sock is not None and body is None
        try:
            return self._answer(method, path, headers, body)
        except ConnectionError as error:
            self.close()
            if not again:
                raise CantReach(f"the connection broke ({_reason(error)})") from None
        except OSError as error:
            self.close()
            raise CantReach(_reason(error)) from None
        except http.client.HTTPException:
            self.close()
            raise NoPage(path, "something that isn't HTTP") from None
        return self.answer(method, path, headers, body)

    def _answer(
        self, method: str, path: str, headers: list[tuple[str, str]], body: _Body | None
    ) -> _Answer:
        self.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            self.putheader(name, value)
        self.endheaders()
        try:
            for block in body.blocks() if body is not None else ():
                self.send(block)
        except ConnectionError:
            pass  # it may have been refused, and why is what is read next
        with self.getresponse() as response:
            content = response.read(_LARGEST_PAGE + 1)
            if len(content) > _LARGEST_PAGE:
                self.close()
                raise NoPage(path, "more than a page")
            return _Answer(
                status=response.status,
                location=response.getheader("Location", ""),
                cookie=response.getheader("Set-Cookie", "").partition(";")[0],
                body=content,
            )


def boundary_of(first: int, second: int) -> str:
    """Return what parts a form, as Firefox makes it of two 64-bit numbers: hex without padding."""
    return f"----geckoformboundary{first:x}{second:x}"


def _head(boundary: str, name: str, file_name: str = "") -> bytes:
    """Return what stands before a part, as Firefox writes it (RFC 7578)."""
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
    if file_name:
        head += f'; filename="{file_name}"\r\nContent-Type: audio/wav'
    return f"{head}\r\n\r\n".encode()


def _reason(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__).lower()
