"""The tar inside a backup: names of ours only, and nothing in it but plain files.

    version               "tapedrop backup 1", a line feed; always first
    <what>                one file each, or <what>/<name>: see the table in `backup.py`
    padding               zeros, to bring the tar to a Padmé length; always last

Each header is the one that `tarfile` writes for that name and size, with no owner and no time, so
that `gpg -d x.gpg | tar x` opens it with nothing of ours. A header that is not byte for byte what
we would have written is refused: links, devices, and names that lead elsewhere can't even be said.
"""

import re
import tarfile
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from crypto.errors import CryptoError, NewerVersion
from crypto.padding import padme
from server.errors import BadBackup, NotFit

VERSION: Final = "version"
PADDING: Final = "padding"
MOST_FILES: Final = 10_000
LARGEST_FILE: Final = 1 << 30
LARGEST: Final = 4 << 30
FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
"""What a file in a folder may be called: nothing hidden, and nothing that leads elsewhere."""
_WRITTEN: Final = b"tapedrop backup 1\n"
_LATER: Final = re.compile(rb"tapedrop backup [1-9][0-9]{0,5}\n")
_RECORD: Final = tarfile.BLOCKSIZE
_END: Final = bytes(2 * _RECORD)
_ZEROS: Final = bytes(256 * 1024)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file to be put into the tar; `blocks` bring exactly `size` bytes."""

    name: str
    size: int
    blocks: Iterable[bytes]


class Writable(Protocol):
    """Where a file goes, until the whole backup may be believed."""

    def write(self, block: bytes, /) -> object: ...

    def close(self) -> object: ...


def tar(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Yield the tar. Raises NotFit when a file isn't as long as was said any more."""
    length = len(_END) + _RECORD
    for entry in (Entry(VERSION, len(_WRITTEN), (_WRITTEN,)), *entries):
        yield _header(entry.name, entry.size)
        size = 0
        for block in entry.blocks:
            size += len(block)
            yield block
        if size != entry.size:
            raise NotFit([f"{entry.name} changed meanwhile; back it up once more"])
        yield _fill(size)
        length += _RECORD + size + -size % _RECORD
    padding = padme(length) - length
    padding += -padding % _RECORD
    yield _header(PADDING, padding)
    for start in range(0, padding, len(_ZEROS)):
        yield _ZEROS[: padding - start]
    yield _END


class Unpacking:
    """Take the tar apart as gpg gives it; `make` opens a file for each name that it says is known.

    gpg gives out altered plaintext before it says that it is altered: what is wrong is remembered,
    and told by `finished`, when gpg has vouched for all of it. `make` raises BadBackup for a name
    that has no place.
    """

    def __init__(self, make: Callable[[str], Writable]) -> None:
        self._make = make
        self._left = LARGEST
        self._steps = self._read()
        self._waiting = bytearray()
        self._wanted = next(self._steps)
        self._failure: Exception | None = None
        self.names: set[str] = set()

    def feed(self, plaintext: bytes) -> None:
        """Take the next bytes. Raises BadBackup at once only when there are more than may be."""
        self._left -= len(plaintext)
        if self._left < 0:
            raise BadBackup("it holds more than a backup can")
        if self._failure is None:
            try:
                self._unpack(plaintext)
            except (BadBackup, CryptoError) as failure:
                self._failure = failure

    def finished(self) -> set[str]:
        """Return the names of what was in it, to its very end. Raises BadBackup, NewerVersion."""
        self._steps.close()
        if self._failure is not None:
            raise self._failure
        if self._wanted:
            raise BadBackup("it ends too soon")
        return self.names

    def _unpack(self, plaintext: bytes) -> None:
        with memoryview(plaintext) as rest:
            start = 0
            while start < len(rest):
                if not self._wanted:
                    raise BadBackup("something follows its end")
                step = rest[start : start + self._wanted - len(self._waiting)]
                start += len(step)
                self._waiting += step
                if len(self._waiting) == self._wanted:
                    whole, self._waiting = bytes(self._waiting), bytearray()
                    try:
                        self._wanted = self._steps.send(whole)
                    except StopIteration:
                        self._wanted = 0

    def _read(self) -> Generator[int, bytes, None]:
        """Ask for so many bytes, get them, in the order of the tar."""
        name, size = _header_says((yield _RECORD))
        if name != VERSION or not 0 < size <= _RECORD:
            raise BadBackup("it is not a backup of a drop")
        _check_version((yield size))
        yield -size % _RECORD
        while True:
            name, size = _header_says((yield _RECORD))
            if name == PADDING:
                break
            if size > LARGEST_FILE or len(self.names) == MOST_FILES or name in self.names:
                raise BadBackup("it holds more than a backup can")
            self.names.add(name)
            file = self._make(name)
            try:
                for start in range(0, size, len(_ZEROS)):
                    file.write((yield min(size - start, len(_ZEROS))))
            finally:
                file.close()
            if size % _RECORD:
                yield -size % _RECORD
        for start in range(0, size, len(_ZEROS)):
            yield min(size - start, len(_ZEROS))
        yield len(_END)


def _check_version(found: bytes) -> None:
    if found == _WRITTEN:
        return
    if _LATER.fullmatch(found):
        raise NewerVersion(found.decode().strip())
    raise BadBackup("it is not a backup of a drop")


def _header(name: str, size: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry.tobuf(tarfile.USTAR_FORMAT, "utf-8", "surrogateescape")


def _header_says(header: bytes) -> tuple[str, int]:
    try:
        entry = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        if _header(entry.name, entry.size) == header:
            return entry.name, entry.size
    except (tarfile.HeaderError, ValueError):
        pass
    raise BadBackup("a tar header is not one that we write")


def _fill(size: int) -> bytes:
    return bytes(-size % _RECORD)
