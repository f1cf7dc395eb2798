"""Read a bag from a stick once: names checked, bytes capped, nothing followed.

    TAPEDROP/<bag>/    the five lists of `crypto.bag`, data/ and nothing else
    data/<random>.gpg  the envelopes, exactly those that the signed list names

Everything on a stick is untrusted until the signature over the lists holds. Files are opened
below their folder's descriptor, never through a link, and only when they are regular files, so a
bag can't point elsewhere, hang the reader on a pipe, or grow while it is read.
"""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from crypto.bag import (
    BAG_INFO,
    DATA,
    FOLDER,
    LARGEST_TAG_FILE_BYTES,
    TAG_FILES,
    UNFINISHED,
    Bag,
    Kind,
    verified,
)
from crypto.errors import WrongSignature
from intake.errors import (
    BagRefused,
    MissingFile,
    NoBag,
    NotRegular,
    TooLarge,
    UnexpectedFile,
    Unreadable,
    WrongKind,
)

MOST_FILES: Final = 100_000
MOST_BAGS: Final = 1_000
BLOCK_SIZE: Final = 1024 * 1024
_KIND: Final = "Tapedrop-Bag: 1 "
_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe would block the open; a regular file doesn't care.
_FILE_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Envelope:
    """One file that the signed list names. `size` is what the stick says, in bytes."""

    name: str
    digest: bytes
    size: int


def bags_in(path: Path) -> list[Path]:
    """Return the bags that `path` means: itself, or each in its TAPEDROP folder.

    Unfinished ones are passed over. Raises NoBag, TooLarge.
    """
    folder = path if path.name == FOLDER else path / FOLDER
    if folder.is_dir() and not folder.is_symlink():
        bags = sorted(bag for bag in folder.iterdir() if bag.suffix != UNFINISHED)
        if len(bags) > MOST_BAGS:
            raise TooLarge(FOLDER)
    elif path.is_dir() and any((path / name).exists() for name in (*TAG_FILES, DATA)):
        bags = [path]
    else:
        bags = []
    if not bags:
        raise NoBag(path)
    return bags


class StickBag:
    """One bag on a stick, open for reading; its signature held when it was made.

    `signers` are those of whom one must have signed it, and `signer` is the one that did. Raises
    WrongSignature, BadBag, NewerVersion, and the leaves of BagRefused.
    """

    def __init__(self, folder: Path, *signers: Ed25519PublicKey, kind: Kind = Kind.DROPS) -> None:
        self.name = folder.name
        self._fds: list[int] = []
        try:
            self._top = top = self._open_folder(str(folder), None)
            names = _names(top)
            for name in sorted(names - {*TAG_FILES, DATA}):
                raise UnexpectedFile(name)
            self.tag_files: Mapping[str, bytes] = {
                name: _small_file(top, name) for name in TAG_FILES if name in names
            }
            self.signer, self.bag = self._verified(signers, kind)
            if DATA not in names:
                raise MissingFile(DATA)
            self._data = self._open_folder(DATA, top)
            self.envelopes: tuple[Envelope, ...] = tuple(self._listed())
        except BaseException:
            self.close()
            raise

    def blocks(self, envelope: Envelope, start: int = 0) -> Iterator[memoryview]:
        """Yield the envelope's bytes from `start` on, never more than its size.

        It is one buffer, used again and again. Raises Unreadable when the stick fails.
        """
        buffer = memoryview(bytearray(BLOCK_SIZE))
        place = start
        try:
            fd = _open_regular(self._data, envelope.name)
            try:
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)
                os.lseek(fd, start, os.SEEK_SET)
                while left := max(envelope.size - place, 0):
                    if not (got := os.readv(fd, [buffer[: min(left, BLOCK_SIZE)]])):
                        break
                    place += got
                    yield buffer[:got]
            finally:
                # 50 GB that are read once shall not push everything else out of memory.
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(fd)
        except OSError as error:
            # What whoever takes the blocks raises doesn't come through here: they don't throw().
            raise Unreadable(envelope.name) from error

    def is_there(self) -> bool:
        """Say whether the stick still answers: one bad sector is not a stick that was pulled.

        Reads its lists again, from the stick itself and not from memory, until one can be read.
        """
        return any(self._answers(name) for name in self.tag_files)

    def close(self) -> None:
        """Let the stick go."""
        while self._fds:
            os.close(self._fds.pop())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def _answers(self, name: str) -> bool:
        try:
            fd = _open_regular(self._top, name)
            try:
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
                return bool(os.read(fd, BLOCK_SIZE))
            finally:
                os.close(fd)
        except (OSError, BagRefused):
            return False

    def _verified(
        self, signers: Sequence[Ed25519PublicKey], kind: Kind
    ) -> tuple[Ed25519PublicKey, Bag]:
        for signer in signers:
            try:
                bag = verified(self.tag_files, signer)
            except WrongSignature:
                continue
            if bag.kind is not kind:
                raise WrongKind(self.name, bag.kind)
            return signer, bag
        # A desk's own bags often travel on the same stick. What they say they carry is not proved,
        # but whoever says it, nothing is taken in.
        said = self.tag_files.get(BAG_INFO, b"").decode("ascii", "replace").splitlines()
        for other in Kind:
            if other is not kind and f"{_KIND}{other}" in said:
                raise WrongKind(self.name, other)
        raise WrongSignature("the bag is not signed by a key that it may be signed by")

    def _listed(self) -> Iterator[Envelope]:
        there = _names(self._data)
        listed = {
            name.removeprefix(f"{DATA}/"): digest for name, digest in self.bag.digests.items()
        }
        for name in sorted(there - listed.keys()):
            raise UnexpectedFile(f"{DATA}/{name}")
        for name, digest in sorted(listed.items()):
            if not name.endswith(".gpg"):
                raise UnexpectedFile(f"{DATA}/{name}")
            if name not in there:
                raise MissingFile(f"{DATA}/{name}")
            fd = _open_regular(self._data, name)
            size = os.fstat(fd).st_size
            os.close(fd)
            yield Envelope(name, digest, size)

    def _open_folder(self, name: str, within: int | None) -> int:
        try:
            fd = os.open(name, _FOLDER_FLAGS, dir_fd=within)
        except NotADirectoryError:  # also what a link says to O_DIRECTORY with O_NOFOLLOW
            raise NotRegular(os.path.basename(name)) from None  # noqa: PTH119  untrusted text
        except OSError:
            raise Unreadable(os.path.basename(name)) from None  # noqa: PTH119
        self._fds.append(fd)
        return fd


def _names(folder: int) -> set[str]:
    names = set()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                names.add(entry.name)
                if len(names) > MOST_FILES:
                    raise TooLarge(DATA)
    except OSError:
        raise Unreadable(DATA) from None
    return names


def _small_file(folder: int, name: str) -> bytes:
    fd = _open_regular(folder, name)
    try:
        with os.fdopen(fd, "rb") as file:
            content = file.read(LARGEST_TAG_FILE_BYTES + 1)
    except OSError:
        raise Unreadable(name) from None
    if len(content) > LARGEST_TAG_FILE_BYTES:
        raise TooLarge(name)
    return content


def _open_regular(folder: int, name: str) -> int:
    try:
        # Asked before it is opened as well: opening a device can do things by itself.
        if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise NotRegular(name)
        fd = os.open(name, _FILE_FLAGS, dir_fd=folder)
    except OSError:
        raise Unreadable(name) from None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise NotRegular(name)
    return fd
