"""Kill a command at system calls drawn by lot: at any of those it makes, each run at another.

The first run is traced whole; a later one is killed as it makes the call that was drawn, so that a
slow machine is killed as far on as a fast one.
"""

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

Command = Sequence[str | Path]
Moment = tuple[str, int]

_CALLS = (
    "openat,close,read,readv,preadv,pread64,write,writev,pwrite64,fsync,fdatasync,ftruncate,flock,"
    "fcntl,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,fadvise64,"
    "newfstatat,fstat,lseek,getdents64"
)


def moments(command: Command, work: Path, trace: Path) -> list[Moment]:
    """Run a command to its end; return each call from the first that names `work` to the last.

    With each comes its number among its namesakes of the same thread, as strace counts them.
    """
    subprocess.run(
        ["strace", "-f", "-y", "-o", trace, "-e", f"trace={_CALLS}", *command],
        check=True,
        capture_output=True,
    )
    return list(_counted(trace.read_text(errors="replace").splitlines(), str(work)))


def _counted(lines: Sequence[str], work: str) -> Iterator[Moment]:
    made, begun = Counter[tuple[str, str]](), False
    for line in lines:
        thread, _, rest = line.partition(" ")
        call = rest.lstrip().partition("(")[0]
        if not call.isidentifier():
            continue  # the end of a call, or of a thread
        made[thread, call] += 1
        begun |= work in line
        if begun:
            yield call, made[thread, call]


def killed(
    command: Command,
    moment: Moment,
    trace: Path,
    *,
    of_child: frozenset[int] = frozenset(),
    answer: Path | None = None,
) -> bool:
    """Run a command that is killed at this moment; say whether it got there.

    `of_child` are its exit codes where a program that it started (gpg) was the one that was killed.
    What it printed until then goes to `answer`.
    """
    call, when = moment
    kill = ["-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={when}"]
    ended = subprocess.run(
        ["strace", "-f", "-o", trace, *kill, *command], capture_output=True, env=os.environ
    )
    if answer is not None:
        answer.write_bytes(ended.stdout)
    expected = {0, -signal.SIGKILL} | of_child
    assert ended.returncode in expected, ended.stderr.decode(errors="replace")
    return ended.returncode != 0


def drawn(found: Sequence[Moment], count: int, seed: int) -> list[Moment]:
    """Draw `count` moments: half from all of them, half from each kind of call alike."""
    random, kinds = Random(seed), sorted({call for call, _ in found})
    by_kind = {kind: [moment for moment in found if moment[0] == kind] for kind in kinds}
    alike = [random.choice(by_kind[random.choice(kinds)]) for _ in range(count // 2)]
    return [*alike, *random.choices(found, k=count - len(alike))]
