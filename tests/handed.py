"""A drop that is started as systemd starts it: with a socket, and with the secrets it needs."""

import http.client
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from drops import SERVER, Drop, by_night
from form import Browser

AT_ONCE = """
import asyncio, signal, sys
from server import anew, cli, serve

anew.QUIET_SECONDS, anew.WITHIN_SECONDS = 0, 0.05

async def tell_when_asked(journal, *_arguments, **_more):
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, asked.set)
    while True:
        await asked.wait()
        asked.clear()
        journal.tell_the_day()

serve.tell_daily = tell_when_asked
cli.main()
"""
"""The drop, but that a wish to begin anew is granted at once, and the day is told on SIGUSR1."""


class ByTheSocket(Browser):
    """A browser whose connections come by a unix socket, as tor's do."""

    def connection(self) -> http.client.HTTPConnection:
        """Return a connection that stands already: it waits in the socket while nobody answers."""
        made = http.client.HTTPConnection("localhost", timeout=60)
        made.sock = socket.socket(socket.AF_UNIX)
        made.sock.settimeout(60)
        made.sock.connect(self.address)
        return made


class Systemd:
    """What systemd does for a drop: it holds the socket and the secrets, and starts it anew."""

    def __init__(self, drop: Drop) -> None:
        self.drop = drop
        self.folder = Path(tempfile.mkdtemp(prefix="td-"))  # short, as a socket's path has to be
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(self.folder / "socket"))
        self.socket.listen(64)
        self.credentials = self.folder / "credentials"
        self.credentials.mkdir(mode=0o700)
        shutil.copy(drop.folder / "credentials/salt", self.credentials)
        drop.config.write_text("")

    def close(self) -> None:
        """Take it all away."""
        self.socket.close()
        shutil.rmtree(self.folder)

    def browser(self) -> ByTheSocket:
        """Return a source's browser that has not been here."""
        return ByTheSocket(str(self.folder / "socket"))

    def visit(self) -> ByTheSocket:
        """Begin a visit, as far as the codename."""
        browser = self.browser()
        browser.get("/codename")
        return browser

    def send(self, recording: Path) -> list[str]:
        """Send a recording in a visit of its own; return what became of it."""
        browser = self.visit()
        form = browser.get("/send")
        page = browser.post(form.form, form.fields | {"message": ""}, [recording])
        return [word.partition('"')[0] for word in page.html.split('data-became="')[1:]]

    def command(self, *, at_once: bool = False) -> list[str]:
        """Return the command of the unit; `at_once`: see above."""
        program: Sequence[str | Path] = (
            [sys.executable, "-c", AT_ONCE] if at_once else [str(SERVER)]
        )
        words = ["serve", "--config", self.drop.config, "--credentials", self.credentials]
        return [*map(str, [*program, *words]), "--fd", str(self.socket.fileno())]

    @contextmanager
    def running(self, *, at_once: bool = False) -> Iterator[subprocess.Popen[str]]:
        """Start it; SIGTERM ends it. What it said is read to its end then."""
        by_night(self.drop.config)
        with subprocess.Popen(
            self.command(at_once=at_once),
            pass_fds=[self.socket.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """End it with SIGTERM; return its exit code, its results, and what it logged."""
    process.send_signal(signal.SIGTERM)
    said, logged = process.communicate(timeout=60)
    return process.returncode, said, logged


def words_of(process: subprocess.Popen[str]) -> list[str]:
    """Return the command line that a process has now."""
    return Path(f"/proc/{process.pid}/cmdline").read_bytes().decode().split("\0")[:-1]


def begun_at(process: subprocess.Popen[str]) -> str:
    """Return when a process was made, as the kernel says (proc_pid_stat(5), field 22)."""
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]
