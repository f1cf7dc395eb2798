"""Measure scrubbing a large recording beside copying it and beside ffmpeg, in one run.

    scrub   tapedrop-scrub to a file, from the start of the program to its end
    cp      a plain copy to another file
    ffmpeg  -map_metadata -1 -c copy -fflags +bitexact, into the same container
    mat2    where it is installed, and takes the kind

Each is the median of alternating rounds, everything warm; `x cp` is what to compare between
machines. `plan` and `prove` are in process, without sandbox; `rss` is the largest memory of any of
the processes. `bench/results/scrub.json` has the same figures, and the least of each.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent))
from ingest import descendants, peak_mb, timed
from recordings import make_wav

from scrub import CutList, View, Zygote
from scrub.formats import plan
from scrub.plan import Draft
from scrub.proof import prove
from scrub.wire import Job, Order

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
NOISE = ["-f", "lavfi", "-i", "anoisesrc=d={}:c=pink:r=44100:a=0.5"]
PICTURE = ["-f", "lavfi", "-i", "testsrc2=s=1280x720:r=30:d={},noise=alls=20:allf=t"]
AAC = ["-ac", "2", "-c:a", "aac", "-b:a", "128k"]
H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-b:v", "8M", "-g", "60", "-pix_fmt", "yuv420p"]


@dataclass(frozen=True)
class Kind:
    """A kind of recording: ffmpeg's options for a clip of some seconds, and the target."""

    name: str
    extension: str
    options: list[str]
    seconds: int
    target: str
    picture: bool = False


KINDS = (
    Kind("wav", "wav", [], 0, "1.5 x cp"),
    Kind("flac", "flac", ["-ac", "2", "-c:a", "flac"], 60, "1.5 x cp"),
    Kind("mp3", "mp3", ["-ac", "2", "-c:a", "libmp3lame", "-b:a", "128k"], 300, "2 s"),
    Kind("m4a", "m4a", AAC, 300, "1.5 x cp"),
    Kind("mp4", "mp4", [*H264, *AAC], 20, "1.5 x cp", picture=True),
    Kind("mkv", "mkv", [*H264, *AAC], 20, "2 s", picture=True),
)
COLUMNS = ("scrub", "cp", "ffmpeg", "mat2", "x cp", "x ffmpeg", "plan", "prove", "rss_mb")


