"""The nightly rewrite, killed at every system call that it makes, and beside everything else."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

from faults.conftest import Note
from server.store import random_name, small
from server.store.local import LocalStore
from server.store.rewriting import places_of

NIGHT = """
import sys, threading
from pathlib import Path
from server.store.rewriting import rewrite_all
rewrite_all(Path(sys.argv[1]), sys.argv[2:], threading.Event())
"""
LONG_AGO = 1_700_000_000
ROUNDS = 40
STEPS = 60
"""System calls that the rewriting of three objects is, at least."""


def put(root: Path, name: str) -> tuple[str, bytes]:
    content = os.urandom(5000)
    asyncio.run(LocalStore(root).put(name, small(content)))
    os.utime(root / name, (LONG_AGO, LONG_AGO))
    return name, content


def at(root: Path, name: str) -> Path:
    """Return where the object is."""
    return next(place for place in places_of(root, name) if place.exists())


def found(root: Path) -> dict[str, bytes]:
    """Return every object that a listing shows, with what reading it gives."""

    async def run() -> dict[str, bytes]:
        store = LocalStore(root)
        listed = [name for kind in ("drops/", "mailboxes/") for name in await names(store, kind)]
        return {name: b"".join([block async for block in store.get(name)]) for name in listed}

    return asyncio.run(run())


async def names(store: LocalStore, kind: str) -> list[str]:
    return [name async for name in store.names(kind)]


def test_killed_at_any_system_call_it_loses_nothing(tmp_path: Path, note: Note) -> None:
    root, calls = tmp_path / "store", tmp_path / "calls"
    for kind in ("drops", "mailboxes"):
        (root / kind).mkdir(parents=True)
    put_there = dict(put(root, f"drops/{random_name()}") for _ in range(2))
    put_there |= dict([put(root, f"mailboxes/{random_name()}/{random_name()}")])
    command: list[str | Path] = [sys.executable, "-c", NIGHT, root, *put_there]
    subprocess.run(["strace", "-o", calls, *command], check=True)

    kills = 0
    for call, when in moments(calls.read_text().splitlines()):
        for name in put_there:
            os.utime(at(root, name), (LONG_AGO, LONG_AGO))
        kill = f"inject={call}:signal=SIGKILL:when={when}"
        killed = subprocess.run(["strace", "-o", calls, "-e", kill, *command])
        kills += killed.returncode == -signal.SIGKILL
        assert found(root) == put_there, (call, when)
        LocalStore(root).clear()
        assert list((root / "anew").iterdir()) == []

    assert kills >= STEPS
    note(kills=kills, lost=0)


def moments(lines: list[str]) -> Iterator[tuple[str, int]]:
    """Yield the name of each system call of the rewriting, and its number among its namesakes."""
    begun, made = False, Counter[str]()
    for line in lines:
        call = line.partition("(")[0]
        made[call] += 1
        begun |= "/anew" in line
        if begun and call != "exit_group" and call.isidentifier():
            yield call, made[call]


def test_beside_sources_who_send_and_delete_and_another_that_does_the_same(
    tmp_path: Path, note: Note
) -> None:
    root, random = tmp_path / "store", Random(3)
    for kind in ("drops", "mailboxes"):
        (root / kind).mkdir(parents=True)
    mailboxes = [random_name() for _ in range(5)]
    kept: dict[str, bytes] = {}
    deleted = 0
    for _ in range(ROUNDS):
        for _ in range(10):
            kept |= dict([put(root, f"mailboxes/{random.choice(mailboxes)}/{random_name()}")])
        for name in kept:
            os.utime(root / name, (LONG_AGO, LONG_AGO))
        going = random.sample(sorted(kept), min(len(kept), 9))
        orders = [random.sample(sorted(kept), len(kept)) for _ in range(2)]

        def delete(going: list[str] = going) -> None:
            for name in going:
                asyncio.run(LocalStore(root).delete(name))

        at_once(*(night(root, order) for order in orders), delete)

        deleted += len(going)
        kept = {name: content for name, content in kept.items() if name not in going}
        assert found(root) == kept
        assert list((root / "anew").iterdir()) == []
        folders = {path.name for path in (root / "mailboxes").iterdir()}
        assert folders == {name.split("/")[1] for name in kept}

    note(deleted_meanwhile=deleted, came_back=0, lost=0)


def night(root: Path, order: list[str]) -> Callable[[], object]:
    return lambda: asyncio.run(LocalStore(root).rewrite(order))


def at_once(*works: Callable[[], object]) -> None:
    with ThreadPoolExecutor(len(works)) as threads:
        for working in [threads.submit(work) for work in works]:
            working.result()
