"""Measure the drop under load: many sources at once, while somebody asks for pages.

    slow     200 sources, each at 256 KB/s, as circuits are; all begin together
    fast     20 more at full speed, one recording after another for as long as the slow ones take
    pages    milliseconds that /, /codename and /send take, before and meanwhile

Every source is a visit of its own with a codename of its own, through the pages and the form. The
newsroom has three keys; scrubbing, gpg and Argon2id are the real ones; sources and passer-by are
processes of their own on the same machine, over loopback. In the end every envelope is counted,
and some are opened with gpg. Times to `taken` count until the drop had the last byte, times to
`answered` until it was synced in the store and the source was told. `share` is how even the 20
fast ones fared: Jain's index of their bytes a second (1: all alike; 0.05: one has everything).
Memory is the largest that the drop's process ever had (VmHWM); its children are told beside it.
`bench/results/load.json` has the same figures.
"""

import argparse
import io
import json
import os
import random
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent))
from crowd import ARTIST, NUMBER
from ingest import RESULTS, Drop, Newsroom, descendants, peak_mb

KILOBYTE: Final = 1000
MEGABYTE: Final = 1_000_000
_LOOK_SECONDS: Final = 0.25
_BEFORE_SECONDS: Final = 3
Row = dict[str, Any]


class Watch:
    """What the drop uses while it is looked at: its children's memory, its spool, its descriptors.

    The spool's files have no names; that the server holds them open is all there is to see of
    them, and only its owner or root sees it.
    """

    def __init__(self, drop: Drop) -> None:
        self._pid = drop.process.pid
        self._spool = str((drop.folder / "spool").resolve())
        self.most: dict[str, float] = defaultdict(float)

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look every so often until this ends."""
        over = threading.Event()
        thread = threading.Thread(target=self._until, args=(over,))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _until(self, over: threading.Event) -> None:
        while not over.wait(_LOOK_SECONDS):
            for name, amount in self._look().items():
                self.most[name] = max(self.most[name], amount)

    def _look(self) -> dict[str, float]:
        seen: dict[str, float] = defaultdict(float)
        for pid, name in descendants(self._pid):
            if name == "other":  # about to become another program, in the drop's own memory still
                continue
            seen[f"child_{name}_mb"] = max(seen[f"child_{name}_mb"], memory_mb(pid))
            seen["children_mb"] += memory_mb(pid)
        held: dict[int, int] = {}
        for descriptor in _names(Path(f"/proc/{self._pid}/fd")):
            seen["descriptors"] += 1
            try:
                if str(descriptor.readlink()).startswith(self._spool):
                    file = descriptor.stat()
                    held[file.st_ino] = file.st_blocks * 512
            except OSError:
                continue
        seen["spool_mb"] = sum(held.values()) / MEGABYTE
        seen["threads"] = len(_names(Path(f"/proc/{self._pid}/task")))
        return seen


def _names(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def memory_mb(pid: int) -> float:
    """Return what a process has in memory now, MB; 0 when it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


class Passerby:
    """Somebody who asks for pages, in a process of their own."""

    def __init__(self, address: str) -> None:
        self._process = _started("passerby.py", address)

    def told(self) -> Row:
        """End it; return percentiles of all the pages together, in milliseconds."""
        took: dict[str, list[float]] = json.loads(self._process.communicate("\n")[0])
        every = [milliseconds for page in took.values() for milliseconds in page]
        hundredths = statistics.quantiles(every, n=100, method="inclusive")
        row = {"asked": len(every), "p50_ms": hundredths[49], "p95_ms": hundredths[94]}
        return {**row, "max_ms": max(every)}


