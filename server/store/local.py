"""A store in a folder.

An object is written to an unnamed file (`O_TMPFILE`), synced, and only then linked to its name,
and the folder synced (open(2), linkat(2)): whatever has a name is whole, and a crash leaves
nothing behind that would have to be swept up.
"""

import io
import os
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from server.errors import NoSuchObject, StoreFailed, StoreFull
from server.files import NO_ROOM, sync_folder
from server.store import NAME, PREFIX, Blob, Listed
from server.store.folders import OF_SOURCES, blur_folders, fill_spare, make_folder
from server.store.rewriting import DAY_NS, RESTED, clear, copy_of, places_of, rewrite_all
from server.threads import in_thread

_BLOCK: Final = 256 * 1024
_FLUSH: Final = 8 * 1024 * 1024
_NAMELESS: Final = os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_ATTEMPTS: Final = 3
_PAGE: Final = 1000
_DROPS: Final = "drops/"
_T = TypeVar("_T")
_Tell = Callable[[str, os.DirEntry[str]], _T]
"""Says of an object, by its name and where it lies, what a listing is to yield."""


class LocalStore:
    """Keeps each blob as a file below `root`."""

    def __init__(self, root: Path, *, kept_free: int = 0) -> None:
        """`kept_free` is how many bytes of its disk the nightly rewrite leaves to others."""
        self._root = root
        self._kept_free = kept_free

    async def put(self, name: str, blob: Blob) -> None:
        stopped = threading.Event()
        with _failures_named():
            path = self._path(name)
            put = partial(_put, self._root, path, blob, stopped)
            await in_thread(put, if_cancelled=stopped.set)

    async def get(self, name: str) -> AsyncIterator[bytes]:
        self._path(name)
        file, block = await _in_thread(_opened, places_of(self._root, name))
        with file:
            while block:
                yield block
                # Most objects are one small block, and a turn in a thread costs more than they do.
                block = await _in_thread(file.read, _BLOCK) if len(block) == _BLOCK else b""

    async def names(self, prefix: str) -> AsyncIterator[str]:
        async for name in self._told(prefix, lambda name, _entry: name):
            yield name

    async def listed(self, prefix: str) -> AsyncIterator[Listed]:
        async for each in self._told(prefix, _listed):
            yield each

    async def rewrite(self, names: Sequence[str]) -> int:
        stopped = threading.Event()
        with _failures_named():
            for name in names:
                self._path(name)
            work = partial(_end_of_day, self._root, names, stopped, self._kept_free)
            return await in_thread(work, if_cancelled=stopped.set)

    async def delete(self, name: str) -> None:
        self._path(name)
        await _in_thread(_delete, places_of(self._root, name), copy_of(self._root, name))

    def clear(self) -> None:
        """Remove what a crash left behind. Raises StoreFailed."""
        with _failures_named():
            clear(self._root)

    async def _told(self, prefix: str, tell: _Tell[_T]) -> AsyncIterator[_T]:
        """Yield what `tell` says of each object below `prefix`."""
        if not PREFIX.fullmatch(prefix):
            raise StoreFailed("not a folder of the store")
        with closing(self._walked(prefix, tell)) as walking:
            there_is_more = True
            while there_is_more:
                page = await _in_thread(lambda: list(islice(walking, _PAGE)))
                there_is_more = len(page) == _PAGE
                for each in page:
                    yield each

    def _walked(self, prefix: str, tell: _Tell[_T]) -> Generator[_T, None, None]:
        # What is written anew while this lists may be missing, but never comes twice.
        rested = _entries_below(self._root / RESTED, prefix) if prefix == _DROPS else ()
        for name, entry in chain(rested, _entries_below(self._root / prefix, prefix)):
            if NAME.fullmatch(name):
                with suppress(FileNotFoundError):  # it was deleted meanwhile
                    yield tell(name, entry)

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise StoreFailed("not a name of the store's")
        return self._root / name


