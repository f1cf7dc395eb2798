"""A crowd of liars beside honest sources: each lie ends, and costs nobody else anything.

What a liar does and in what order follows from a seed. Each lie is told to its end: the liar then
waits until the drop has ended the connection. Limits are set low, and are what is measured.
"""

import contextlib
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from socket import socket

from drops import Drop, Serving
from form import Browser
from wire import FORM, connected, part, request

from faults.afterwards import Disk, Kept
from faults.conftest import Note
from faults.crowd import Source, Told, crowd

SOURCES, LIARS, LIES = 3, 24, 400
STEP_SECONDS = 4
LONGEST_LIE_SECONDS = 90
"""The limits below, one behind the other, and between them the wait for a turn at deriving keys."""

IMPATIENT = f"""
[connections]
head_seconds = {STEP_SECONDS}
small_form_seconds = {STEP_SECONDS}
answer_seconds = {STEP_SECONDS}
refused_seconds = {STEP_SECONDS}
idle_seconds = {STEP_SECONDS}
[admission]
slow_after_seconds = {STEP_SECONDS}
[limits]
max_recordings = 3
"""
GET = request("GET", "/")
LONG = b"a" * 300_000
UNTOLD = 10**8


def lie_of(serving: Serving, random: Random) -> tuple[str, list[bytes]]:
    """Return what a liar does, and sends on one connection; nothing comes after the last."""
    browser = serving.visit()
    form, token = browser.get("/send").form, browser.get("/return").form
    cookie = browser.cookie

    def begun(body: bytes, length: int = UNTOLD) -> bytes:
        return request("POST", form, cookie=cookie, headers=FORM, length=length) + body

    chunked = request("POST", form, cookie=cookie, headers=FORM).replace(
        b"Content-Length: 0", b"Transfer-Encoding: chunked"
    )
    byte_by_byte = [bytes([byte]) for byte in GET[:30]]
    lies: dict[str, list[bytes]] = {
        "silence": [],
        "half a head": [GET[:-2]],
        "a head, byte by byte": byte_by_byte,
        "an endless head": [b"GET / HTTP/1.1\r\n", *[b"X: y\r\n" * 10_000] * 9],
        "an endless line": [b"GET /", *[LONG] * 9],
        "half a small form": [request("POST", token, cookie=cookie, length=99) + b"codename="],
        "half a form": [begun(part("recordings", LONG, file_name="a.wav")[:-9])],
        "a form to nobody": [request("POST", "/send/x", headers=FORM, length=UNTOLD), *[LONG] * 20],
        "ten thousand parts": [begun(part("recordings", b"x", file_name="a") * 10_000)],
        "endless part headers": [begun(b"--edge\r\n"), *[b"X: y\r\n" * 10_000] * 9],
        "lines before the form": [begun(b""), *[b"\r\n" * 100_000] * 9],
        "a form that is shorter": [begun(part("message", b"x") + GET * 99, length=200)],
        "chunks of a byte": [chunked, *[b"1\r\nx\r\n" * 10_000] * 9],
        "many requests": [GET * 1000],
        "noise": [random.randbytes(5000)],
    }
    return random.choice(list(lies.items()))


def lie(serving: Serving, random: Random) -> tuple[float, str]:
    """Tell one lie; return how long the drop let it last, in seconds, and which it was."""
    name, pieces = lie_of(serving, random)
    started = time.monotonic()
    with connected(serving) as connection:
        connection.settimeout(LONGEST_LIE_SECONDS)
        with contextlib.suppress(ConnectionResetError, BrokenPipeError, TimeoutError):
            for piece in pieces:
                connection.sendall(piece)
            _listen(connection)
    return time.monotonic() - started, name


def _listen(connection: socket) -> None:
    while connection.recv(65536):
        pass


def lying(
    serving: Serving, lasted: list[tuple[float, str]], over: threading.Event
) -> Callable[[int], None]:
    def run(number: int) -> None:
        random = Random(number)
        while len(lasted) < LIES and not over.is_set():
            lasted.append(lie(serving, random))

    return run


def test_neither_harms_honest_sources_nor_lasts_nor_is_told_of(
    drop: Drop, tmp_path: Path, note: Note
) -> None:
    drop.configure(IMPATIENT)
    told, disk = Told(), Disk.of(drop, tmp_path)
    sources = [Source(Random(n), tmp_path / f"{n}", told) for n in range(SOURCES)]
    lasted: list[tuple[float, str]] = []

    with drop.running(environment=disk.environment) as serving:
        Browser(serving.address).get("/")
        before = status(serving)
        with crowd(sources, serving) as over:
            run = lying(serving, lasted, over)
            liars = [threading.Thread(target=run, args=(number,)) for number in range(LIARS)]
            for liar in liars:
                liar.start()
            for liar in liars:
                liar.join()
        serving.wait_for(lambda: descriptors(serving) <= before["descriptors"] + 20)
        after = status(serving)
        log = serving.stop()

    longest, which = max(lasted)
    assert len(lasted) >= LIES, "a lie never ended"
    assert longest < LONGEST_LIE_SECONDS, which
    assert told.answers > SOURCES
    assert set(told.became) <= {"cleaned", "written"}
    assert re.findall(r"event='(\w+)'", log) == ["started", "stopped"]
    assert after["peak"] - before["peak"] < 96 << 20
    assert disk.left_over() == []
    kept = Kept(drop)
    assert told.kept <= {content for content, _ in kept.opened(tmp_path)}
    note(
        lies=len(lasted),
        longest_seconds=f"{longest:.1f} ({which})",
        honest_answers=told.answers,
        acknowledged_and_found=len(told.kept),
        peak_megabytes_more=(after["peak"] - before["peak"]) >> 20,
        descriptors_more=after["descriptors"] - before["descriptors"],
    )


def status(serving: Serving) -> dict[str, int]:
    """Return what the drop itself has held at most, in bytes, and what is open."""
    told = Path(f"/proc/{serving.process.pid}/status").read_text()
    peak = int(re.findall(r"VmHWM:\s+(\d+) kB", told)[0]) * 1024
    return {"peak": peak, "descriptors": descriptors(serving)}


def descriptors(serving: Serving) -> int:
    return len(list(Path(f"/proc/{serving.process.pid}/fd").iterdir()))
