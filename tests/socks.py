"""A SOCKS5 server as small as can be, where tor's would be: it notes what it is asked for."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO
from urllib.parse import urlsplit

_BLOCK = 65_536
_BY_NAME, _CONNECT = 3, 1
_REFUSED = 5


class Socks:
    """It leads every name to one drop, or refuses each; on loopback, until `close`."""

    def __init__(self, address: str, *, refuses: bool = False) -> None:
        to = urlsplit(address)
        self._to = (to.hostname or "", to.port or 80)
        self._refuses = refuses
        self.asked: list[tuple[str, str]] = []
        """The user name and what was to be reached, for every connection."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb", buffering=0) as said:
            version, count = said.read(2)
            assert 2 in said.read(count)  # user name and password: RFC 1929
            connection.sendall(bytes([version, 2]))
            user = _text(said, before=1)
            _text(said)
            connection.sendall(b"\x01\x00")
            _, command, _, kind = said.read(4)
            assert (command, kind) == (_CONNECT, _BY_NAME), "not asked by name"
            name = _text(said)
            port = int.from_bytes(said.read(2), "big")
            self.asked.append((user, f"{name}:{port}"))
            answer = _REFUSED if self._refuses else 0
            connection.sendall(bytes([version, answer, 0, 1]) + bytes(6))
            if not self._refuses:
                with socket.create_connection(self._to) as drop:
                    back = threading.Thread(target=_copy, args=(drop, connection), daemon=True)
                    back.start()
                    _copy(connection, drop)
                    back.join()


@contextmanager
def socks(address: str, *, refuses: bool = False) -> Iterator[Socks]:
    """Run one that leads to the drop at this address."""
    running = Socks(address, refuses=refuses)
    try:
        yield running
    finally:
        running.close()


def _text(said: BinaryIO, *, before: int = 0) -> str:
    said.read(before)
    return said.read(said.read(1)[0]).decode()


def _copy(source: socket.socket, to: socket.socket) -> None:
    with suppress(OSError):  # one of the two was closed
        while block := source.recv(_BLOCK):
            to.sendall(block)
    with suppress(OSError):
        to.shutdown(socket.SHUT_WR)