def _entries_below(folder: Path, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    with suppress(FileNotFoundError), ExitStack() as stack:
        descriptor = _opened_unseen(folder, _FOLDER)
        stack.callback(os.close, descriptor)
        for entry in stack.enter_context(os.scandir(descriptor)):
            if entry.is_dir(follow_symlinks=False):
                yield from _entries_below(folder / entry.name, f"{prefix}{entry.name}/")
            else:
                yield prefix + entry.name, entry


def _opened_unseen(path: Path, flags: int) -> int:
    """Open without a trace: the time of reading would tell when a source looked."""
    try:
        return os.open(path, flags | os.O_NOATIME)
    except PermissionError:  # it is somebody else's, who restored a backup
        return os.open(path, flags)


def _listed(name: str, entry: os.DirEntry[str]) -> Listed:
    facts = entry.stat(follow_symlinks=False)
    put = facts.st_mtime_ns
    return Listed(
        name=name,
        size=facts.st_size,
        day=datetime.fromtimestamp(put // 10**9, UTC).date(),
        # Rewriting leaves midnight behind.
        is_fresh=put % DAY_NS != 0,
    )


def _opened(places: Sequence[Path]) -> tuple[BinaryIO, bytes]:
    *first, last = places
    for path in first:
        with suppress(FileNotFoundError):
            return _begun(path)
    return _begun(last)


def _begun(path: Path) -> tuple[BinaryIO, bytes]:
    file = os.fdopen(_opened_unseen(path, os.O_RDONLY | os.O_CLOEXEC), "rb")
    try:
        return file, file.read(_BLOCK)
    except BaseException:
        file.close()
        raise


def _delete(places: Sequence[Path], copy: Path) -> None:
    for path in places:
        with suppress(FileNotFoundError):
            path.unlink()
            sync_folder(path.parent)
    copy.unlink(missing_ok=True)
    # An empty mailbox must not look different from one that never was.
    if path.parent.parent.name in OF_SOURCES:
        with suppress(OSError):
            path.parent.rmdir()
            sync_folder(path.parent.parent)


def _end_of_day(root: Path, names: Sequence[str], stopped: threading.Event, kept_free: int) -> int:
    try:
        return rewrite_all(root, names, stopped, kept_free=kept_free)
    finally:
        if not stopped.is_set():
            fill_spare(root)
            blur_folders(root)


def _put(root: Path, path: Path, blob: Blob, stopped: threading.Event) -> None:
    descriptor = _in_folder(root, path.parent, lambda: os.open(path.parent, _NAMELESS, 0o600))
    with os.fdopen(descriptor, "wb", buffering=0) as file:

        def sink(block: bytes) -> None:
            if stopped.is_set():
                raise StoreFailed("stopped")
            _write_all(file, block)

        blob(sink)
        os.fsync(file.fileno())
        _in_folder(root, path.parent, lambda: _link(file.fileno(), path))


def _in_folder(root: Path, folder: Path, work: Callable[[], _T]) -> _T:
    """Return what `work` returns; make the folder when it is missing, or goes away meanwhile."""
    for _ in range(_ATTEMPTS):
        try:
            return work()
        except FileNotFoundError:
            make_folder(root, folder)
    return work()


def _write_all(file: io.FileIO, block: bytes) -> None:
    with memoryview(block) as rest:
        start = 0
        while start < len(rest):
            start += file.write(rest[start:])
    end = file.tell()
    if end // _FLUSH != (end - len(block)) // _FLUSH:
        # Begins to write back what is there, without waiting, so that the sync at the end is short.
        os.posix_fadvise(file.fileno(), 0, end, os.POSIX_FADV_DONTNEED)


def _link(descriptor: int, path: Path) -> None:
    folder = os.open(path.parent, _FOLDER)
    try:
        # Only with a folder descriptor does Python use linkat, which can follow /proc to the file.
        os.link(f"/proc/self/fd/{descriptor}", path.name, dst_dir_fd=folder, follow_symlinks=True)
        try:
            os.fsync(folder)
        except OSError:
            # The source will be told that nothing was kept.
            with suppress(OSError):
                os.unlink(path.name, dir_fd=folder)
            raise
    finally:
        os.close(folder)


async def _in_thread(work: Callable[..., _T], *arguments: object) -> _T:
    with _failures_named():
        return await in_thread(work, *arguments)


@contextmanager
def _failures_named() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise NoSuchObject("no such object") from None
    except OSError as error:
        if error.errno in NO_ROOM:
            raise StoreFull("the store has no room") from None
        raise StoreFailed(f"the store: {os.strerror(error.errno or 0)}") from None