def _started(script: str, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(Path(__file__).with_name(script)), *words]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def crowd(drop: Drop, options: argparse.Namespace) -> tuple[list[Row], Row]:
    """Let everybody send; return each sending, and what the pages took meanwhile."""
    rate = options.rate * KILOBYTE
    words = {
        "--slow": options.slow,
        "--slow-bytes": int(rate * options.seconds),
        "--rate": rate,
        "--fast": options.fast,
        "--fast-bytes": options.fast_megabytes * MEGABYTE,
        "--seconds": options.seconds,
    }
    told = [str(word) for pair in words.items() for word in pair]
    process = _started("crowd.py", drop.address, *told)
    assert process.stdout is not None
    if process.stdout.readline() != "ready\n":
        raise SystemExit("the sources did not come as far as the form")
    passerby = Passerby(drop.address)
    sent, _ = process.communicate("\n")
    return json.loads(sent), passerby.told()


def row_of(kind: str, sent: list[Row]) -> Row:
    """Return how sources of one kind fared."""
    rates: dict[str, dict[int, float]] = {}
    for until in ("taken", "answered"):
        sizes: dict[int, int] = defaultdict(int)
        seconds: dict[int, float] = defaultdict(float)
        for one in sent:
            sizes[one["source"]] += one["size"]
            seconds[one["source"]] += one[until] - one["began"]
        rates[until] = {each: sizes[each] / seconds[each] for each in sizes if seconds[each] > 0}
    told = sorted(one["answered"] - one["taken"] for one in sent)
    return {
        "kind": kind,
        "sources": len({one["source"] for one in sent}),
        "sent": len(sent),
        "failed": sum(one["became"] != "cleaned" for one in sent),
        "mb": sum(one["size"] for one in sent) / MEGABYTE,
        "kb_per_s_slowest": min(rates["taken"].values(), default=0.0) / KILOBYTE,
        "kb_per_s_median": statistics.median(rates["taken"].values()) / KILOBYTE,
        "kb_per_s_fastest": max(rates["taken"].values(), default=0.0) / KILOBYTE,
        "share_taken": jain(list(rates["taken"].values())),
        "share_answered": jain(list(rates["answered"].values())),
        "answer_s_median": statistics.median(told),
        "answer_s_max": max(told),
    }


def jain(rates: list[float]) -> float:
    """Return Jain's index of fairness (DEC-TR-301, 1984): 1 when all are alike, 1/n at worst."""
    return sum(rates) ** 2 / (len(rates) * sum(rate**2 for rate in rates)) if any(rates) else 0.0


