"""A verb that kills itself at a moment of its work, as a power cut would."""

import atexit
import json
import os
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

from desks import DeskAt

import intake

# Has imported what verbs need, which takes longest. For every line it forks a child, which runs a
# verb and kills itself at the moment it calls `moment` for the n-th time; the answer is how that
# child ended.
DOOMED = """
import importlib, json, os, signal, sys
from intake.cli import export, import_, init, keys, open_, receipt, reply, run

def attempt(moment, count, arguments):
    where, _, names = moment.partition(":")
    holder = importlib.import_module(where)
    *classes, name = names.split(".")
    for part in classes:
        holder = getattr(holder, part)
    real, left = getattr(holder, name), count

    def doomed(*arguments, **named):
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **named)

    setattr(holder, name, doomed)
    return run(arguments)

for line in sys.stdin:
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
        sys.exit(attempt(*json.loads(line)))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@cache
def parent() -> subprocess.Popen[str]:
    """Start the process that the doomed are children of; it ends with this one."""
    root = Path(intake.__file__).parents[1]
    process = subprocess.Popen(
        [sys.executable, "-c", DOOMED],
        env=os.environ | {"PYTHONPATH": str(root)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.communicate)
    return process


def killed(desk: DeskAt, moment: str, count: int, *arguments: object) -> bool:
    """Run a verb that is killed at a moment; say whether it was."""
    typed = ["--desk", str(desk.folder), *(str(argument) for argument in arguments)]
    process = parent()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps([moment, count, typed]) + "\n")
    process.stdin.flush()
    ended = int(process.stdout.readline())
    assert ended in {0, -signal.SIGKILL}
    return ended != 0
