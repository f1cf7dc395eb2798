"""Measure the desk's work beside what it can't do without, in one run on this machine.

    import   `cp` of a stick's bag, then `sha256sum` of the copy, beside `tapedrop-intake import`
    open     `gpg -d` to nothing, and `sha256sum`, beside `tapedrop-intake open`, of one envelope
    search   questions to a catalogue of so many recordings, each with five notes and ten lines of
             a transcript; warm, and `first_`, each on a catalogue that was just opened
    list     a list of so many open drops with all that was added to them, and a look at one; the
             milliseconds are of the processor, not the clock's
    duplicates    `ffmpeg` to nothing, of two recordings of an hour, beside `tapedrop-intake
             duplicates`, which listens to both and compares them
    compared    half a minute, and an hour, with hundreds of hours of other sounds, no decoding
    memory   the most that import and open take, children too, at a size and at ten times that;
             list and search in a desk of few drops, and of many

Each figure is the median of interleaved rounds. Ratios, told pair by pair, are what to compare
between machines; seconds are not. `bench/results/deskwork.json` has the same figures. Whatever is
read was put out of memory first, as a stick that was just plugged in is.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

sys.path.insert(0, str(Path(__file__).parent.parent))
import listing
import opening
import remembering
import searching
import sounding

from crypto.bag import Bag, Kind, tag_files
from crypto.comparing import read_object, words_of

PROGRAM = Path(sys.executable).with_name("tapedrop-intake")
RESULTS = Path(__file__).parent / "results"
BLOCK = 1024 * 1024
FEWEST_TIMES_AS_FAST = 0.8

Figures = dict[str, float]


@dataclass(frozen=True)
class Options:
    """What is measured: megabytes in all, in how many drops, how often, from which folder."""

    megabytes: int
    drops: int
    rounds: int
    stick: Path
    recordings: int = 2000
    hours: int = 500


class Desk:
    """A real desk, its reporter's throw-away key, and the server that it is paired with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "desk"
        self.home = folder / "gnupg"
        self.home.mkdir(mode=0o700)
        self.server_key = Ed25519PrivateKey.generate()
        self.gpg("--passphrase", "", "--quick-generate-key", "reporter", "future-default")
        listed = self.gpg("--with-colons", "--list-keys")
        self.fingerprint = listed.split("fpr:", 1)[1].split(":")[8]
        server = folder / "server.json"
        said = {
            "version": 1,
            "kind": "tapedrop server 1",
            "export_key": self.server_key.public_key().public_bytes_raw().hex(),
            "newsroom": [self.fingerprint],
        }
        server.write_text(json.dumps(said))
        words = words_of(read_object(server.read_bytes()))
        key = ["--key", self.fingerprint, "--gnupg", str(self.home), "--words", words]
        run([PROGRAM, "init", self.folder, "--server", server, *key])

    def gpg(self, *words: str) -> str:
        """Run gpg with this reporter's keys; return what it prints."""
        command = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def command(self, *words: str | Path) -> list[str | Path]:
        """Return the words that tell this desk something."""
        return [PROGRAM, "--desk", self.folder, *words]

    def empty(self) -> None:
        """Take away what was imported."""
        for folder in (self.folder / "evidence", self.folder / "bags"):
            shutil.rmtree(folder)
            folder.mkdir(mode=0o700)

    def close(self) -> None:
        """End what gpg left running."""
        subprocess.run(["gpgconf", "--homedir", self.home, "--kill", "all"], check=False)


def bag_of(desk: Desk, stick: Path, envelopes: Sequence[Path]) -> Path:
    """Move envelopes into a signed bag on a stick; return its folder."""
    folder = stick / "TAPEDROP" / os.urandom(16).hex()
    (folder / "data").mkdir(parents=True)
    digests = {}
    for envelope in envelopes:
        name = f"data/{os.urandom(16).hex()}.gpg"
        shutil.move(envelope, folder / name)
        digests[name] = digest_of(folder / name)
    bag = Bag(Kind.DROPS, date(2026, 11, 20), (desk.fingerprint,), digests)
    for name, content in tag_files(bag, desk.server_key).items():
        (folder / name).write_bytes(content)
    return folder


def digest_of(path: Path) -> bytes:
    """Return a file's SHA-256."""
    passed = sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            passed.update(block)
    return passed.digest()


def noise(path: Path, size: int) -> Path:
    """Write a file of random bytes, as envelopes look; return it."""
    with path.open("wb") as file:
        while left := size - file.tell():
            file.write(os.urandom(min(left, BLOCK)))
    return path


def out_of_memory(folder: Path) -> None:
    """Put all files below a folder onto the disk, and out of memory."""
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def run(command: Sequence[str | Path]) -> tuple[float, float]:
    """Run a command; return the seconds it took and its largest memory in MB."""
    started = time.perf_counter()
    # A file, not a pipe: what fills a pipe waits for whoever reads it.
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{command}: {said.read().decode()}")
    return seconds, used.ru_maxrss / 1000


