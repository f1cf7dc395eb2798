"""Give a message to the command that carries it away, and to nothing else.

The command is the operator's. It gets the message on its standard input, PATH, and the drop's
folder to stand in; no shell, no other variable, none of our descriptors. What it prints is thrown
away: it could only be about us. It is a session of its own, so that all of it can be ended.
"""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from server.errors import NotSent
from server.events import Undelivered
from server.threads import in_thread

PATH: Final = "/usr/local/bin:/usr/bin:/bin"
_ENVIRONMENT: Final = {"PATH": PATH}
_LIMIT_SECONDS: Final = 120.0


async def carry(
    message: bytes, command: Sequence[str], *, folder: Path, limit_seconds: float = _LIMIT_SECONDS
) -> None:
    """Give `message` to the command and wait for its end. Raises NotSent, saying why."""
    run = _Run(limit_seconds)
    await in_thread(run.give, message, command, folder, if_cancelled=run.end)


class _Run:
    """One run of the command. It may be ended from another thread, also before it has begun."""

    def __init__(self, limit_seconds: float) -> None:
        self._limit_seconds = limit_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._over = False

    def give(self, message: bytes, command: Sequence[str], folder: Path) -> None:
        with self._started(command, folder) as process:
            self._process = process
            if self._over:
                self.end()
            try:
                process.communicate(message, timeout=self._limit_seconds)
            except subprocess.TimeoutExpired:
                raise NotSent(Undelivered.COMMAND_HUNG) from None
            finally:
                self.end()
        if process.returncode != 0:
            raise NotSent(Undelivered.COMMAND_FAILED)

    def end(self) -> None:
        """End it with all that it started; what ended by itself may have left somebody working."""
        self._over = True
        if self._process is not None and self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _started(self, command: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=folder,
                env=_ENVIRONMENT,
                start_new_session=True,
            )
        except (OSError, ValueError):
            raise NotSent(Undelivered.NO_SUCH_COMMAND) from None
