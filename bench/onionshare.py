"""Hold one upload beside OnionShare's receive mode, in one run on this machine, over loopback.

    ours     a recording through the form, until it is cleaned, sealed to three keys and synced
    theirs   the same bytes into `onionshare-cli --receive --local-only`, which keeps them as they
             are, in the clear

Seconds are curl's, from the first byte to the answer; each is the median of interleaved rounds.
OnionShare has an environment of its own, `.venv/onionshare`; without it this is left out.
`bench/results/onionshare.json` has the same figures.
"""

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent))
from ingest import RESULTS, Drop, Newsroom, peak_mb
from recordings import make_wav

PROGRAM: Final = Path(sys.executable).parent.parent / "onionshare/bin/onionshare-cli"
_ADDRESS: Final = re.compile(r"http://127\.0\.0\.1:\d+")
_LINES: Final = 60
_BLOCK: Final = 4096


class Theirs:
    """OnionShare, receiving into a folder."""

    def __init__(self, folder: Path) -> None:
        self.received = folder / "received"
        self.received.mkdir()
        words = ["--receive", "--local-only", "--public", "--data-dir", str(self.received)]
        self.process = subprocess.Popen(
            [str(PROGRAM), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"HOME": str(folder), "PATH": _path_with_tor(folder)},
        )
        assert self.process.stdout is not None
        said = (self.process.stdout.readline() for _ in range(_LINES))
        found = next((match for line in said if (match := _ADDRESS.search(line))), None)
        if found is None:
            self.stop()
            raise SystemExit("OnionShare said no address")
        self._address = found[0] + "/upload"
        # It tells of every block that arrives, and would wait for whoever doesn't listen.
        threading.Thread(target=self._listen, daemon=True).start()

    def send(self, recording: Path) -> float:
        """Send it; return the seconds."""
        words = ["-F", f"file[]=@{recording}", "--output", "/dev/null", self._address]
        started = time.perf_counter()
        subprocess.run(["curl", "--silent", "--fail", "-H", "Expect:", *words], check=True)
        took = time.perf_counter() - started
        kept = [path for path in self.received.rglob("*") if path.is_file()]
        if [path.stat().st_size for path in kept] != [recording.stat().st_size]:
            raise SystemExit("OnionShare did not receive the recording")
        kept[0].unlink()
        return took

    def _listen(self) -> None:
        assert self.process.stdout is not None
        while self.process.stdout.read(_BLOCK):
            pass

    def stop(self) -> float:
        """End it; return the most memory it had, MB."""
        peak = peak_mb(self.process.pid)
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return peak


def _path_with_tor(folder: Path) -> str:
    """Return PATH; it won't start without a program named tor, which it doesn't run here."""
    if shutil.which("tor") is None:
        (folder / "bin").mkdir()
        (folder / "bin/tor").symlink_to("/bin/false")
        return f"{folder}/bin:{os.environ['PATH']}"
    return os.environ["PATH"]


@contextmanager
def both(folder: Path) -> Iterator[tuple[Drop, Theirs]]:
    """Run both, idle until something is sent."""
    newsroom = Newsroom(folder)
    drop = Drop(folder / "drop", newsroom)
    try:
        theirs = Theirs(folder)
        try:
            yield drop, theirs
        finally:
            if theirs.process.returncode is None:
                theirs.stop()
    finally:
        if drop.process.returncode is None:
            drop.stop()
        subprocess.run(["gpgconf", "--homedir", newsroom.home, "--kill", "all"], check=False)


def main() -> None:
    """Measure both in turn, print, write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=500)
    options = parser.parse_args()
    if not PROGRAM.exists():
        print("OnionShare is not installed, so nothing is held beside it.")
        return
    RESULTS.mkdir(exist_ok=True)
    print(__doc__)
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    with tempfile.TemporaryDirectory(dir=RESULTS) as work:
        folder = Path(work).resolve()
        recording = folder / "a.wav"
        make_wav(recording, options.megabytes * 1_000_000)
        with both(folder) as (drop, theirs):
            for _ in range(options.rounds):
                seconds["theirs"].append(theirs.send(recording))
                drop.send(recording)
                seconds["ours"].append(drop.took)
            peaks = {"theirs": theirs.stop()}
            drop.stop()
            peaks["ours"] = drop.peak_mb
        size = recording.stat().st_size / 1e6
    print(f"{'':8}{'median s':>10}{'MB/s':>8}{'peak MB':>9}")
    for who, took in seconds.items():
        middle = statistics.median(took)
        print(f"{who:8}{middle:10.2f}{size / middle:8.0f}{peaks[who]:9.0f}")
    rate = statistics.median(seconds["theirs"]) / statistics.median(seconds["ours"])
    print(f"ours is {rate:.2f} x their rate, cleaning and encrypting; target: 0.8 or more")
    figures = {"seconds": seconds, "peak_mb": peaks, "rate": round(rate, 3)}
    (RESULTS / "onionshare.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
