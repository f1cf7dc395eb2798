"""Follow one parser's branches with atheris: `make fuzz TARGET=ogg SECONDS=60`.

A target is a module of scrub/containers, and begins with the recordings that it plans; or it is
`multipart` or `proxy-line`. libFuzzer keeps what reaches a new branch; a fault ends the run and is
saved among the vectors.
"""

import argparse
import sys
import tempfile
from functools import partial
from io import BytesIO
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["scrub", "server", "aiohttp.multipart"]):
    from fuzz.mutate import Seed, seeds
    from fuzz.run import be_timed, keep, tried
    from fuzz.targets import RECORDINGS, TARGETS
    from scrub import NotARecording, Unsupported
    from scrub.formats import FORMATS, Format, recognised
    from scrub.reading import Reader

LONGEST = 40_000
MEGABYTES = 512  # of which atheris and its counters take half


def parser_of(row: Format) -> str:
    """Return the name of the module that plans this row."""
    function = row.plan.func if isinstance(row.plan, partial) else row.plan
    return function.__module__.split(".")[2]


def seeds_of(target: str) -> list[Seed]:
    """Return the recordings that this parser plans, or the inputs of another target."""
    if target in TARGETS:
        return list(TARGETS[target].seeds())
    return [seed for seed in seeds() if _recognised_by(seed.recording) == target]


def _recognised_by(recording: bytes) -> str:
    try:
        return parser_of(recognised(Reader(BytesIO(recording)))[0])
    except (NotARecording, Unsupported):
        return ""


def main() -> None:
    """Run one target."""
    others = TARGETS.keys() - {"recordings", "decoder"}  # whose branches are another process's
    targets = sorted({parser_of(row) for row in FORMATS} | others)
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("target", choices=targets)
    options.add_argument("--seconds", type=int, default=60)
    chosen = options.parse_args()
    target = TARGETS.get(chosen.target, RECORDINGS)
    be_timed()

    def one_input(recording: bytes) -> None:
        fault, _ = tried(recording, target)
        if fault:
            kept = keep(chosen.target, fault, recording, target.folder)
            raise SystemExit(f"FAULT {fault}: {kept}")

    with tempfile.TemporaryDirectory() as corpus:
        for seed in seeds_of(chosen.target):
            (Path(corpus) / seed.name).write_bytes(seed.recording)
        limits = [
            f"-max_total_time={chosen.seconds}",
            f"-max_len={LONGEST}",
            f"-rss_limit_mb={MEGABYTES}",
        ]
        atheris.Setup([sys.argv[0], corpus, *limits, "-seed=1"], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
