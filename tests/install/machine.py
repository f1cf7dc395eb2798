"""A machine for tests: Debian in a folder, started with its own systemd and a network of its own.

systemd-nspawn starts it. Nothing in it can reach beyond its own loopback. Commands are run in it by
nsenter, files are put into its folder; it is ended by its process id, and takes all that ran in it
along.
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_UP_SECONDS: Final = 120
_DOWN_SECONDS: Final = 60
_POWER_OFF: Final = signal.SIGRTMIN + 4
"""What systemd takes as the power button, systemd(1)."""

_LANDLOCK: Final = ("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self")
"""What nspawn's own filter refuses, and the drop fences its workers with."""

Done = subprocess.CompletedProcess[str]


class Machine:
    """One that runs; `root` is its folder, `pid` that of its systemd as seen from outside."""

    def __init__(self, root: Path, nspawn: subprocess.Popen[bytes], pid: int) -> None:
        self.root = root
        self.pid = pid
        self._nspawn = nspawn

    @classmethod
    @contextmanager
    def booted(cls, root: Path) -> Iterator["Machine"]:
        """Start the Debian in `root`; it is ended whatever happens."""
        name = f"tapedrop-{secrets.token_hex(4)}"
        words = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network"]
        words += [f"--machine={name}", "-D", str(root), "--console=pipe", "--boot"]
        words += [f"--system-call-filter={' '.join(_LANDLOCK)}"]
        words += ["systemd.unified_cgroup_hierarchy=1"]
        with tempfile.TemporaryFile() as console:
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT
            )
            try:
                machine = cls(root, process, _first_process(process))
                machine._wait_until_up()
                yield machine
            finally:
                _end(process)

    def run(
        self,
        *words: str | Path,
        user: str = "",
        given: str = "",
        seconds: float = 120,
        environment: Sequence[str] = (),
    ) -> Done:
        """Run a command in it, as root or another of its users, to its end."""
        return subprocess.run(
            self.command(*words, user=user, environment=environment),
            input=given,
            capture_output=True,
            text=True,
            timeout=seconds,
        )

    def must(self, *words: str | Path, **more: Any) -> str:
        """Return what a command that has to succeed prints; `more` is as `run` takes it."""
        done = self.run(*words, **more)
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def json(self, *words: str | Path, **more: Any) -> Any:
        """Return what a command answers with --json."""
        return json.loads(self.must(*words, "--json", **more))

    def command(
        self, *words: str | Path, user: str = "", environment: Sequence[str] = ()
    ) -> list[str]:
        """Return the words that run a command in it, for a Popen of one's own."""
        inside = [
            "nsenter",
            "--target",
            str(self.pid),
            "--all",
            "--",
            "env",
            "--ignore-environment",
        ]
        inside += [f"PATH={PATH}", "LANG=C.UTF-8", "HOME=/root", *environment]
        # Not runuser: what PAM writes into the journal would be the test's own.
        as_user = ["setpriv", *self._ids(user), "--init-groups"] if user else []
        return [*inside, *as_user, *map(str, words)]

    def _ids(self, user: str) -> list[str]:
        lines = (self.root / "etc/passwd").read_text().splitlines()
        ids = next(line.split(":")[2:4] for line in lines if line.startswith(f"{user}:"))
        return [f"--reuid={ids[0]}", f"--regid={ids[1]}"]

    def at(self, path: str) -> Path:
        """Return where a path of it is seen from outside, also what it mounted over its folder."""
        return Path(f"/proc/{self.pid}/root") / path.lstrip("/")

    def put(self, content: str | bytes | Path, to: str, *, mode: int = 0o644) -> None:
        """Put a file, or a whole folder, into it; belongs to root."""
        there = self.at(to)
        there.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path) and content.is_dir():
            shutil.copytree(content, there, symlinks=True)
            return
        data = content.read_bytes() if isinstance(content, Path) else content
        there.write_bytes(data.encode() if isinstance(data, str) else data)
        there.chmod(mode)

    def wait_for(self, seen: Callable[[], object], what: str, *, seconds: float = 60) -> None:
        """Look until `seen` says that it has happened."""
        deadline = time.monotonic() + seconds
        while not seen():
            assert time.monotonic() < deadline, f"it never happened: {what}\n{self.journal()}"
            time.sleep(0.1)

    def unit(self, unit: str, *properties: str) -> dict[str, str]:
        """Return properties of a unit, as systemd has them now."""
        shown = self.must("systemctl", "show", f"--property={','.join(properties)}", unit)
        return dict(line.split("=", 1) for line in shown.splitlines())

    def active(self, unit: str) -> bool:
        """Return whether a unit is active."""
        return self.run("systemctl", "is-active", "--quiet", unit).returncode == 0

    def journal(self, *words: str) -> str:
        """Return what all journals of it hold, of all namespaces."""
        read = ["journalctl", "--namespace=*", "--no-pager", "--output=short-iso-precise", "--all"]
        return self.run(*read, *words).stdout

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + _UP_SECONDS
        up: Done | None = None
        while time.monotonic() < deadline and self._nspawn.poll() is None:
            up = self.run("systemctl", "is-system-running")
            if up.stdout.strip() in {"running", "degraded"}:
                return
            time.sleep(0.2)
        raise AssertionError(f"{self.root} did not start: {up}")


def _first_process(nspawn: subprocess.Popen[bytes]) -> int:
    """Return the id of the process that is the first one inside."""
    deadline = time.monotonic() + _UP_SECONDS
    while time.monotonic() < deadline and nspawn.poll() is None:
        if found := _first_below(nspawn.pid):
            return found
        time.sleep(0.05)
    raise AssertionError(f"systemd-nspawn ended with {nspawn.poll()}")


def _first_below(pid: int) -> int:
    for child in _children(pid):
        if found := (child if _is_first(child) else _first_below(child)):
            return found
    return 0


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _is_first(pid: int) -> bool:
    """Return whether it has become systemd, as number 1 of its own process namespace."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        program = Path(f"/proc/{pid}/exe").readlink().name
    except OSError:
        return False
    inner = next(line.split() for line in status.splitlines() if line.startswith("NSpid:"))
    return len(inner) > 2 and inner[-1] == "1" and program == "systemd"


def _end(nspawn: subprocess.Popen[bytes]) -> None:
    """Power it off; what doesn't end in time is killed, and everything inside with it."""
    first = _first_below(nspawn.pid)
    try:
        if first:
            os.kill(first, _POWER_OFF)
        else:
            nspawn.terminate()
        nspawn.wait(_DOWN_SECONDS)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        if first := _first_below(nspawn.pid):
            os.kill(first, signal.SIGKILL)
        nspawn.kill()
        nspawn.wait()
