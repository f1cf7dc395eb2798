"""Hold a recording as chunks that cannot be reordered, dropped or cut short.

    head      32 random bytes
    held      chunk + 16-byte tag, again and again (AES-256-GCM, NIST SP 800-38D)
    chunk     `chunk_size` bytes of recording; the last may be shorter, an empty recording has one
    nonce     chunk index, 11 bytes big-endian, then 1 byte: 1 on the last chunk, else 0

The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: "Online Authenticated-Encryption
and its Nonce-Reuse Misuse-Resistance", CRYPTO 2015). Each container's key is HKDF-SHA256
(RFC 5869) of the caller's key, with the head as salt and the container's purpose and name as
info, so a counter never meets the same key twice, whoever calls, and a container that was moved
to another name does not open.
"""

import io
import os
import secrets
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto.errors import Tampered

HEAD_SIZE: Final = 32
TAG_SIZE: Final = 16
KEY_SIZE: Final = 32
DESK_CHUNK: Final = 64 * 1024
"""At the desk: small enough to seek in while listening."""
SPOOL_CHUNK: Final = 256 * 1024
"""On the server: large enough to be fast, small enough for 200 sources at once."""


def _cipher(key: bytes, head: bytes, purpose: str, name: str) -> AESGCM:
    info = b"tapedrop chunks 1\x00" + purpose.encode() + b"\x00" + name.encode()
    return AESGCM(HKDF(SHA256(), KEY_SIZE, salt=head, info=info).derive(key))


def _nonce(index: int, *, last: bool) -> bytes:
    return index.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


class ChunkWriter:
    """Write a container once, in order, to an open binary file.

    `finish` writes the last chunk; a container without it does not open. At most one chunk waits in
    memory. The file is neither synced nor closed here.
    """

    def __init__(
        self,
        held: BinaryIO,
        key: bytes,
        *,
        purpose: str,
        name: str = "",
        chunk_size: int = DESK_CHUNK,
    ) -> None:
        head = secrets.token_bytes(HEAD_SIZE)
        self._cipher = _cipher(key, head, purpose, name)
        self._held = held
        self._chunk_size = chunk_size
        self._waiting = bytearray()
        self._index = 0
        self._finished = False
        self.size = 0
        """Bytes of recording written so far."""
        _write_all(held, head)

    def write(self, recording: bytes | bytearray | memoryview) -> None:
        """Add `recording`, of any length. Raises ValueError once the container is complete."""
        self._is_open()
        with memoryview(recording).cast("B") as rest:
            self.size += len(rest)
            start = 0
            while start < len(rest):
                # A full chunk waits until more comes: only `finish` knows which is the last.
                if len(self._waiting) == self._chunk_size:
                    self._put(self._waiting)
                    self._waiting.clear()
                step = rest[start : start + self._chunk_size - len(self._waiting)]
                self._waiting += step
                start += len(step)

    def write_chunk(self, chunk: bytes | memoryview) -> None:
        """Add one whole chunk that more follows; nothing of it waits here, or is copied.

        Raises ValueError when it isn't one, something waits, or the container is complete.
        """
        self._is_open()
        if self._waiting or len(chunk) != self._chunk_size:
            raise ValueError("not a whole chunk, where one begins")
        self.size += len(chunk)
        self._put(chunk)

    def finish(self) -> None:
        """Write the last chunk; the container is complete. Raises ValueError when it was before."""
        self._is_open()
        self._finished = True
        self._put(self._waiting, last=True)
        self._waiting.clear()

    def _is_open(self) -> None:
        if self._finished:
            raise ValueError("the container is complete")

    def _put(self, chunk: bytes | bytearray | memoryview, *, last: bool = False) -> None:
        # Made anew each time: many containers are being written at once, most of them waiting.
        sealed = bytearray(len(chunk) + TAG_SIZE)
        self._cipher.encrypt_into(_nonce(self._index, last=last), chunk, None, sealed)
        _write_all(self._held, sealed)
        self._index += 1


