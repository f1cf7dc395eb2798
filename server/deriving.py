"""Make a codename's keys in a process of its own.

Argon2id takes 64 MiB and a fifth of a second, on purpose. A child that does one at a time keeps
both off the server, and bounds how much guessing costs everybody else. It is started by exec, so
it holds nothing of the server's; it reads 11 + 32 bytes and answers 16 + 32 + 32 bytes, the
pseudonym's length (one byte) and the pseudonym. Each is one write to a pipe, which arrives whole
(PIPE_BUF, pipe(7)); neither side has a buffer, which would hold the last codename until somebody
else came.
"""

import os
import select
import subprocess
import sys
from collections.abc import Hashable
from contextlib import suppress
from pathlib import Path
from typing import Final

from crypto.codename import SALT_SIZE, SIZE, SourceKeys, derive
from server.cores import leave_no_core
from server.errors import Busy, NotFit
from server.threads import in_thread
from server.turns import Turns

_FIXED: Final = 16 + 32 + 32
_LONGEST: Final = _FIXED + 1 + 255


def read_salt(path: Path) -> bytes:
    """Return the drop's salt. Raises NotFit."""
    try:
        salt = path.read_bytes()
    except OSError as error:
        raise NotFit([f"can't read the salt {path}: {error.strerror}"]) from None
    if len(salt) != SALT_SIZE:
        raise NotFit([f"the salt {path} is not {SALT_SIZE} bytes"])
    return salt


class Deriver:
    """The child, and the queue in front of it. Used from one event loop."""

    def __init__(self, salt: bytes, *, longest_queue: int = 32, limit_seconds: float = 60) -> None:
        self._salt = salt
        self._turns = Turns(1, longest_queue=longest_queue)
        self._limit_ms = int(limit_seconds * 1000)
        self._closed = False
        self._child: subprocess.Popen[bytes] | None = None

    async def keys_of(self, codename: bytes, *, whose: Hashable = None) -> SourceKeys:
        """Return the codename's keys at this drop. Raises Busy when too many are waiting.

        Whoever asks, `whose`, waits behind one codename of everybody else's who waits.
        """
        async with self._turns.turn(whose):
            return await in_thread(self._ask, codename)

    async def keys_for_sending(self, codename: bytes, *, whose: Hashable = None) -> SourceKeys:
        """Return them, however many wait: what is being sent must not be lost to others' guessing.

        Raises Busy when two children ended over it.
        """
        async with self._turns.turn(whose, patient=True):
            with suppress(Busy):
                return await in_thread(self._ask, codename)
            return await in_thread(self._ask, codename)

    def close(self) -> None:
        """End the child for good; whoever still waits for it is told that we are busy."""
        self._closed = True
        self._end_child()

    def _end_child(self) -> None:
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
        if self._closed:
            raise Busy("no keys are made any more")
        if self._child is None:
            self._child = _started()
        child = self._child
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(codename + self._salt)
            answer = select.poll()
            answer.register(child.stdout, select.POLLIN)
            keys = child.stdout.read(_LONGEST) if answer.poll(self._limit_ms) else b""
        except (OSError, ValueError):
            keys = b""
        pseudonym = keys[_FIXED + 1 :].decode()
        if not pseudonym:
            # Killed, hanging, or out of memory; the next one who asks starts another.
            self._end_child()
            raise Busy("the deriving process ended")
        return SourceKeys(keys[:16], keys[16:48], keys[48:_FIXED], pseudonym)


def _started() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-I", "-m", __name__]
    return subprocess.Popen(
        command,
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # When memory runs out it ends with a traceback, which the journal would stamp: a source
        # was here this second.
        stderr=subprocess.DEVNULL,
        env={},
    )


def answer() -> None:
    """Serve requests on standard input until it ends."""
    leave_no_core()
    while _answer_one():
        pass


def _answer_one() -> bool:
    """Serve one, and hold nothing of it afterwards; say whether there was one."""
    request = os.read(0, SIZE + SALT_SIZE)
    if len(request) < SIZE + SALT_SIZE:
        return False
    keys = derive(request[:SIZE], request[SIZE:])
    pseudonym = keys.pseudonym.encode()
    fixed = keys.mailbox_id + keys.mailbox_key + keys.reply_seed
    os.write(1, fixed + bytes([len(pseudonym)]) + pseudonym)
    return True


if __name__ == "__main__":
    answer()
