"""Ask a drop as no browser would, and see every header as it came."""

import http.client
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from drops import Serving


@dataclass(frozen=True)
class Answer:
    """One answer; `headers` in the order they came in."""

    status: int
    headers: list[tuple[str, str]]
    body: str

    def header(self, name: str) -> str:
        """Return what stands behind a name, nothing if it isn't there."""
        return dict(self.headers).get(name, "")


def connected(serving: Serving) -> socket.socket:
    """Return a plain connection to the drop."""
    address = urlsplit(serving.address)
    return socket.create_connection((address.hostname, address.port), timeout=30)


def answered(connection: socket.socket, *, method: str = "GET") -> Answer:
    """Return the answer that comes on a connection."""
    answer = http.client.HTTPResponse(connection, method=method)
    answer.begin()
    return Answer(answer.status, answer.getheaders(), answer.read().decode())


def request(
    method: str,
    path: str,
    *,
    cookie: str = "",
    headers: str = "",
    body: bytes = b"",
    length: int | None = None,
) -> bytes:
    """Return a request; `headers` are lines that end in CRLF, `length` what it claims to send."""
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}"
    head += f"Cookie: {cookie}\r\n" if cookie else ""
    if body or length is not None or method == "POST":
        head += f"Content-Length: {len(body) if length is None else length}\r\n"
    return head.encode() + b"\r\n" + body


def ask(serving: Serving, method: str, path: str, **more: object) -> Answer:
    """Make one request on a connection of its own; `more` is as `request` takes it."""
    with connected(serving) as connection:
        connection.sendall(request(method, path, **more))  # type: ignore[arg-type]
        return answered(connection, method=method)


FORM = "Content-Type: multipart/form-data; boundary=edge\r\n"


def part(name: str, content: bytes, *, file_name: str = "") -> bytes:
    """Return one part of the form."""
    head = f'--edge\r\nContent-Disposition: form-data; name="{name}"'
    head += f'; filename="{file_name}"' if file_name else ""
    return head.encode() + b"\r\n\r\n" + content + b"\r\n"


END = b"--edge--\r\n"
