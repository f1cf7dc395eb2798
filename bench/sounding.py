"""Measure `duplicates` beside `ffmpeg`, decoding the same recordings to nothing.

Two recordings of an hour are listened to and compared: one, and the same encoded anew. And, without
a desk, how long one recording takes to be compared with hundreds of hours, made up: words that hold
on as those of speech do.
"""

import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import opening

from intake.fingerprint import HOP, RATE, Fingerprint
from intake.likeness import Likeness

VOICE = (
    "aevalsrc='0.4*sin(2*PI*t*(700+300*sin(7*t)+200*sin(3.3*t+sin(t*1.7))))"
    "*(0.5+0.5*sin(11*t+3*sin(2.1*t+t*t/900)))':s=16000"
)
HELD_ON = 0.7

Run = Callable[[Sequence[str | Path]], tuple[float, float]]


class Desk(opening.Desk, Protocol):
    """As much of a desk as is needed."""


def recordings(folder: Path, seconds: int) -> list[Path]:
    """Make a recording, and the same encoded anew."""
    first, second = folder / "first.mp3", folder / "second.opus"
    make = ["ffmpeg", "-v", "error", "-nostdin", "-y"]
    source = ["-f", "lavfi", "-t", str(seconds), "-i", VOICE]
    subprocess.run([*make, *source, "-b:a", "64k", first], check=True)
    subprocess.run([*make, "-i", first, "-b:a", "24k", second], check=True)
    return [first, second]


def blocks(path: Path) -> Iterator[bytes]:
    """Yield a file."""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            yield block


def measure(desk: Desk, sounds: Sequence[Path], rounds: int, *, run: Run) -> dict[str, float]:
    """Listen to what lies open at the desk, and compare it; return the figures."""
    null = ["-ac", "1", "-ar", str(RATE), "-f", "null", "-"]
    seconds: dict[str, list[float]] = {"ffmpeg": [], "duplicates": []}
    peaks = []
    for number in range(rounds):
        taken = [run(["ffmpeg", "-v", "error", "-nostdin", "-i", each, *null])[0]
                 for each in sounds]  # fmt: skip
        again = desk.folder.with_name(f"again-{number}")
        shutil.copytree(desk.folder, again)  # where nothing was listened to yet
        command = [again if each == desk.folder else each for each in desk.command("duplicates")]
        took, peak = run(command)
        shutil.rmtree(again)
        seconds["ffmpeg"].append(sum(taken))
        seconds["duplicates"].append(took)
        peaks.append(peak)
    pairs = zip(seconds["ffmpeg"], seconds["duplicates"], strict=True)
    return {f"{name}_s": statistics.median(taken) for name, taken in seconds.items()} | {
        "ratio": statistics.median(theirs / ours for theirs, ours in pairs),
        "peak_mb": max(peaks),
    }


def compared(hours: int) -> dict[str, float]:
    """Compare half a minute, and an hour, with so many hours of other things."""
    chance = np.random.default_rng(1)
    others = [made_up(chance, 3600) for _ in range(hours)]
    figures = {}
    for name, length in (("half_minute", 30), ("hour", 3600)):
        started = time.perf_counter()
        likeness = Likeness(made_up(chance, length))
        found = [passage for other in others for passage in likeness.passages(other)]
        figures[f"{name}_s"] = time.perf_counter() - started
        assert not found
    return figures | {"hours": float(hours)}


def made_up(chance: np.random.Generator, seconds: int) -> Fingerprint:
    """Return a fingerprint whose bits hold on from frame to frame."""
    frames = seconds * RATE // HOP
    flips = chance.random((frames, 32)) > HELD_ON
    bits = np.logical_xor.accumulate(flips, axis=0)
    words = np.packbits(bits, axis=1, bitorder="little").view("<u4")[:, 0].astype(np.uint32)
    return Fingerprint(words, chance.random(frames) < 0.8)