def make(kind: Kind, folder: Path, size: int) -> Path:
    """Make one recording of about `size` bytes: a clip again and again, with a title."""
    path = folder / f"recording.{kind.extension}"
    if not kind.options:
        make_wav(path, size)
        return path
    clip = folder / f"clip.{kind.extension}"
    sources = [word.format(kind.seconds) for word in NOISE + (PICTURE if kind.picture else [])]
    quiet = ["ffmpeg", "-v", "error", "-nostdin", "-y"]
    subprocess.run([*quiet, *sources, *kind.options, str(clip)], check=True)
    repeat = ["-stream_loop", str(size // clip.stat().st_size), "-i", str(clip), "-c", "copy"]
    subprocess.run([*quiet, *repeat, "-metadata", "title=planted", str(path)], check=True)
    clip.unlink()
    return path


def commands(recording: Path, out: Path) -> dict[str, list[str]]:
    """Return what is compared, as command lines."""
    exact = ["-map", "0", "-map_metadata", "-1", "-c", "copy", "-fflags", "+bitexact"]
    found = {
        "scrub": [sys.executable, "-m", "scrub", str(recording), "-o", str(out)],
        "cp": ["cp", str(recording), str(out)],
        "ffmpeg": ["ffmpeg", "-v", "error", "-nostdin", "-i", str(recording), *exact, str(out)],
    }
    if shutil.which("mat2"):
        found["mat2"] = ["mat2", "--unknown-members", "omit", str(recording)]
    return found


def run(command: list[str]) -> None:
    """Run one of them to its end; what the others warn of would hide the table."""
    stderr = None if command[0] == sys.executable else subprocess.DEVNULL
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=stderr, check=True)


def rss_of(command: list[str]) -> float:
    """Return the largest memory of a command and all it starts, in MB, looked at as it runs."""
    most = 0.0
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            pids = [process.pid, *(pid for pid, _ in descendants(process.pid))]
            most = max(most, *map(peak_mb, pids))
            time.sleep(0.005)
    return most


def planned(recording: BinaryIO, size: int) -> dict[str, float]:
    """Return seconds to plan and to prove, in this process, and how many cuts there are."""
    cuts = CutList(tempfile.TemporaryFile(), within=size)  # noqa: SIM115  # gone with the list
    draft = Draft(cuts.extend)
    plan_seconds = timed(lambda: void(plan(recording, draft)))
    prove_seconds = timed(lambda: void(prove(View(cuts, recording))))  # type: ignore[arg-type]
    return {"plan": plan_seconds, "prove": prove_seconds, "cuts": sum(1 for _ in cuts)}


def void(_result: object) -> None:
    """Take a result and do nothing with it."""


def measure(kind: Kind, folder: Path, size: int, rounds: int) -> dict[str, float]:
    """Measure one kind; return its figures."""
    recording = make(kind, folder, size)
    out = folder / f"out.{kind.extension}"
    compared = commands(recording, out)
    taken: dict[str, list[float]] = {name: [] for name in compared}
    for _ in range(rounds):
        for name, command in [*compared.items()]:
            try:
                taken[name].append(timed(partial(run, command)))
            except subprocess.CalledProcessError:
                if name != "mat2":
                    raise
                del compared[name], taken[name]  # it refuses some kinds
            for left in (*folder.glob("out.*"), *folder.glob("*.cleaned.*")):
                left.unlink()
    rss = rss_of(compared["scrub"])
    out.unlink()
    figures = {name: statistics.median(each) for name, each in taken.items()}
    least = {f"{name}_least": min(each) for name, each in taken.items()}
    against = {f"x {name}": figures["scrub"] / figures[name] for name in ("cp", "ffmpeg")}
    actual = recording.stat().st_size
    with recording.open("rb", buffering=0) as opened:
        inside = planned(opened, actual)
    recording.unlink()
    return {"mb": actual / 1e6, **figures, **least, **against, **inside, "rss_mb": rss}


def fork_ms(folder: Path, times: int = 50) -> float:
    """Return the milliseconds until a worker for a recording stands, at the median."""
    small = folder / "small.wav"
    make_wav(small, 10_000)

    def hire(zygote: Zygote, recording: BinaryIO) -> None:
        order = Order(Job.PLAN, zygote.fenced, 10_000, 1 << 27, 20, b"")
        zygote.hire(recording.fileno(), order).close()

    with Zygote.start() as zygote, small.open("rb") as recording:
        taken = [timed(lambda: hire(zygote, recording)) for _ in range(times)]
    small.unlink()
    return statistics.median(taken) * 1000


def main() -> None:
    """Measure each kind, print the table, write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=[kind.name for kind in KINDS])
    options = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    results: dict[str, dict[str, float]] = {}
    print(__doc__)
    print("recording " + "".join(f"{column:>10}" for column in COLUMNS) + "  target")
    with tempfile.TemporaryDirectory(dir=RESULTS) as work:
        folder = Path(work)
        forked = fork_ms(folder)
        for kind in KINDS:
            if options.only in (None, kind.name):
                size = options.megabytes * 1_000_000
                results[kind.name] = measure(kind, folder, size, options.rounds)
                print_row(kind, results[kind.name])
    print(f"a worker stands after {forked:.1f} ms; targets: < 5 ms, rss <= 64 MB, x ffmpeg < 1")
    rounded = {
        name: {key: round(value, 3) for key, value in each.items()}
        for name, each in results.items()
    }
    (RESULTS / "scrub.json").write_text(
        json.dumps({"fork_ms": round(forked, 2), **rounded}, indent=1) + "\n"
    )


def print_row(kind: Kind, figures: dict[str, float]) -> None:
    """Print one recording's figures."""
    cells = "".join(
        f"{figures[column]:10.2f}" if column in figures else f"{'-':>10}" for column in COLUMNS
    )
    print(f"{kind.name:10}{cells}  {kind.target}", flush=True)


if __name__ == "__main__":
    main()
