"""Make a codename's keys in a process of its own.

Argon2id takes 64 MiB and a fifth of a second, on purpose. A child that does one at a time keeps
both off the server, and bounds how much guessing costs everybody else. It is started by exec, so
it holds nothing of the server's; it reads 11 + 32 bytes and answers 16 + 32 + 32 bytes, the
pseudonym's length (one byte) and the pseudonym.
"""

import asyncio
import sys
from typing import Final

from crypto.codename import SALT_SIZE, SIZE, SourceKeys, derive
from server.cores import leave_no_core
from server.errors import Busy

_FIXED: Final = 16 + 32 + 32


class Deriver:
    """The child, and the queue in front of it. Used from one event loop."""

    def __init__(self, salt: bytes, *, longest_queue: int = 32) -> None:
        self._salt = salt
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0
        self._longest_queue = longest_queue
        self._child: asyncio.subprocess.Process | None = None

    async def keys_of(self, codename: bytes) -> SourceKeys:
        """Return the codename's keys at this drop. Raises Busy when too many are waiting."""
        if self._waiting >= self._longest_queue:
            raise Busy("too many codenames are waiting")
        self._waiting += 1
        try:
            async with self._turn:
                return await self._ask(codename)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """End the child."""
        if self._child is not None:
            assert self._child.stdin is not None
            self._child.stdin.close()
            await self._child.wait()
            self._child = None

    async def _ask(self, codename: bytes) -> SourceKeys:
        child = self._child or await _started()
        self._child = None  # an answer that is not read to its end must not be the next one's
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(codename + self._salt)
            await child.stdin.drain()
            fixed = await child.stdout.readexactly(_FIXED + 1)
            pseudonym = await child.stdout.readexactly(fixed[_FIXED])
        except (OSError, asyncio.IncompleteReadError):
            raise Busy("the deriving process ended") from None
        finally:
            if sys.exception() is not None and child.returncode is None:
                child.kill()
        self._child = child
        return SourceKeys(fixed[:16], fixed[16:48], fixed[48:_FIXED], pseudonym.decode())


async def _started() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={},
    )


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
