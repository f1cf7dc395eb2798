"""Measure opening beside `gpg -d` to nothing and `sha256sum` of the same envelope.

`first` opens with the reporter's key, `again` with the session key that was kept, once its working
copy is gone. Each envelope is read twice: it is verified, and then opened into a container.
"""

import json
import shutil
import statistics
import struct
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from crypto.envelope import seal
from crypto.gpg import Gpg
from crypto.manifest import Condition, Manifest, Source
from crypto.newsroom import read_newsroom

BLOCK = bytes(range(256)) * 4096
HEADER = 44

Run = Callable[[Sequence[str | Path]], tuple[float, float]]


class Desk(Protocol):
    """As much of a desk as is needed."""

    folder: Path
    home: Path

    def command(self, *words: str | Path) -> list[str | Path]:
        """Return the words that tell this desk something."""


def envelope(desk: Desk, path: Path, size: int) -> Path:
    """Seal a recording of `size` bytes as a server does; return the file."""
    return sealed(desk, path, wav(size), size)


def sealed(desk: Desk, path: Path, recording: Iterable[bytes], size: int) -> Path:
    """Seal this recording as a server does; return the file."""
    now = datetime.now(UTC)
    gpg = Gpg(desk.home)
    manifest = Manifest(
        name="recording.wav", size=size, condition=Condition.CLEANED, format="WAV", day="",
        source=Source("ozone fiber", "00" * 16, "00" * 1216), newsroom_digest="", recipients=0,
        removed={}, remains={}, values=(),
    )  # fmt: skip
    with path.open("wb") as out:
        seal(
            recording, manifest, newsroom=read_newsroom(gpg, now=now), gpg=gpg, day=now.date(),
            sink=lambda block: _written(out, block), limit_seconds=3600,
        )  # fmt: skip
    return path


def _written(out: BinaryIO, block: bytes) -> None:
    out.write(block)


def wav(size: int) -> Iterator[bytes]:
    """Yield a recording of `size` bytes, 48 kHz in one channel."""
    sound = size - HEADER
    form = struct.pack("<IHHIIHH", 16, 1, 1, 48_000, 96_000, 2, 16)
    yield b"RIFF" + struct.pack("<I", size - 8) + b"WAVEfmt " + form
    yield b"data" + struct.pack("<I", sound)
    for start in range(0, sound, len(BLOCK)):
        yield BLOCK[: sound - start]


def measure(
    desk: Desk, rounds: int, *, run: Run, out_of_memory: Callable[[Path], None]
) -> dict[str, float]:
    """Open one drop a round; return the figures. The drops lie in evidence/, and are stored."""
    seconds: dict[str, list[float]] = {"gpg": [], "sha256sum": [], "first": [], "again": []}
    peaks, evidence = [], desk.folder / "evidence"
    listed = subprocess.run(desk.command("list", "--json"), check=True, capture_output=True)
    drops = {row["id"]: evidence / f"{row['sha256']}.gpg" for row in json.loads(listed.stdout)}
    decrypt: list[str | Path] = [
        "gpg",
        "--homedir",
        desk.home,
        "--batch",
        "--quiet",
        "-o",
        "/dev/null",
        "--yes",
    ]
    for drop, path in list(drops.items())[:rounds]:
        commands: dict[str, list[str | Path]] = {
            "gpg": [*decrypt, "-d", path],
            "sha256sum": ["sha256sum", path],
            "first": desk.command("open", drop),
            "again": desk.command("open", drop),
        }
        for name, command in commands.items():
            if name == "again":
                shutil.rmtree(desk.folder / "working")
                (desk.folder / "working").mkdir(mode=0o700)
            out_of_memory(evidence)
            took, peak = run(command)
            seconds[name].append(took)
            if name in {"first", "again"}:
                peaks.append(peak)
    pairs = zip(seconds["gpg"], seconds["sha256sum"], seconds["first"], strict=True)
    ratios = [(gpg / ours, (gpg + hashed) / ours) for gpg, hashed, ours in pairs]
    return {f"{name}_s": statistics.median(taken) for name, taken in seconds.items()} | {
        "gpg_ratio": statistics.median(gpg for gpg, _ in ratios),
        "gpg_and_sha256sum_ratio": statistics.median(both for _, both in ratios),
        "peak_mb": max(peaks),
    }
