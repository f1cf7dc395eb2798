"""A drop that may open no more files: it turns away what it can't hold, and loses nothing else."""

import contextlib
import resource
from pathlib import Path

from drops import Drop, Serving, write_wav
from wire import connected

from faults.afterwards import Disk, Kept
from faults.conftest import Note

MOST_OPEN = 360


def open_descriptors(serving: Serving) -> int:
    return len(list(Path(f"/proc/{serving.process.pid}/fd").iterdir()))


def test_what_was_acknowledged_is_kept_while_there_are_none_left(
    drop: Drop, tmp_path: Path, note: Note
) -> None:
    drop.configure("[connections]\nmax_open = 50")
    kept, disk, wav = Kept(drop), Disk.of(drop, tmp_path), write_wav(tmp_path / "a.wav")
    became: list[list[str]] = []
    with drop.running(before=["prlimit", f"--nofile={MOST_OPEN}"]) as serving:
        assert serving.send(wav).became == ["cleaned"]
        at_first = open_descriptors(serving)
        for few in (40, 20, 12, 8, 6, 4, 2):
            set_limit(serving, at_first + few)
            with contextlib.ExitStack() as held:
                for _ in range(few // 2):
                    with contextlib.suppress(OSError):
                        held.enter_context(connected(serving))
                became.append(sent_somehow(serving, wav))
        set_limit(serving, MOST_OPEN)
        afterwards = serving.send(wav).became
        serving.wait_for(lambda: open_descriptors(serving) <= at_first)

    held_in_the_end = list(kept.opened(tmp_path))
    acknowledged = 2 + sum(answer == ["cleaned"] for answer in became)
    note(became=became, acknowledged=acknowledged, found_and_opened=len(held_in_the_end))
    assert afterwards == ["cleaned"]
    assert len(held_in_the_end) >= acknowledged
    assert disk.left_over() == []


def set_limit(serving: Serving, descriptors: int) -> None:
    """Let a running drop open no more than this."""
    resource.prlimit(serving.process.pid, resource.RLIMIT_NOFILE, (descriptors, MOST_OPEN))


def sent_somehow(serving: Serving, wav: Path) -> list[str]:
    """Send a recording; return what became of it, also where no answer came."""
    try:
        return serving.send(wav).became
    except (TimeoutError, RuntimeError, OSError) as failure:
        return [type(failure).__name__]
