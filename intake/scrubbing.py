"""Have a working copy looked at in the sandbox, where hostile bytes may do what they like.

The worker reads the container itself: it is given the one descriptor, read-only, and that one
copy's key and name. Its zygote is started when it is first needed.
"""

import io
from types import TracebackType
from typing import BinaryIO, Final, Self

from crypto.chunks import KEY_SIZE, ChunkReader
from scrub import Cleaned, Handle, StreamFacts, TooComplex, Zygote, clean, facts

OPENER: Final = "intake.scrubbing:open_copy"
PURPOSE: Final = "working copy"
_LONGEST_CUT_LIST_BYTES: Final = 48 * 1024 * 1024


def open_copy(fd: int, secret: bytes) -> BinaryIO:
    """Return a reader of a working copy; `secret` is its key, 32 bytes, and its name inside."""
    name = secret[KEY_SIZE:].decode("ascii")
    return ChunkReader(fd, secret[:KEY_SIZE], purpose=PURPOSE, name=name)  # type: ignore[return-value]


class Scrubber:
    """The desk's sandbox. Raises SandboxUnavailable where this machine can't fence a worker in."""

    def __init__(self) -> None:
        self._zygote: Zygote | None = None

    def facts(self, recording: Handle, size: int) -> StreamFacts:
        """Return what a recording of `size` bytes says of its own sound. Raises WorkerFailed."""
        return facts(self._started(), recording, size)

    def clean(self, recording: Handle, size: int) -> Cleaned:
        """Return the proved cut list of a recording of `size` bytes. Raises ScrubError."""
        return clean(self._started(), recording, size, _CutList())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._zygote is not None:
            self._zygote.close()

    def _started(self) -> Zygote:
        if self._zygote is None:
            self._zygote = Zygote.start(OPENER)
        return self._zygote


class _CutList(io.BytesIO):
    """Where a cut list rests: in memory, because pieces of the recording are in it."""

    def write(self, noted: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        if self.tell() + len(noted) > _LONGEST_CUT_LIST_BYTES:
            raise TooComplex("it is in more pieces than this desk can hold")
        return super().write(noted)
