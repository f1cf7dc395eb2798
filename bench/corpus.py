"""Clean every planted recording with the command itself, and say what is left.

    planted   places with something in them          left      of these, still found
    verdict   clean, or what is wrong                 twice     cleaning again changes nothing

Without options it is our own corpus (tests/canary). `--corpus FOLDER` takes another of the same
shape as FOLDER/manifest.json says, and leaves the verdict to its own check_clean.py, there or at
`--judge`. `bench/results/canary.json` has the same figures.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from canary import corpus, judge

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
SCRUB = [sys.executable, "-m", "scrub"]
SECONDS = 2.0


@dataclass(frozen=True)
class Row:
    """What became of one recording."""

    name: str
    planted: int
    left: int
    wrong: list[str]


def ours(folder: Path) -> Iterator[Row]:
    """Yield a row for each recording of our own corpus."""
    with ThreadPoolExecutor(2) as pool:
        yield from pool.map(lambda name: _judged(name, folder), corpus.NAMES)


def _judged(name: str, folder: Path) -> Row:
    recording = corpus.recording(name, seconds=SECONDS)
    planted, once, twice, again = (
        folder / f"{name}.{step}.{recording.recipe.extension}"
        for step in ("planted", "once", "twice", "again")
    )
    planted.write_bytes(recording.planted)
    wrong = [*_scrubbed(planted, once), *_scrubbed(planted, again), *_scrubbed(once, twice)]
    if wrong:
        return Row(name, len(recording.plants), len(recording.plants), wrong)
    cleaned = once.read_bytes()
    wrong += judge.complaints(recording, cleaned)
    wrong += [
        f"twice: {each.name} differs" for each in (twice, again) if each.read_bytes() != cleaned
    ]
    found = sum(each.startswith("left:") for each in wrong)
    return Row(name, len(recording.plants), found, wrong)


def _scrubbed(recording: Path, out: Path) -> list[str]:
    """Clean one recording; return why not, if not."""
    command = [*SCRUB, str(recording), "-o", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return [f"refused: {done.stderr.splitlines()[0]}"] if done.returncode else []


def theirs(folder: Path, judging: Path, clean: Path) -> Iterator[Row]:
    """Yield a row for each recording of another corpus, as its own judge sees it."""
    names = [entry["file"] for entry in json.loads((folder / "manifest.json").read_text())]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: _scrubbed(folder / name, clean / name), names))
    cleaner = " ".join([*SCRUB, "{in}", "-o", "{out}"])
    words = ["--all", str(folder), str(clean), str(folder / "manifest.json")]
    command = [sys.executable, str(judging), *words, "--strict-fp", "--cleaner", cleaner, "--json"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    for row in json.loads(told):
        yield _row_of(row)


def _row_of(row: dict[str, Any]) -> Row:
    planted, left = row.get("planted", {}), row.get("left", {})
    return Row(row["file"], planted.get("hard", 0), len(left.get("hard", ())), row["why"])


def main() -> None:
    """Clean the corpus, print the table, write the results; fail when anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, help="a folder with a manifest.json")
    parser.add_argument("--judge", type=Path, help="its check_clean.py, if that is elsewhere")
    options = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        if options.corpus:
            judging = options.judge or options.corpus / "check_clean.py"
            rows = [*theirs(options.corpus.absolute(), judging.absolute(), Path(work))]
        else:
            rows = [*ours(Path(work))]
    print(f"{'recording':48}{'planted':>8}{'left':>6}  verdict")
    for row in rows:
        print(f"{row.name:48}{row.planted:8}{row.left:6}  {'; '.join(row.wrong) or 'clean'}")
    clean = sum(not row.wrong for row in rows)
    planted, left = sum(row.planted for row in rows), sum(row.left for row in rows)
    print(f"{clean} of {len(rows)} clean; {left} of {planted} places left")
    (RESULTS / "canary.json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    sys.exit(clean != len(rows))


if __name__ == "__main__":
    main()
