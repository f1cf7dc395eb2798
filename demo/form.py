"""Send recordings through the drop's web form as a browser without scripts would.

Follows the page's own links and form, over HTTP: front page, codename, form, result.
"""

import http.client
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode, urlsplit

_BLOCK = 256 * 1024


class Page(HTMLParser):
    """The parts of a page that a person would use: links, the form, what it says."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.links: list[str] = []
        self.form = ""
        self.fields: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attributes}
        if tag == "a":
            self.links.append(said["href"])
        elif tag == "form":
            self.form = said["action"]
        elif tag == "input" and ("checked" in said or said.get("type") == "hidden"):
            self.fields[said["name"]] = said["value"]

    def texts(self, tag: str, marked: str = "") -> list[str]:
        """Return the text inside each `tag` whose attributes hold `marked`."""
        found = re.findall(rf"<{tag}\b[^>]*{marked}[^>]*>(.*?)</{tag}>", self.html, re.DOTALL)
        return [" ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split()) for text in found]


@dataclass
class Browser:
    """One visit: a cookie and nothing else."""

    address: str
    cookie: str = ""

    def get(self, path: str) -> Page:
        """Open a page."""
        return self._answer("GET", path, b"", {})

    def post(self, path: str, fields: dict[str, str], recordings: list[Path]) -> Page:
        """Send the form with a message and recordings, streamed from disk."""
        boundary = secrets.token_hex(16)
        heads = [_head(boundary, name) + value.encode() + b"\r\n" for name, value in fields.items()]
        files = [(_head(boundary, "recordings", path.name), path) for path in recordings]
        tail = f"--{boundary}--\r\n".encode()
        length = sum(map(len, heads)) + len(tail)
        length += sum(len(head) + path.stat().st_size + 2 for head, path in files)

        def body() -> Iterator[bytes]:
            yield from heads
            for head, path in files:
                yield head
                with path.open("rb") as recording:
                    while block := recording.read(_BLOCK):
                        yield block
                yield b"\r\n"
            yield tail

        content_type = f"multipart/form-data; boundary={boundary}"
        headers = {"Content-Type": content_type, "Content-Length": str(length)}
        return self._answer("POST", path, body(), headers)

    def enter(self, codename: str) -> Page:
        """Type the codename to come back; return what answers."""
        return self.submit(self.get("/return").form, {"codename": codename})

    def submit(self, path: str, fields: dict[str, str]) -> Page:
        """Send a small form; return what answers."""
        form = urlencode(fields).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._answer("POST", path, form, headers)

    def connection(self) -> http.client.HTTPConnection:
        """Return a new connection to the drop, not opened yet."""
        address = urlsplit(self.address)
        return http.client.HTTPConnection(address.hostname or "", address.port)

    def _answer(
        self, method: str, path: str, body: bytes | Iterator[bytes], headers: dict[str, str]
    ) -> Page:
        if self.cookie:
            headers = headers | {"Cookie": self.cookie}
        connection = self.connection()
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            if set_cookie := response.headers["Set-Cookie"]:
                self.cookie = set_cookie.partition(";")[0]
            html = response.read().decode()
            if response.status == http.client.SEE_OTHER:
                return self.get(response.headers["Location"])
            if response.status != http.client.OK:
                raise RuntimeError(f"{method} {path} answered {response.status}: {html}")
            return Page(html)
        finally:
            connection.close()


def _head(boundary: str, name: str, file_name: str = "") -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"'
    if file_name:
        disposition += f'; filename="{file_name}"\r\nContent-Type: application/octet-stream'
    return f"--{boundary}\r\n{disposition}\r\n\r\n".encode()