def measure_import(folder: Path, options: Options) -> Figures:
    """Measure an import beside `cp` and `sha256sum` of the same bag."""
    desk, stick, copy = Desk(folder), options.stick, folder / "copy"
    size = options.megabytes * 1_000_000 // options.drops
    envelopes = [noise(folder / f"{number}.gpg", size) for number in range(options.drops)]
    bag = bag_of(desk, stick, envelopes)
    seconds: dict[str, list[float]] = {"cp_sha256sum": [], "with_sync": [], "import": []}
    peaks = []
    try:
        for _ in range(options.rounds):
            out_of_memory(stick)
            copied, _ = run(["cp", "-r", bag, copy])
            synced, _ = run(["sync", "-f", copy])
            # Still in memory, as it is right after cp.
            hashed, _ = run(["sha256sum", *sorted((copy / "data").iterdir())])
            seconds["cp_sha256sum"].append(copied + hashed)
            seconds["with_sync"].append(copied + synced + hashed)
            shutil.rmtree(copy)
            out_of_memory(stick)
            took, peak = run(desk.command("import", bag))
            seconds["import"].append(took)
            peaks.append(peak)
            desk.empty()
    finally:
        desk.close()
        shutil.rmtree(bag)
    pairs = zip(seconds["cp_sha256sum"], seconds["with_sync"], seconds["import"], strict=True)
    ratios = [(plain / ours, synced / ours) for plain, synced, ours in pairs]
    median = {f"{name}_s": statistics.median(taken) for name, taken in seconds.items()}
    return median | {
        "ratio": statistics.median(plain for plain, _ in ratios),
        "ratio_with_sync": statistics.median(synced for _, synced in ratios),
        "mb_per_s": options.megabytes / median["import_s"],
        "peak_mb": max(peaks),
    }


def measure_open(folder: Path, options: Options) -> Figures:
    """Measure opening an envelope of so many megabytes, another in each round."""
    desk, size = Desk(folder), options.megabytes * 1_000_000
    try:
        envelopes = [opening.envelope(desk, folder / f"{number}.gpg", size + number)
                     for number in range(options.rounds)]  # fmt: skip
        run(desk.command("import", bag_of(desk, options.stick, envelopes)))
        shutil.rmtree(options.stick)
        return opening.measure(desk, options.rounds, run=run, out_of_memory=out_of_memory)
    finally:
        desk.close()


def measure_search(folder: Path, options: Options) -> Figures:
    """Measure how long a question takes."""
    return searching.measure(folder, options.recordings)


def measure_list(folder: Path, options: Options) -> Figures:
    """Measure how long it takes to list every drop, and to look at one."""
    return listing.measure(folder, options.recordings)


def measure_duplicates(folder: Path, options: Options) -> Figures:
    """Measure listening to two recordings of an hour."""
    desk = Desk(folder)
    try:
        sounds = sounding.recordings(folder, 3600)
        envelopes = [
            opening.sealed(
                desk, folder / f"{each.name}.gpg", sounding.blocks(each), each.stat().st_size
            )
            for each in sounds
        ]
        run(desk.command("import", bag_of(desk, options.stick, envelopes)))
        run(desk.command("open", "--all"))
        return sounding.measure(desk, sounds, options.rounds, run=run)
    finally:
        desk.close()


def measure_compared(_folder: Path, options: Options) -> Figures:
    """Measure comparing alone."""
    return sounding.compared(options.hours)


def measure_memory(folder: Path, options: Options) -> Figures:
    """Measure what commands take of memory, and whether it grows with what there is."""
    figures: Figures = {}
    for megabytes in (options.megabytes // 50, options.megabytes // 5):
        (at := folder / f"{megabytes}").mkdir()
        desk = Desk(at)
        try:
            envelope = opening.envelope(desk, at / "0.gpg", megabytes * 1_000_000)
            bag = bag_of(desk, at / "stick", [envelope])
            for verb, told in (("import", bag), ("open", "--all")):
                command = desk.command(verb, told)
                figures[f"{verb}_{megabytes}mb_peak_mb"] = remembering.peak_of(command)
        finally:
            desk.close()
        shutil.rmtree(at)
    for drops in (100, options.recordings):
        (at := folder / f"of-{drops}").mkdir()
        desk = Desk(at)
        try:
            remembering.fill(desk.folder, drops)
            for command in (desk.command("list"), desk.command("search", "voice")):
                name = f"{command[3]}_{drops}_drops_peak_mb"
                figures[name] = remembering.peak_of(command)
        finally:
            desk.close()
    return figures


ROWS: dict[str, Callable[[Path, Options], Figures]] = {
    "import": measure_import,
    "open": measure_open,
    "search": measure_search,
    "list": measure_list,
    "duplicates": measure_duplicates,
    "compared": measure_compared,
    "memory": measure_memory,
}
TARGETS = (
    f"import: ratio >= {FEWEST_TIMES_AS_FAST}, peak_mb <= 200; open: peak_mb <= 200; "
    "search of 10,000 recordings: p95_ms < 50; list of them: list_ms < 2000, show_p95_ms < 50; "
    "duplicates: peak_mb <= 200; memory: each <= 200"
)


def main() -> None:
    """Measure each row, print its figures, write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--drops", type=int, default=20)
    parser.add_argument("--recordings", type=int, default=2000, help="to search in")
    parser.add_argument("--stick", type=Path, help="a folder that the bag is written to and read")
    parser.add_argument("--only", nargs="+", choices=list(ROWS), default=list(ROWS))
    given = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    print(__doc__)
    results: dict[str, Figures] = {}
    for name, measure in ROWS.items():
        if name in given.only:
            # Not below the results: a socket's path is at most 108 bytes.
            with tempfile.TemporaryDirectory(prefix="td-", dir="/var/tmp") as work:
                stick = given.stick or Path(work) / "stick"
                options = Options(
                    given.megabytes, given.drops, given.rounds, stick, given.recordings
                )
                figures = measure(Path(work), options)
            results[name] = {what: round(figure, 3) for what, figure in figures.items()}
            print(name, json.dumps(results[name]), flush=True)
    print(f"targets: {TARGETS}")
    (RESULTS / "deskwork.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
