"""Make a codename's keys in a process of its own.

Argon2id takes 64 MiB and a fifth of a second, on purpose. A child that does one at a time keeps
both off the server, and bounds how much guessing costs everybody else. It is started by exec, so
it holds nothing of the server's; it reads 11 + 32 bytes and answers 16 + 32 + 32 bytes, the
pseudonym's length (one byte) and the pseudonym.
"""

import asyncio
import subprocess
import sys
from contextlib import suppress
from typing import Final

from crypto.codename import SALT_SIZE, SIZE, SourceKeys, derive
from server.cores import leave_no_core
from server.errors import Busy
from server.threads import in_thread

_FIXED: Final = 16 + 32 + 32


class Deriver:
    """The child, and the queue in front of it. Used from one event loop."""

    def __init__(self, salt: bytes, *, longest_queue: int = 32) -> None:
        self._salt = salt
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0
        self._longest_queue = longest_queue
        self._child: subprocess.Popen[bytes] | None = None

    async def keys_of(self, codename: bytes) -> SourceKeys:
        """Return the codename's keys at this drop. Raises Busy when too many are waiting."""
        if self._waiting >= self._longest_queue:
            raise Busy("too many codenames are waiting")
        self._waiting += 1
        try:
            async with self._turn:
                return await in_thread(self._ask, codename)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End the child; whoever still waits for it is told that we are busy."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                # What was not written any more is written at closing, to nobody.
                with suppress(OSError, ValueError):
                    assert pipe is not None
                    pipe.close()

    def _ask(self, codename: bytes) -> SourceKeys:
        if self._child is None:
            self._child = _started()
        child = self._child
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(codename + self._salt)
            child.stdin.flush()
            fixed = child.stdout.read(_FIXED + 1)
            pseudonym = child.stdout.read(fixed[_FIXED])
        except (OSError, ValueError, IndexError):
            # Killed, or out of memory; the next one who asks starts another.
            self.close()
            raise Busy("the deriving process ended") from None
        return SourceKeys(fixed[:16], fixed[16:48], fixed[48:_FIXED], pseudonym.decode())


def _started() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-I", "-m", __name__]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={})


def answer() -> None:
    """Serve requests on standard input until it ends."""
    leave_no_core()
    while len(request := sys.stdin.buffer.read(SIZE + SALT_SIZE)) == SIZE + SALT_SIZE:
        keys = derive(request[:SIZE], request[SIZE:])
        pseudonym = keys.pseudonym.encode()
        sys.stdout.buffer.write(keys.mailbox_id + keys.mailbox_key + keys.reply_seed)
        sys.stdout.buffer.write(bytes([len(pseudonym)]) + pseudonym)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    answer()
