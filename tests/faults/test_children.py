"""What a drop has others do is killed, or hangs: it costs what they worked on, nothing beside."""

import contextlib
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable
from itertools import repeat
from pathlib import Path
from random import Random

import pytest
from drops import Drop, Serving, write_wav
from holds import child_of

from faults.afterwards import Disk, Kept, wait_until_gone
from faults.conftest import Note
from faults.crowd import Source, Told, crowd

KILLED = 120
LOOKS = 5_000
TRIES = 10
OURS = {"seal_failed", "worker_failed", "sandbox_unavailable", "no_key", "busy", "503"}


def worker_of(serving: Serving) -> int | None:
    """Return one that the sandbox's zygote has forked."""
    zygote = child_of(serving.process, "scrub.worker")
    try:
        forked = Path(f"/proc/{zygote}/task/{zygote}/children").read_text().split()
    except OSError:
        return None
    return int(forked[0]) if forked else None


CHILDREN: dict[str, Callable[[Serving], int | None]] = {
    "gpg": lambda serving: child_of(serving.process, "gpg"),
    "worker": worker_of,
    "zygote": lambda serving: child_of(serving.process, "scrub.worker"),
    "deriving": lambda serving: child_of(serving.process, "server.deriving"),
}


def test_whichever_is_killed_nothing_acknowledged_is_missing(
    drop: Drop, tmp_path: Path, note: Note
) -> None:
    random, told, kept = Random(1), Told(), Kept(drop)
    disk = Disk.of(drop, tmp_path)
    sources = [Source(Random(f"children {n}"), tmp_path / f"{n}", told) for n in range(4)]
    killed = Counter[str]()
    with drop.running(before=["setsid"], environment=disk.environment) as serving:
        with crowd(sources, serving):
            while killed.total() < KILLED:
                kind = random.choice(sorted(CHILDREN))
                # gpg and workers last a few milliseconds.
                if child := next(filter(None, map(CHILDREN[kind], repeat(serving, LOOKS))), None):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(child, signal.SIGKILL)
                        killed[kind] += 1
                        told.wait_for(random.randint(0, 2))
        assert serving.send(write_wav(tmp_path / "a.wav")).became == ["cleaned"]
        serving.stop()
    wait_until_gone(serving.process.pid)

    held = [content for content, _ in kept.opened(tmp_path)]
    note(
        killed=dict(killed), acknowledged=len(told.kept), found_and_opened=len(held), **told.became
    )
    assert told.kept <= set(held)
    assert len(held) == len(set(held)), "something was kept twice"
    assert set(told.became) <= OURS | {"cleaned", "written"}
    assert disk.left_over() == []
    assert disk.clear_text() == []


@pytest.mark.parametrize(
    ("hanging", "told"),
    [
        (lambda serving: child_of(serving.process, "gpg", "--encrypt"), "seal_failed"),
        (worker_of, "worker_failed"),
    ],
    ids=["gpg", "worker"],
)
def test_one_that_hangs_costs_one_recording_and_those_beside_it_are_kept(
    drop: Drop, tmp_path: Path, hanging: Callable[[Serving], int | None], told: str, note: Note
) -> None:
    drop.configure("[work]\nseal_limit_seconds = 20")
    long, wav = write_wav(tmp_path / "long.wav", os.urandom(40_000_000)), write_wav(tmp_path / "a")
    became: list[str] = []
    beside: list[list[str]] = []
    with drop.running() as serving:
        for _ in range(TRIES):
            sender = threading.Thread(target=lambda: became.extend(serving.send(long).became))
            sender.start()
            while (process := hanging(serving)) is None:
                pass
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)
            beside += [serving.send(wav).became for _ in range(5)]
            sender.join()
            if became[-1] != "cleaned":  # it had done its work when it was stopped
                break
        afterwards = serving.send(wav).became

    note(hanging=became, beside=beside, afterwards=afterwards)
    assert became[-1] == told
    assert beside == [["cleaned"]] * 5 * len(became)
    assert afterwards == ["cleaned"]
    assert not Path(f"/proc/{process}").exists()


@pytest.mark.parametrize(
    ("marks", "told"), [("scrub.worker", "worker_failed"), ("server.deriving", "cleaned")]
)
def test_one_that_hangs_and_serves_everybody_is_replaced(
    drop: Drop, tmp_path: Path, marks: str, told: str
) -> None:
    wav = write_wav(tmp_path / "a.wav")
    with drop.running() as serving:
        assert serving.send(wav).became == ["cleaned"]
        process = child_of(serving.process, marks)
        os.kill(process or 0, signal.SIGSTOP)

        assert serving.send(wav).became == [told]
        assert serving.send(wav).became == ["cleaned"]
        assert not Path(f"/proc/{process}").exists()
