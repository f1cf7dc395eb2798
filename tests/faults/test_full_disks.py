"""Disks that fill up while sources send: what has no room is refused, everything else is kept."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
from drops import Drop

from faults.afterwards import Disk, Kept, wait_until_gone
from faults.conftest import Note
from faults.crowd import Source, Told, crowd

FULL_TIMES = 8
KEPT = 30
MOST_ANSWERS = 1_000
_PLACES = {"spool": ("spool", "1m"), "store": ("store/drops", "64m")}


def small_disk_kept(folder: Path, size: str, copied: Path) -> list[str | Path]:
    """Return words that give a command a small disk at `folder`, and copy it in the end.

    The disk is gone with the command, and nobody outside ever sees it.
    """
    at, to = shlex.quote(str(folder)), shlex.quote(str(copied))
    script = (
        f"mount -t tmpfs -o size={size},mode=700 tmpfs {at}; trap 'kill $drop' TERM;"
        f'"$@" & drop=$!; while ! wait $drop; do kill -0 $drop 2>/dev/null || break; done;'
        f"cp -a {at}/. {to}"
    )
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]


@pytest.mark.parametrize("full", ["spool", "store"])
def test_what_has_no_room_is_refused_and_everything_else_is_kept(
    drop: Drop, tmp_path: Path, full: str, note: Note
) -> None:
    place, size = _PLACES[full]
    # Nothing is turned away for want of room before it arrives.
    drop.configure(f"[admission]\n{full}_floor_bytes = 0")
    told, kept, copied = Told(), Kept(drop), tmp_path / "copied"
    copied.mkdir()
    disk = Disk.of(drop, tmp_path)
    before: Sequence[str | Path] = [
        "setsid",
        *small_disk_kept(drop.folder / place, size, copied),
    ]
    sources = [Source(Random(f"{full} {n}"), tmp_path / f"{n}", told) for n in range(4)]
    with drop.running(before=before, environment=disk.environment) as serving:
        with crowd(sources, serving):
            while told.became[f"{full}_full"] < FULL_TIMES or len(told.kept) < KEPT:
                told.wait_for(1)
                assert told.answers < MOST_ANSWERS, told.became
        serving.stop()
    wait_until_gone(serving.process.pid)

    if full == "store":
        copied.rename(drop.folder / "store/drops")
    held = [content for content, _ in kept.opened(tmp_path)]
    note(acknowledged=len(told.kept), found_and_opened=len(held), **told.became)
    assert told.kept <= set(held)
    assert len(held) == len(set(held)), "something was kept twice"
    assert set(told.became) <= {"cleaned", "written", f"{full}_full", "503"}
    assert disk.left_over() == []
    assert disk.clear_text() == []
    if full == "spool":
        assert list(copied.iterdir()) == []
