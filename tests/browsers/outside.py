"""Stand where the network would be: what a browser asks of any other machine ends here."""

import re
import socket
import threading
from contextlib import suppress
from typing import Final

_MAKER: Final = re.compile(r"[./ ](google|googleapis|gvt1|mozilla|firefox)\.(com|net|org)[:/ ]")
_LONGEST_LINE: Final = 4096
ONION: Final = "tapedropexampleonlyleadsnowhereandtonobodyatall234567234.onion"
"""A name like those of onion services; the browsers take it for loopback."""


class Outside:
    """A proxy on loopback that notes the first line of each request and answers none.

    What a browser asks of its maker, for itself, ends here too and isn't noted.

    A browser that is told to use it for everything but loopback can reach nothing else, and looks
    up no name: that would be the proxy's part.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def forget(self) -> None:
        """Forget what was asked until now, and what still stands in line."""
        with socket.create_connection(("127.0.0.1", self.port)) as last, suppress(OSError):
            last.sendall(b"the last in line\r\n")
            last.recv(1)  # nothing: it is closed
        self.asked.clear()

    def close(self) -> None:
        """End it."""
        # Closing alone does not wake whoever waits in accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(1)
                try:
                    said = connection.recv(_LONGEST_LINE)
                except OSError:
                    said = b""
                line = said.partition(b"\r\n")[0].decode("latin-1")
                if line and not _MAKER.search(line):
                    self.asked.append(line)
