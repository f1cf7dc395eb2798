"""Ways into a machine's drop: ports of our own loopback, each of which leads to it.

A visit is made outside with what every other test uses; each connection is carried inside by a
process there, as the user that may do so.
"""

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from install.machine import Machine

AS_TOR: Final = "PROXY TCP6 fc00:dead:beef:4dad::0:{circuit:x} ::1 {circuit} 80\r\n"
"""What tor says of a circuit before anything else: HiddenServiceExportCircuitID haproxy."""

_CARRY: Final = """
import os, select, socket
def carry(there):
    while True:
        for ready in select.select([0, there], [], [])[0]:
            held = os.read(0, 65536) if ready == 0 else there.recv(65536)
            if not held:
                return
            if ready == 0:
                there.sendall(held)
            while ready != 0 and held:
                held = held[os.write(1, held):]
"""
_BY_SOCKET: Final = """
import sys
there = socket.socket(socket.AF_UNIX)
there.connect("/run/tapedrop.sock")
there.sendall(sys.argv[1].encode())
carry(there)
"""
_BY_SOCKS: Final = """
import sys
onion, port = sys.argv[1].encode(), int(sys.argv[2])
there = socket.create_connection(("127.0.0.1", port), 120)
there.sendall(b"\\5\\1\\0")
assert there.recv(2) == b"\\5\\0"
there.sendall(b"\\5\\1\\0\\3" + bytes([len(onion)]) + onion + (80).to_bytes(2, "big"))
answer = there.recv(10)
assert answer[1] == 0, answer
there.settimeout(None)
carry(there)
"""


@contextmanager
def by_socket(machine: Machine, *, circuit: int = 107) -> Iterator[str]:
    """Enter as tor does, on one circuit; gives the address to visit."""
    line = AS_TOR.format(circuit=circuit)
    command = machine.command("python3", "-c", _CARRY + _BY_SOCKET, line, user="_tor-tapedrop")
    with _way(command) as address:
        yield address


@contextmanager
def by_tor(machine: Machine, onion: str, socks_port: int) -> Iterator[str]:
    """Enter through a Tor client that runs in the machine's network; gives the address to visit."""
    command = machine.command("python3", "-c", _CARRY + _BY_SOCKS, onion, str(socks_port))
    with _way(command) as address:
        yield address


@contextmanager
def _way(command: list[str]) -> Iterator[str]:
    carriers: list[subprocess.Popen[bytes]] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def let_in() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    both = connection.fileno()
                    carriers.append(subprocess.Popen(command, stdin=both, stdout=both))

        thread = threading.Thread(target=let_in)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            for carrier in carriers:
                carrier.terminate()
                carrier.wait()
