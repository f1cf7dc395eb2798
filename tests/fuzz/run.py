"""Mutate recordings and clean what comes out, and the same for forms and tor's lines: `make fuzz`.

Every input follows from the seed and its number, so any of them can be made again. Two processes,
each input within 5 seconds of processor and 256 MB. A fault is shrunk and saved among the vectors.
"""

import argparse
import faulthandler
import multiprocessing
import re
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

from fuzz.mutate import Seed, mutated
from fuzz.outcome import Fault
from fuzz.targets import RECORDINGS, TARGETS, Target

VECTORS = Path(__file__).parent.parent / "vectors"
CPU_SECONDS, CLOCK_SECONDS, MEMORY = 5, 60, 256 << 20
BATCH = 2000  # inputs between two reports
TRIES = 300  # to make a fault's input smaller

Answer = tuple[Counter[str], dict[str, Path]]
Answers = Any  # a queue of Answer
Place = Any  # a shared number: multiprocessing.Value


class TooSlow(BaseException):
    """An input took longer than it may; no parser's `except Exception` holds it."""


def main() -> None:
    """Run the mutations, print what became of them, and fail when there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=20_000, help="of each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", choices=TARGETS, action="append", help="only this one")
    parser.add_argument("--only", default="", help="seeds whose name begins so")
    parser.add_argument("--again", type=int, help="make this one input, and say what becomes of it")
    options = parser.parse_args()
    failed = False
    for target in options.target or TARGETS:
        chosen = tuple(
            each for each in TARGETS[target].seeds() if each.name.startswith(options.only)
        )
        if not chosen:
            continue
        if options.again is not None:
            name, made_again = made(chosen, options.seed, options.again)
            became = TARGETS[target].outcome(made_again)
            print(name, len(made_again), "bytes:", became)
            return
        failed |= _report(target, chosen, options.seed, options.inputs)
    sys.exit(failed)


def _report(target: str, chosen: tuple[Seed, ...], seed: int, inputs: int) -> bool:
    """Run one target, say what came of it, and return whether there were faults."""
    print(f"fuzz: {inputs} inputs of {len(chosen)} {target}, seed {seed}", flush=True)
    started = time.monotonic()
    counted, faults = _run(TARGETS[target], chosen, seed, inputs)
    took = time.monotonic() - started
    print(f"fuzz: {inputs / took:.0f} inputs a second, {took:.0f} s: {_listed(counted)}")
    for fault, saved in faults.items():
        print(f"fuzz: FAULT {fault}: {saved}")
    print(f"fuzz: {len(faults)} faults", flush=True)
    return bool(faults)


def made(chosen: tuple[Seed, ...], seed: int, number: int) -> tuple[str, bytes]:
    """Return the input of this number, and whose child it is."""
    chance = Random(f"{seed} {number}")
    parent = chosen[number % len(chosen)]
    return parent.name, mutated(parent, chance)


def _run(target: Target, chosen: tuple[Seed, ...], seed: int, inputs: int) -> Answer:
    """Share the inputs between two processes; one that dies is followed by another."""
    fork = multiprocessing.get_context("fork")
    answers: Answers = fork.SimpleQueue()
    counted: Counter[str] = Counter()
    faults: dict[str, Path] = {}

    def start(numbers: range) -> tuple[Any, Place, range]:
        at = fork.Value("q", numbers.start)
        process = fork.Process(target=_work, args=(target, chosen, seed, numbers, at, answers))
        process.start()
        return process, at, numbers

    running = [start(range(first, inputs, 2)) for first in range(2)]
    while running:
        time.sleep(0.2)
        while not answers.empty():
            more, found = answers.get()
            counted.update(more)
            faults.update(found)
            print(f"fuzz: {counted.total()} of {inputs}, {len(faults)} faults", flush=True)
        for each in [each for each in running if not each[0].is_alive()]:
            running.remove(each)
            process, at, numbers = each
            if process.exitcode:
                name, recording = made(chosen, seed, at.value)
                faults[f"{name} ended its process"] = keep(
                    name, "ended its process", recording, target.folder
                )
                running.append(start(range(at.value + 2, numbers.stop, 2)))
    while not answers.empty():
        more, found = answers.get()
        counted.update(more)
        faults.update(found)
    return counted, faults


def _work(
    target: Target,
    chosen: tuple[Seed, ...],
    seed: int,
    numbers: range,
    at: Place,
    answers: Answers,
) -> None:
    """Try these inputs; what went wrong is saved at once."""
    limit_memory()
    be_timed()
    counted: Counter[str] = Counter()
    faults: dict[str, Path] = {}
    for number in numbers:
        at.value = number
        name, recording = made(chosen, seed, number)
        fault, became = tried(recording, target)
        if fault and f"{name} {fault}" not in faults:
            short = shrunk(recording, fault, target)
            faults[f"{name} {fault}"] = keep(name, fault, short, target.folder)
        counted[became] += 1
        if counted.total() == BATCH:
            answers.put((counted, faults))
            counted = Counter()
    answers.put((counted, faults))


def limit_memory() -> None:
    """Allow as much more than there is now as an input may take; ffmpeg may lift it again."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))


def tried(recording: bytes, target: Target = RECORDINGS) -> tuple[str, str]:
    """Return what went wrong, or nothing, and what became of it."""
    faulthandler.dump_traceback_later(CLOCK_SECONDS, exit=True)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        return "", target.outcome(recording)
    except Fault as fault:
        return str(fault), "fault"
    except (Exception, TooSlow) as error:  # noqa: BLE001  # any: that is what we look for
        return f"{type(error).__name__} in {_where(error)}", "fault"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.cancel_dump_traceback_later()


def be_timed() -> None:
    """Have TooSlow raised when the time of an input is over."""
    signal.signal(signal.SIGPROF, _too_slow)


def _too_slow(_signal: int, _frame: FrameType | None) -> None:
    raise TooSlow


def _where(error: BaseException) -> str:
    """Return the innermost function of ours."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [each for each in frames if re.search("/(scrub|server)/", each.filename)] or frames
    return f"{Path(own[-1].filename).stem}.{own[-1].name}"


def shrunk(recording: bytes, fault: str, target: Target = RECORDINGS) -> bytes:
    """Return a shorter recording with the same fault: pieces are left out while it lasts."""
    piece, tries = len(recording) // 2, TRIES
    while piece and tries:
        at = 0
        while at < len(recording) and tries:
            shorter = recording[:at] + recording[at + piece :]
            tries -= 1
            if tried(shorter, target)[0] == fault:
                recording = shorter
            else:
                at += piece
        piece //= 2
    return recording


def keep(name: str, fault: str, recording: bytes, folder: str = RECORDINGS.folder) -> Path:
    """Write a vector, unless there is one of this name; return where it is."""
    words = re.sub(r"[^a-z0-9]+", "_", f"{name} {fault}".lower()).strip("_")
    path = VECTORS / folder / words
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        expected = "clean or refused" if folder == RECORDINGS.folder else "no fault"
        about = f"expect: {expected}\nwhy: a mutation of {name}: {fault}\n\n"
        path.write_bytes(about.encode() + recording)
    return path


def _listed(counted: Counter[str]) -> str:
    return ", ".join(f"{outcome} {times}" for outcome, times in counted.most_common())


if __name__ == "__main__":
    main()
