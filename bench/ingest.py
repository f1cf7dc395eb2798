"""Measure a whole ingest beside what it can't do without, in one run on this machine.

    a   curl into an aiohttp handler that discards
    b   gpg alone, to the same keys, into a file with fsync
    s   writing an unnamed file of the same size, and reading it back
    c   curl into the drop, from the first byte to "we have it"

`wav` and `m4a` are a gigabyte by default; `silence` and `noise` a tenth, to be held side by side.
Each is the median of interleaved rounds. The ratio c / (a + b + s) is what to compare between
machines; seconds are not. `bench/results/ingest.json` has the same figures.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "demo"))
sys.path.insert(0, str(Path(__file__).parent))
from form import Browser
from recordings import make_m4a, make_wav

BIN = Path(sys.executable).parent
RESULTS = Path(__file__).parent / "results"
MEBIBYTE = 1024 * 1024
BLOCK = 256 * 1024


class Newsroom:
    """Three throw-away keys, as a newsroom might have."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "keys"
        self.home.mkdir(mode=0o700)
        self.exported = folder / "newsroom.asc"
        for name in "abc":
            self.gpg("--passphrase", "", "--quick-generate-key", f"{name}@news.example", "default")
        self.gpg("--armor", "--output", str(self.exported), "--export")

    def gpg(self, *words: str) -> None:
        """Run gpg with these keys."""
        command = [
            "gpg",
            "--homedir",
            str(self.home),
            "--batch",
            "--quiet",
            "--trust-model",
            "always",
        ]
        subprocess.run([*command, *words], check=True, stderr=subprocess.DEVNULL)

    def fingerprints(self) -> list[str]:
        """Return those of the three primary keys."""
        listing = ["gpg", "--homedir", str(self.home), "--with-colons", "--list-keys"]
        lines = subprocess.run(listing, check=True, capture_output=True, text=True).stdout
        return [block.split("fpr:", 1)[1].split(":")[8] for block in lines.split("pub:")[1:]]

    def encrypt(self, recording: Path, to: Path) -> None:
        """Do (b): gpg alone, then fsync."""
        hidden = [word for name in "abc" for word in ("-R", f"{name}@news.example")]
        plain = ["--trust-model", "always", "--compress-algo", "none"]
        self.gpg(*plain, *hidden, "-o", str(to), "--encrypt", str(recording))
        with to.open("rb") as sealed:
            os.fsync(sealed.fileno())
        to.unlink()