def opened(envelope: Path, newsroom: Newsroom) -> tuple[int, int]:
    """Return number and size of the recording in an envelope, which gpg and tar must open."""
    gpg = ["gpg", "--homedir", str(newsroom.home), "--batch", "--quiet", "--decrypt", str(envelope)]
    done = subprocess.run(gpg, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        recording = tar.extractfile("recording.wav")
        assert recording is not None
        content = recording.read()
    if ARTIST in content:
        raise SystemExit(f"{envelope} says who made it")
    numbers = set(NUMBER.unpack(content[-NUMBER.size :]))
    if len(numbers) != 1:
        raise SystemExit(f"{envelope} holds another sound than was sent")
    return numbers.pop(), len(content)


def check(drop: Drop, newsroom: Newsroom, sent: list[Row], sample: int) -> Row:
    """Count every envelope, and open some."""
    envelopes = list((drop.folder / "store/drops").iterdir())
    some = random.Random(5).sample(envelopes, min(sample, len(envelopes)))
    numbers = {opened(envelope, newsroom)[0] for envelope in some}
    if not numbers <= {one["number"] for one in sent}:
        raise SystemExit("an envelope holds what nobody sent")
    return {
        "acknowledged": sum(one["became"] == "cleaned" for one in sent),
        "envelopes": len(envelopes),
        "opened": len(numbers),
        "mailboxes": len(list((drop.folder / "store/mailboxes").iterdir())),
    }


def measure(folder: Path, options: argparse.Namespace) -> Row:
    """Run all of it once, in a folder; return the figures."""
    newsroom = Newsroom(folder)
    drop = Drop(folder / "drop", newsroom)
    try:
        alone = Passerby(drop.address)
        time.sleep(_BEFORE_SECONDS)
        before = alone.told()
        watch = Watch(drop)
        with watch.looking():
            started = time.perf_counter()
            sent, meanwhile = crowd(drop, options)
        seconds = max(one["answered"] for one in sent)
        whole = time.perf_counter() - started
        peak = peak_mb(drop.process.pid)
        drop.stop()
        kinds = ("slow", "fast")
        rows = [
            row_of(kind, some) for kind in kinds if (some := [o for o in sent if o["kind"] == kind])
        ]
        total = sum(one["size"] for one in sent) / MEGABYTE
        return {
            "sending": rows,
            "seconds": seconds,
            "with_visits_s": whole,
            "mb": total,
            "mb_per_s": total / seconds,
            "pages": {"before": before, "meanwhile": meanwhile},
            "memory": {"idle_mb": drop.idle_mb, "peak_mb": peak, **watch.most},
            "kept": check(drop, newsroom, sent, options.opened),
            "failures": sorted({o["became"] for o in sent if o["became"] != "cleaned"}),
            "every": sent,
        }
    finally:
        if drop.process.returncode is None:
            drop.stop()
        subprocess.run(["gpgconf", "--homedir", newsroom.home, "--kill", "all"], check=False)


def print_tables(figures: Row) -> None:
    """Print the figures, and the targets they are held against."""
    _table("sources", {row["kind"]: row for row in figures["sending"]})
    _table("pages", figures["pages"])
    print(f"together  {figures['mb']:.0f} MB in {figures['seconds']:.1f} s, from the first byte to")
    print(f"          the last answer: {figures['mb_per_s']:.0f} MB/s")
    print(
        "drop      " + ", ".join(f"{name} {most:.0f}" for name, most in figures["memory"].items())
    )
    print("kept      " + ", ".join(f"{count} {name}" for name, count in figures["kept"].items()))
    for failure in figures["failures"]:
        print(f"failed    {failure}")
    for target, is_met in _targets(figures).items():
        print(f"target    {target}: {'met' if is_met else 'MISSED'}")


def _targets(figures: Row) -> dict[str, bool]:
    kept = figures["kept"]
    return {
        "failed 0": not any(row["failed"] for row in figures["sending"]),
        "as many envelopes as acknowledged": kept["envelopes"] == kept["acknowledged"],
        "peak_mb <= 256": figures["memory"]["peak_mb"] <= 256,
        "p95_ms <= 250": figures["pages"]["meanwhile"]["p95_ms"] <= 250,
    }


def _table(name: str, rows: dict[str, Row]) -> None:
    columns = [column for column in next(iter(rows.values())) if column != "kind"]
    width = [max(len(column), 7) + 2 for column in columns]
    heads = (f"{c:>{w}}" for c, w in zip(columns, width, strict=True))
    print(f"{name:10}" + "".join(heads))
    for kind, row in rows.items():
        cells = (f"{_cell(row[c]):>{w}}" for c, w in zip(columns, width, strict=True))
        print(f"{kind:10}" + "".join(cells))
    print()


def _cell(figure: float) -> str:
    return str(figure) if isinstance(figure, int) else f"{figure:.2f}"


def main() -> None:
    """Measure, print, write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long a slow one sends")
    parser.add_argument("--slow", type=int, default=200)
    parser.add_argument("--rate", type=int, default=256, help="KB/s of a slow one")
    parser.add_argument("--fast", type=int, default=20)
    parser.add_argument("--fast-megabytes", type=int, default=50)
    parser.add_argument("--opened", type=int, default=20, help="envelopes that are opened")
    options = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    print(__doc__)
    with tempfile.TemporaryDirectory(dir=RESULTS) as work:
        figures = measure(Path(work), options)
    print_tables(figures)
    (RESULTS / "load.json").write_text(json.dumps(figures, indent=1) + "\n")
    kept = figures["kept"]
    if figures["failures"] or kept["envelopes"] != kept["acknowledged"]:
        raise SystemExit("not everything that was sent is there")


if __name__ == "__main__":
    main()
