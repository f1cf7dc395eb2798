"""A SOCKS port that stands in for tor's: it reaches whatever it is asked for."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

_UNREACHABLE: Final = 4


class Socks:
    """Listens on loopback; `asked` are the names it was asked to reach, with who asked."""

    def __init__(self, answer: bytes, *, reachable: bool = True) -> None:
        self.asked: list[tuple[str, int, bytes]] = []
        self._answer = answer
        self._reachable = reachable
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"

    @classmethod
    @contextmanager
    def running(cls, answer: bytes, *, reachable: bool = True) -> Iterator["Socks"]:
        """Have one; `answer` is what comes of each connection, once a request was read."""
        made = cls(answer, reachable=reachable)
        thread = threading.Thread(target=made._serve)
        thread.start()
        try:
            yield made
        finally:
            made._listening.shutdown(socket.SHUT_RDWR)
            made._listening.close()
            thread.join()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                with connection, suppress(OSError):
                    self._one(connection)

    def _one(self, connection: socket.socket) -> None:
        """Do as RFC 1928 and RFC 1929 say."""
        wire = connection.makefile("rb")
        _, methods = wire.read(2)
        wire.read(methods)
        connection.sendall(b"\x05\x02")
        wire.read(1)
        name, _password = (wire.read(wire.read(1)[0]) for _ in range(2))
        connection.sendall(b"\x01\x00")
        wire.read(4)
        host = wire.read(wire.read(1)[0]).decode()
        self.asked.append((host, int.from_bytes(wire.read(2), "big"), name))
        reply = 0 if self._reachable else _UNREACHABLE
        connection.sendall(bytes([5, reply, 0, 1]) + bytes(6))
        if self._reachable:
            while wire.readline().strip():
                pass
            connection.sendall(self._answer)