class Drop:
    """A real drop, and what it used while it ran."""

    def __init__(self, folder: Path, newsroom: Newsroom) -> None:
        self.folder = folder
        config = folder / "tapedrop.toml"
        said = [word for each in newsroom.fingerprints() for word in ("--fingerprint", each)]
        adding = ["keys", "add", str(newsroom.exported), *said, "--config", str(config)]
        for words in (["init", str(folder)], adding):
            subprocess.run([BIN / "tapedrop-server", *words], check=True, capture_output=True)
        text = config.read_text().replace("[listen]", '[listen]\ntcp = "127.0.0.1:0"', 1)
        config.write_text(text)
        command = [str(BIN / "tapedrop-server"), "serve", "--config", str(config), "--json"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.process.stdout is not None
        self.address = json.loads(self.process.stdout.readline())["listening"]
        self.idle_mb = peak_mb(self.process.pid)
        self.children: dict[str, float] = {}
        self.peak_mb = 0.0

    def send(self, recording: Path) -> None:
        """Do (c), without the visit that leads to the form."""
        browser = Browser(self.address)
        browser.get("/codename")
        action = self.address.rstrip("/") + browser.get("/send").form
        started = time.perf_counter()
        answer = curl(recording, action, cookie=browser.cookie)
        self.took = time.perf_counter() - started
        if 'data-became="cleaned"' not in answer:
            raise SystemExit(f"the drop did not take {recording.name}: {answer}")
        for sealed in (self.folder / "store/drops").iterdir():
            sealed.unlink()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note the largest memory of each child while something is sent."""
        over = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(over,))
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(0.05):
            for pid, name in descendants(self.process.pid):
                self.children[name] = max(self.children.get(name, 0), peak_mb(pid))

    def stop(self) -> int:
        """End the drop; return how many bytes it and its children wrote to disk."""
        self.peak_mb = peak_mb(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        _, _, used = os.wait4(self.process.pid, 0)
        self.process.returncode = 0
        return used.ru_oublock * 512


def peak_mb(pid: int) -> float:
    """Return the largest memory that a process ever had, in MB; 0 when it is gone."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1000
    except OSError:
        pass
    return 0.0


def descendants(pid: int) -> Iterator[tuple[int, str]]:
    """Yield each process below `pid`, and what it does."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        tasks = [int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()]
        for task in tasks:
            if task != pid:
                children += Path(f"/proc/{pid}/task/{task}/children").read_text().split()
    except OSError:
        return
    for child in map(int, children):
        try:
            words = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        known = {"scrub.worker": "scrub", "server.deriving": "Argon2id", "gpg ": "gpg"}
        yield child, next((name for mark, name in known.items() if mark in words), "other")
        yield from descendants(child)


def curl(recording: Path, address: str, *, cookie: str = "") -> str:
    """Send a recording in a form; return the answer."""
    form = ["-F", "uncleanable=refuse", "-F", f"recordings=@{recording}"]
    command = [
        "curl",
        "--silent",
        "--show-error",
        "--fail",
        "--location",
        "-H",
        "Expect:",
        "--cookie",
        cookie,
    ]
    done = subprocess.run([*command, *form, address], check=True, capture_output=True, text=True)
    return done.stdout


def unnamed_file(recording: Path, folder: Path) -> None:
    """Do (s): the same bytes into a file without a name, and back."""
    descriptor = os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600)
    with os.fdopen(descriptor, "r+b", buffering=0) as spool, recording.open("rb") as source:
        while block := source.read(BLOCK):
            spool.write(block)
        spool.seek(0)
        while spool.read(BLOCK):
            pass


def timed(work: Callable[[], None]) -> float:
    """Return the seconds that `work` took."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure(recording: Path, newsroom: Newsroom, discard: str, rounds: int) -> dict[str, float]:
    """Measure one recording; print its row; return its figures."""
    size = recording.stat().st_size
    folder = Path(tempfile.mkdtemp(dir=recording.parent))
    drop = Drop(folder / "drop", newsroom)
    seconds: dict[str, list[float]] = {"a": [], "b": [], "s": [], "c": []}
    with drop.watched():
        for _ in range(rounds):
            seconds["a"].append(timed(lambda: void(curl(recording, discard))))
            seconds["b"].append(timed(lambda: newsroom.encrypt(recording, folder / "b.gpg")))
            seconds["s"].append(timed(lambda: unnamed_file(recording, folder)))
            drop.send(recording)
            seconds["c"].append(drop.took)
    written = drop.stop() / size / rounds
    median = {step: statistics.median(taken) for step, taken in seconds.items()}
    a, b, s, c = median["a"], median["b"], median["s"], median["c"]
    more = {"c_ab": c / (a + b), "mb_per_s": size / c / 1e6, "idle_mb": drop.idle_mb}
    children = {f"child_{name}_mb": peak for name, peak in sorted(drop.children.items())}
    figures = {
        **median,
        "ratio": c / (a + b + s),
        "peak_mb": drop.peak_mb,
        "written": written,
        **more,
        **children,
    }
    return {name: round(figure, 3) for name, figure in figures.items()}


def void(_answer: object) -> None:
    """Take an answer and do nothing with it."""


def main() -> None:
    """Measure each recording, print the table, write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--only", choices=["wav", "m4a", "silence", "noise"])
    options = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    size = options.megabytes * 1_000_000
    with tempfile.TemporaryDirectory(dir=RESULTS) as work:
        folder = Path(work)
        newsroom = Newsroom(folder)
        command = [sys.executable, str(Path(__file__).with_name("discard.py"))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as discarding:
            assert discarding.stdout is not None
            discard = discarding.stdout.readline().strip()
            makers: dict[str, Callable[[Path], None]] = {
                "wav": lambda path: make_wav(path.with_suffix(".wav"), size),
                "m4a": lambda path: make_m4a(path.with_suffix(".m4a"), size),
                "silence": lambda path: make_wav(
                    path.with_suffix(".wav"), size // 10, silence=True
                ),
                "noise": lambda path: make_wav(path.with_suffix(".wav"), size // 10),
            }
            results = {}
            print(__doc__)
            for kind in [options.only] if options.only else makers:
                makers[kind](folder / kind)
                recording = next(folder.glob(f"{kind}.*"))
                results[kind] = measure(recording, newsroom, discard, options.rounds)
                recording.unlink()
                print(kind, json.dumps(results[kind]), flush=True)
            discarding.terminate()
        subprocess.run(["gpgconf", "--homedir", newsroom.home, "--kill", "all"], check=False)
    print_table(results)
    (RESULTS / "ingest.json").write_text(json.dumps(results, indent=1) + "\n")


def print_table(results: dict[str, dict[str, float]]) -> None:
    """Print the figures, a row a recording, and the targets they are held against."""
    columns = ["a", "b", "s", "c", "ratio", "c_ab", "mb_per_s", "peak_mb", "idle_mb", "written"]
    print("recording " + "".join(f"{column:>10}" for column in columns))
    for kind, figures in results.items():
        print(f"{kind:10}" + "".join(f"{figures[column]:10.2f}" for column in columns))
        children = [name for name in figures if name.startswith("child_")]
        print("          " + ", ".join(f"{name[6:-3]} {figures[name]:.0f} MB" for name in children))
    print("targets: ratio <= 1.3, peak_mb <= 96, written <= 2.2, silence no slower than noise")


if __name__ == "__main__":
    main()
