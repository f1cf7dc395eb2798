"""Stand between a browser and a drop, and let an upload through only as far as a test says.

Everything else passes freely. An upload is a request whose line begins with `POST /send`, or
`POST /<language>/send`. What is counted is its body, as it leaves for the drop. It can also lose
requests for one page, and lead to another drop than before, as one that was started anew.
"""

import contextlib
import re
import socket
import threading
import time
from functools import partial
from typing import BinaryIO, Final
from urllib.parse import urlsplit

_UPLOAD: Final = re.compile(rb"POST (/[\w-]+)?/send[/ ]")
_BLOCK: Final = 4096
_HELD_BACK: Final = 64 * 1024
_PATIENCE_SECONDS: Final = 60


class Gate:
    """A relay on loopback; it is shut for uploads until `let_through` or `open`."""

    def __init__(self, address: str) -> None:
        self.lead_to(address)
        self._listener = socket.create_server(("127.0.0.1", 0))
        # Little is held back on the way here, so that what is cut off is.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _HELD_BACK)
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        self._changed = threading.Condition()
        self._allowed = 0.0
        self._seconds_per_byte = 0.0
        self._broken = False
        self._closed = False
        self._connections: set[socket.socket] = set()
        self._uploading: tuple[socket.socket, socket.socket] | None = None
        self._losing = b""
        self.lost = 0
        self.heads: list[bytes] = []
        """Of every request that came, line and headers as they were sent."""
        self.uploads = 0
        self.length = 0
        self.passed = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> "Gate":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def lead_to(self, address: str) -> None:
        """Lead new connections to this drop."""
        to = urlsplit(address)
        self._to = (to.hostname or "", to.port or 80)

    def lose(self, path: str) -> None:
        """Cut the connection of every request whose line has `path` in it; "" loses no more."""
        self._losing = path.encode()

    def let_through(self, size: int) -> None:
        """Let `size` bytes of an upload pass, counted from its start; return when they have."""
        with self._changed:
            self._allowed = size
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: self.passed >= size, _PATIENCE_SECONDS):
                raise AssertionError(f"only {self.passed} bytes came, of {size}")

    def open(self, *, bytes_per_second: int = 0) -> None:
        """Let everything pass, at this rate if one is given."""
        with self._changed:
            self._seconds_per_byte = 1 / bytes_per_second if bytes_per_second else 0.0
            self._allowed = float("inf")
            self._changed.notify_all()

    def shut(self) -> None:
        """Hold the next upload from its first byte."""
        with self._changed:
            self._allowed, self._broken = 0, False

    def break_off(self, *, again: bool = False) -> None:
        """Cut the connection of the upload, on both sides, and of what is sent `again` for it.

        A browser sends a form a second time by itself when a connection breaks that had served
        before (RFC 9110 section 9.2.2 would rather that it didn't).
        """
        with self._changed:
            self._broken = not again
            assert self._uploading is not None, "nothing is being sent"
            for connection in self._uploading:
                _cut(connection)

    def close(self) -> None:
        """End it, and every connection."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            for connection in (self._listener, *self._connections):
                _cut(connection)
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                browser, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(browser,), daemon=True).start()

    def _relay(self, browser: socket.socket) -> None:
        # A drop that is stopped lets nobody in: so does the gate.
        refused = contextlib.suppress(ConnectionRefusedError)
        with browser, refused, socket.create_connection(self._to) as drop:
            with self._changed:
                self._connections |= {browser, drop}
            answers = threading.Thread(target=_copy, args=(drop, browser), daemon=True)
            answers.start()
            try:
                with browser.makefile("rb") as requests:
                    while self._pass_request(requests, browser, drop):
                        pass
            except OSError:
                pass  # a connection that was cut
            _half_close(drop)
            answers.join()
            with self._changed:
                self._connections -= {browser, drop}

    def _pass_request(
        self, requests: BinaryIO, browser: socket.socket, drop: socket.socket
    ) -> bool:
        """Pass one request on, head and body; say whether there was one."""
        head = requests.readline()
        while head and not head.endswith(b"\r\n\r\n"):
            line = requests.readline()
            if not line:
                return False
            head += line
        if head:
            self.heads.append(head)
        if self._losing and self._losing in head.partition(b"\r\n")[0]:
            self.lost += 1
            _cut(browser)
            return False
        found = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
        length = int(found[1]) if found else 0
        if not _UPLOAD.match(head):
            drop.sendall(head + requests.read(length))
            return bool(head)
        with self._changed:
            if self._broken:
                raise ConnectionError("nothing gets through any more")
            self._uploading = (browser, drop)
            self.uploads, self.length, self.passed = self.uploads + 1, length, 0
            number = self.uploads
        drop.sendall(head)
        self._pass_body(requests, drop, length, number)
        return True

    def _pass_body(self, requests: BinaryIO, drop: socket.socket, length: int, number: int) -> None:
        """Pass the body of the upload with this number on; only the latest one is counted."""
        passed = 0
        while passed < length:
            with self._changed:
                self._changed.wait_for(partial(self._lets_past, passed))
                most = int(min(_BLOCK, length - passed, self._allowed - passed))
                seconds_per_byte = self._seconds_per_byte
            block = requests.read(most)
            if self._closed or not block:
                raise ConnectionError("the upload ended early")
            time.sleep(len(block) * seconds_per_byte)
            drop.sendall(block)
            passed += len(block)
            with self._changed:
                if number == self.uploads:
                    self.passed = passed
                    self._changed.notify_all()

    def _lets_past(self, passed: int) -> bool:
        """Say whether an upload of which this much has passed may go on, or has to end."""
        return self._closed or self._allowed > passed


def _copy(source: socket.socket, to: socket.socket) -> None:
    """Copy until there is no more; then nothing more comes from this side."""
    try:
        while block := source.recv(_BLOCK):
            to.sendall(block)
    except OSError:
        pass  # a connection that was cut
    _half_close(to)


def _half_close(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it may be closed already
        connection.shutdown(socket.SHUT_WR)


def _cut(connection: socket.socket) -> None:
    """End a connection at once; whoever waits on it is woken."""
    with contextlib.suppress(OSError):  # it may be closed already
        connection.shutdown(socket.SHUT_RDWR)
