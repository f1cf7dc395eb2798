"""Hold a recording, encrypted, in a file without a name, while it is worked on.

Each spool has a random key of its own that exists in this process's memory only, and its file is
an `O_TMPFILE`: a crash leaves neither the name, nor the bytes, nor the key (open(2); the container
is `crypto/chunks.py`). Whoever reads a held recording gets a read-only descriptor and that one key.
"""

import errno
import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from crypto.chunks import KEY_SIZE, SPOOL_CHUNK, ChunkReader, ChunkWriter
from server.errors import SpoolFailed, SpoolFull

_PURPOSE: Final = "spool"
_NOTEBOOK_IN_MEMORY: Final = 4 * 1024 * 1024
_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def open_spool(descriptor: int, key: bytes) -> BinaryIO:
    """Return a reader for a finished spool: what the scrubbing worker opens its recording with."""
    return ChunkReader(descriptor, key, purpose=_PURPOSE, chunk_size=SPOOL_CHUNK)  # type: ignore[return-value]


class Held:
    """One recording on the spool: written once, in order, then read anywhere."""

    def __init__(self, folder: Path) -> None:
        self.key = secrets.token_bytes(KEY_SIZE)
        with _failures_named():
            descriptor = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
            self._file = os.fdopen(descriptor, "r+b", buffering=0)
            self._writer = ChunkWriter(
                self._file, self.key, purpose=_PURPOSE, chunk_size=SPOOL_CHUNK
            )
        self._read_only: int | None = None

    @property
    def size(self) -> int:
        """Bytes of recording written so far."""
        return self._writer.size

    def write(self, recording: bytes | bytearray | memoryview) -> None:
        """Add to it. Raises SpoolFull, SpoolFailed."""
        with _failures_named():
            self._writer.write(recording)

    def write_chunk(self, chunk: memoryview) -> None:
        """Add SPOOL_CHUNK bytes that more follow; holds none of them. Raises as `write` does."""
        with _failures_named():
            self._writer.write_chunk(chunk)

    def finish(self) -> None:
        """Write the last chunk; from now on it can be read. Raises SpoolFull, SpoolFailed."""
        with _failures_named():
            self._writer.finish()

    def descriptor(self) -> int:
        """Return a descriptor that can only read; it is closed with the spool."""
        if self._read_only is None:
            path = f"/proc/self/fd/{self._file.fileno()}"
            self._read_only = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        return self._read_only

    def reader(self) -> BinaryIO:
        """Return a new reader with a position of its own."""
        return open_spool(self.descriptor(), self.key)

    def close(self) -> None:
        """Let go of file and key; nothing is left of the recording."""
        if self._read_only is not None:
            os.close(self._read_only)
            self._read_only = None
        self._file.close()
        self.key = b""


class Notebook(io.RawIOBase):
    """Where a cut list is noted: memory at first, an encrypted spool once it grows.

    Written in order, then read; after the first read nothing more can be added, but all of it can
    be thrown away.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._memory: BinaryIO = io.BytesIO()
        self._size = 0
        self._spilled: Held | None = None
        self._reader: BinaryIO | None = None

    def writable(self) -> bool:
        return self._reader is None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def write(self, noted: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        """Add to the end. Raises SpoolFull, SpoolFailed."""
        if self._spilled is None and self._size + len(noted) > _NOTEBOOK_IN_MEMORY:
            self._spilled = Held(self._folder)
            self._memory.seek(0)
            self._spilled.write(self._memory.read())
            self._memory.close()
        if self._spilled is None:
            self._memory.write(noted)
        else:
            self._spilled.write(noted)
        self._size += len(noted)
        return len(noted)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._reading().seek(offset, whence)

    def truncate(self, size: int | None = None) -> int:
        """Throw everything away; nothing less is possible."""
        if size or self.tell():
            raise io.UnsupportedOperation("only to nothing")
        if self._spilled is not None:
            self._spilled.close()
        self._memory.close()
        self._memory, self._size = io.BytesIO(), 0
        self._spilled = self._reader = None
        return 0

    def tell(self) -> int:
        return self._size if self._reader is None else self._reader.tell()

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        return self._reading().readinto(buffer)  # type: ignore[attr-defined, no-any-return]

    def close(self) -> None:
        if self._spilled is not None:
            self._spilled.close()
        self._memory.close()
        super().close()

    def _reading(self) -> BinaryIO:
        if self._reader is None:
            if self._spilled is not None:
                self._spilled.finish()
                self._reader = self._spilled.reader()
            else:
                self._reader = self._memory
        return self._reader


class Spool:
    """The folder that held recordings have their unnamed files in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def hold(self) -> Iterator[Held]:
        """Hold one recording; it is gone when this ends, however it ends. Raises SpoolFailed."""
        held = Held(self._folder)
        try:
            yield held
        finally:
            held.close()

    @contextmanager
    def notebook(self) -> Iterator[Notebook]:
        """Hold one cut list; it is gone when this ends."""
        with Notebook(self._folder) as notebook:
            yield notebook


@contextmanager
def _failures_named() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise SpoolFull("no room to hold a recording") from None
        raise SpoolFailed(os.strerror(error.errno or 0)) from None
