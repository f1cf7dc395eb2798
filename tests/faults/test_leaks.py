"""After ten thousand requests of every kind a drop holds what it held after a few hundred."""

import http.client
import os
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from drops import Drop, Serving, write_wav
from form import Browser
from wire import END, FORM, ask, connected, part, request

from faults.afterwards import family_of
from faults.conftest import Note

WARM = 500
REQUESTS = 10_000
AT_ONCE = 4
MOST_THREADS = 40
"""What the pools may have, which make threads as they are needed; a leak would have hundreds."""
MORE_MEMORY_BYTES = 24 << 20
SETTINGS = "[work]\nmax_sessions = 100"


@dataclass(frozen=True)
class Held:
    """What a drop holds: its own descriptors and threads, all its processes, its memory."""

    descriptors: int
    threads: int
    processes: int
    memory_bytes: int

    @classmethod
    def by(cls, serving: Serving) -> "Held":
        own = Path(f"/proc/{serving.process.pid}")
        status = (own / "status").read_text()
        return cls(
            len(list((own / "fd").iterdir())),
            len(list((own / "task").iterdir())),
            len(family_of(serving.process.pid)),
            int(status.partition("VmRSS:")[2].split()[0]) * 1024,
        )


class Passerby:
    """One browser that asks for everything there is, well or badly; says what it was answered."""

    def __init__(self, serving: Serving, wav: Path) -> None:
        self._serving = serving
        self._wav = wav.read_bytes()
        self._browser = Browser(serving.address)
        self._codename = ""
        self.answers: Counter[str] = Counter()
        pages = [
            "/",
            "/send",
            "/keys",
            "/codename",
            "/return",
            "/style.css",
            "/fa/send",
            "/mailbox",
        ]
        self._pages = cycle(pages)

    @property
    def requests(self) -> int:
        """How many it made."""
        return self.answers.total()

    def go_around(self) -> None:
        """Make one request of every kind."""
        self._come()
        for _ in range(24):
            self._ask("GET", next(self._pages))
        self._ask("GET", "/nothing")
        self._ask("PUT", "/send")
        self._ask("POST", "/return/wrong", body=b"codename=zoo")
        self._ask("POST", "/send/wrong", headers=FORM, length=10**9)
        form = self._form()
        self._ask("POST", form, headers=FORM, length=10**15)
        self._ask("POST", form, headers=FORM, body=part("surprise", b"x") + END)
        self._ask("GET", f"{form}/progress")
        self._ask("GET", f"{form}/result")
        junk = part("recordings", os.urandom(5000), file_name="a.wav")
        self._ask("POST", self._form(), headers=FORM, body=junk + END)
        whole = part("recordings", self._wav, file_name="a.wav")
        message = part("message", b"a message")
        self._ask("POST", self._form(), headers=FORM, body=message + whole + END)
        self._break_off(self._form(), whole[:20_000])
        self._break_off(self._form(), b"")
        self._say(b"GARBAGE\r\n\r\n")
        self._say(b"GET / HTTP/1.1\r\nHo")

    def come_back(self) -> None:
        """Leave, and come back to the mailbox by the codename."""
        self._browser = Browser(self._serving.address)
        self._browser.enter(self._codename)
        self._browser.get("/mailbox")
        self.answers["come back"] += 4

    def _come(self) -> None:
        if not self._codename:
            self._browser.get("/")
            page = self._browser.get("/codename")
            self._codename = page.texts("ol", "codename")[0]
            self.answers["200"] += 2

    def _form(self) -> str:
        self.answers["200"] += 1
        return self._browser.get("/send").form

    def _ask(self, method: str, path: str, **more: object) -> None:
        try:
            answer = ask(self._serving, method, path, cookie=self._browser.cookie, **more)
            self.answers[str(answer.status)] += 1
        except (http.client.HTTPException, ConnectionError):
            self.answers["cut"] += 1

    def _break_off(self, form: str, sent: bytes) -> None:
        head = request("POST", form, cookie=self._browser.cookie, headers=FORM, length=10**6)
        with connected(self._serving) as connection:
            connection.sendall(head + sent)
        self.answers["broken off"] += 1

    def _say(self, said: bytes) -> None:
        with connected(self._serving) as connection:
            connection.sendall(said)
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(1000) == b""
        self.answers["closed"] += 1


def go_around(passersby: list[Passerby], *, requests: int) -> None:
    """Have them all go around at once, until together they made so many requests."""

    def go(passerby: Passerby) -> None:
        while sum(each.requests for each in passersby) < requests:
            passerby.go_around()
        passerby.come_back()

    with ThreadPoolExecutor(len(passersby)) as threads:
        list(threads.map(go, passersby))


def test_nothing_is_held_longer_than_it_is_needed(drop: Drop, tmp_path: Path, note: Note) -> None:
    drop.configure(SETTINGS)
    wav = write_wav(tmp_path / "a.wav")
    with drop.running(before=["setsid"]) as serving:
        passersby = [Passerby(serving, wav) for _ in range(AT_ONCE)]
        go_around(passersby, requests=WARM)
        first = Held.by(serving)
        go_around(passersby, requests=REQUESTS)
        serving.wait_for(lambda: Held.by(serving).descriptors <= first.descriptors)
        last = Held.by(serving)

    answers = sum((passerby.answers for passerby in passersby), Counter[str]())
    note(requests=answers.total(), **answers, at_first=first, in_the_end=last)
    assert last.descriptors <= first.descriptors
    assert last.processes == first.processes
    assert last.threads <= MOST_THREADS
    assert last.memory_bytes - first.memory_bytes < MORE_MEMORY_BYTES