class ChunkReader(io.RawIOBase):
    """Read a finished container anywhere, by descriptor; the file's own position is never used.

    Opening checks the last chunk, so the length is known to be true from the start.
    Raises Tampered when a chunk, or the length, is not what was written.
    """

    def __init__(
        self,
        held_fd: int,
        key: bytes,
        *,
        purpose: str,
        name: str = "",
        chunk_size: int = DESK_CHUNK,
    ) -> None:
        super().__init__()
        self._fd = held_fd
        self._stride = chunk_size + TAG_SIZE
        body = os.fstat(held_fd).st_size - HEAD_SIZE
        self._chunks = -(-body // self._stride)
        if body < TAG_SIZE or 0 < body % self._stride < TAG_SIZE:
            raise Tampered("cut short")
        self.size = body - self._chunks * TAG_SIZE
        """Bytes of recording held."""
        if self.size == (self._chunks - 1) * chunk_size and self._chunks > 1:
            raise Tampered("an empty chunk follows a full one")
        self._chunk_size = chunk_size
        self._cipher = _cipher(key, os.pread(held_fd, HEAD_SIZE, 0), purpose, name)
        self._position = 0
        self._sealed = bytearray(self._stride)
        self._open = bytearray(chunk_size)
        self._open_index = -1
        self._open_size = 0
        self._load(self._chunks - 1)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}.get(whence)
        if base is None or base + offset < 0:
            raise ValueError("there is no such place")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill `buffer` as far as the recording goes; return the bytes that were put there."""
        wanted = max(0, min(len(buffer), self.size - self._position))
        done = 0
        with memoryview(buffer) as out, memoryview(self._open) as chunk:
            while done < wanted:
                index, within = divmod(self._position, self._chunk_size)
                self._load(index)
                step = min(wanted - done, self._open_size - within)
                out[done : done + step] = chunk[within : within + step]
                done += step
                self._position += step
        return done

    def _load(self, index: int) -> None:
        if index == self._open_index:
            return
        with memoryview(self._sealed) as sealed, memoryview(self._open) as opened:
            got = os.preadv(self._fd, [sealed], HEAD_SIZE + index * self._stride)
            last = index == self._chunks - 1
            if got < TAG_SIZE or (not last and got < self._stride):
                raise Tampered("cut short")
            # Whatever happens next, the buffer no longer holds the chunk it was said to hold.
            self._open_index = -1
            self._open_size = got - TAG_SIZE
            try:
                self._cipher.decrypt_into(
                    _nonce(index, last=last), sealed[:got], None, opened[: self._open_size]
                )
            except InvalidTag:
                raise Tampered(f"chunk {index} is not what was written") from None
        self._open_index = index


def hold(recording: bytes, key: bytes, *, purpose: str, name: str = "") -> bytes:
    """Return a small container that holds `recording`. Raises ValueError when it is over 64 KiB."""
    if len(recording) > DESK_CHUNK:
        raise ValueError("too large for a small container")
    held = io.BytesIO()
    writer = ChunkWriter(held, key, purpose=purpose, name=name)
    writer.write(recording)
    writer.finish()
    return held.getvalue()


def held(container: bytes, key: bytes, *, purpose: str, name: str = "") -> bytes:
    """Return what `hold` was given. Raises Tampered."""
    if len(container) < HEAD_SIZE + TAG_SIZE or len(container) > HEAD_SIZE + DESK_CHUNK + TAG_SIZE:
        raise Tampered("not a small container")
    cipher = _cipher(key, container[:HEAD_SIZE], purpose, name)
    try:
        return cipher.decrypt(_nonce(0, last=True), container[HEAD_SIZE:], None)
    except InvalidTag:
        raise Tampered("chunk 0 is not what was written") from None


def _write_all(out: BinaryIO, sealed: bytes | bytearray | memoryview) -> None:
    # A raw file may take less than it is given, for one on a disk that is filling up.
    with memoryview(sealed) as rest:
        start = 0
        while start < len(rest):
            start += out.write(rest[start:])
