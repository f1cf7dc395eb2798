"""As much of Assuan as scdaemon and a pinentry need: lines of text, answered one by one."""

import sys
from collections.abc import Callable, Mapping
from typing import BinaryIO
from urllib.parse import unquote_to_bytes

Answer = str | None
"""What ends a command: None for OK, else an error's code and words."""
Commands = Mapping[str, Callable[[str], Answer]]


class Connection:
    """One that asks, at the other end of a pipe or a socket."""

    def __init__(self, reading: BinaryIO, writing: BinaryIO) -> None:
        self._reading = reading
        self._writing = writing

    def data(self, content: bytes) -> None:
        """Say bytes, escaped as they must be."""
        escaped = (b"%%%02X" % each if each in b"%\r\n" else bytes([each]) for each in content)
        self._writing.write(b"D " + b"".join(escaped) + b"\n")

    def status(self, words: str) -> None:
        self._writing.write(f"S {words}\n".encode())

    def inquire(self, words: str) -> bytes:
        """Ask, and return what they say; nothing where they cancel."""
        self._say(f"INQUIRE {words}")
        said = b""
        for line in self._reading:
            if line.startswith(b"D "):
                said += unquote_to_bytes(line[2:].rstrip(b"\r\n"))
            elif line.startswith(b"CAN"):
                return b""
            elif line.startswith(b"END"):
                break
        return said

    def serve(self, commands: Commands) -> None:
        """Answer commands until BYE; one that isn't known is taken and ignored."""
        self._say("OK at your service")
        for line in self._reading:
            word, _, rest = line.decode().strip().partition(" ")
            error = commands.get(word.upper(), lambda _rest: None)(rest)
            self._say(f"ERR {error}" if error else "OK")
            if word.upper() == "BYE":
                return

    def _say(self, line: str) -> None:
        self._writing.write(line.encode() + b"\n")
        self._writing.flush()


def by_pipe() -> Connection:
    """Return the connection to whoever started this program."""
    return Connection(sys.stdin.buffer, sys.stdout.buffer)
