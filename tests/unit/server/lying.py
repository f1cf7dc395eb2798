"""A small web server that says what a test has it say, where a drop should be."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

Said = tuple[int, str]
"""A status, and a page; or where to go, for 303."""

EVENT: Final = "<li><time>today</time>: File 1. We have it.</li>"
PAGES: Final[dict[str, Said]] = {
    "GET /": (200, '<link rel="stylesheet" href="/style.css"><a href="/return">I was here</a>'),
    "GET /style.css": (200, "p { color: black }"),
    "GET /return": (200, '<form action="/leave/x"></form><form action="/return/t"></form>'),
    "POST /return/t": (303, "/mailbox"),
    "GET /send": (200, '<form action="/send/f"></form><iframe src="/send/f/result"></iframe>'),
    "POST /send/f": (303, "/send/f/result"),
    "GET /send/f/result": (200, '<ul><li data-became="cleaned"><h2>File 1</h2></li></ul>'),
    "GET /mailbox/close": (200, '<form action="/mailbox/t/close"></form>'),
    "POST /mailbox/t/close": (303, "/mailbox/closed"),
    "GET /mailbox/closed": (200, "<p>Your mailbox is closed</p>"),
}
"""What a drop says, as far as the canary looks."""


class Drop:
    """What is said in place of a drop; `asked` is every request that came.

    It has a mailbox that fills when a form is sent. `takes_in` is called with what was sent.
    """

    def __init__(self, **said: Said) -> None:
        self.pages = PAGES | said
        self.asked: list[str] = []
        self.mailbox: list[str] = []
        self.takes_in: Callable[[bytes], None] = lambda _body: None
        self.breaks_at = ""

    def answer(self, asked: str, body: bytes) -> Said:
        """Answer one request; raise ConnectionError to break off."""
        self.asked.append(asked)
        if asked == self.breaks_at:
            raise ConnectionError
        if asked == "POST /send/f":
            self.takes_in(body)
            self.mailbox.append(EVENT)
        if asked == "POST /mailbox/t/close":
            self.mailbox.clear()
        if asked == "GET /mailbox" and asked not in self.pages:
            return 200, f'<ul class="events">{"".join(self.mailbox)}</ul>'
        return self.pages.get(asked, (404, ""))


@contextmanager
def served(drop: Drop) -> Iterator[str]:
    """Let it answer on loopback; give its address."""

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                status, said = drop.answer(f"{self.command} {self.path}", body)
            except ConnectionError:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Location", said if status == 303 else "/")
            self.send_header("Set-Cookie", "visit=one; HttpOnly")
            page = b"" if status == 303 else said.encode()
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        do_POST = do_GET  # noqa: N815  as its base asks

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
