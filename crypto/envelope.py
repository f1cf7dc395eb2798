"""Seal one recording or message to the newsroom, and open it again.

An envelope is an OpenPGP message (RFC 4880) to every current newsroom key as a hidden recipient.
Inside is a plain POSIX tar (ustar), so `gpg -d x.gpg | tar x` opens it with nothing of ours:

    recording.<ext>   or message.txt
    manifest.json     what it is: the digest, what was taken out, whose it is (docs/envelope.md)
    padding           zeros, to bring the tar to a Padmé length, nothing below 64 KiB

Every header is the one `tarfile` would write for that name and size, with no owner and no time;
when opening, a header that is not byte for byte what we would have written is refused.
"""

import re
import tarfile
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from typing import Final, Protocol

from crypto.errors import CryptoError, GpgFailed, NewerVersion, NotAnEnvelope
from crypto.gpg import Gpg
from crypto.gpg_run import Sink
from crypto.manifest import Manifest
from crypto.newsroom import Newsroom
from crypto.packets import Outline
from crypto.padding import padme

MANIFEST: Final = "manifest.json"
PADDING: Final = "padding"
LARGEST_MANIFEST_BYTES: Final = 1024 * 1024
_RECORD: Final = tarfile.BLOCKSIZE
_END: Final = bytes(2 * _RECORD)
_NAME: Final = re.compile(r"recording\.[a-z0-9]{1,8}|message\.txt")
_ZEROS: Final = bytes(256 * 1024)


class Writable(Protocol):
    """Where an opened recording goes, until it may be believed."""

    def write(self, recording: memoryview, /) -> object: ...


@dataclass(frozen=True, slots=True)
class Opened:
    """An envelope that was whole. Only now is there a manifest, and only now a recording."""

    manifest: Manifest
    recipients: int
    """How many keys the envelope is really sealed to."""
    session_key: str = field(repr=False)
    """What opens it again without any other key, as gpg says it: `algorithm:hex`."""
    subkey: str | None = None
    """The fingerprint of the secret key that opened it; None where a session key did."""


def seal(
    content: Iterable[bytes],
    manifest: Manifest,
    *,
    newsroom: Newsroom,
    gpg: Gpg,
    day: date,
    sink: Sink,
    limit_seconds: float,
) -> None:
    """Seal `content`, exactly `manifest.size` bytes, and give the envelope to `sink` as it comes.

    The digest, the day, the newsroom's digest and the number of recipients are filled in here.
    Raises NoUsableKey, GpgFailed, ValueError when the size is wrong, and what `content` or `sink`
    raise; whatever `sink` got must then be destroyed.
    """
    recipients = newsroom.recipients()
    full = replace(
        manifest,
        day=day.isoformat(),
        newsroom_digest=newsroom.digest.hex(),
        recipients=len(recipients),
    )
    gpg.encrypt(_tar(content, full), sink, to=recipients, day=day, limit_seconds=limit_seconds)


def open_sealed(
    sealed: Iterable[bytes],
    *,
    gpg: Gpg,
    into: Callable[[], Writable],
    largest_bytes: int,
    limit_seconds: float | None = None,
    session_key: str | None = None,
) -> Opened:
    """Open an envelope, writing the recording to what `into` makes.

    `largest_bytes` is the envelope's own size: nothing in it is compressed, so what says that it
    is larger is a bomb. Until this returns, what was written may be a lie, and it must be
    destroyed if this raises:
    NoKeyOpens, Tampered, NotAnEnvelope, NewerVersion, GpgFailed.
    """
    unpacking = _Unpacking(into(), largest_bytes)
    outline = Outline()
    decrypted = gpg.decrypt(
        outline.watch(sealed),
        unpacking.feed,
        limit_seconds=limit_seconds,
        session_key=session_key,
        ask_session_key=True,
    )
    manifest, recipients = unpacking.finished(), outline.recipients()
    if decrypted.session_key is None:
        raise GpgFailed("gpg did not say the session key")
    return Opened(manifest, recipients, decrypted.session_key, decrypted.subkey)


def _tar(content: Iterable[bytes], manifest: Manifest) -> Iterator[bytes]:
    """Yield the tar; the digest is made while the content goes by."""
    yield _header(manifest.name, manifest.size)
    digest, size = sha256(), 0
    for block in content:
        digest.update(block)
        size += len(block)
        yield block
    if size != manifest.size:
        raise ValueError(f"{size} bytes where {manifest.size} were announced")
    encoded = replace(manifest, sha256=digest.hexdigest()).encoded()
    padding = _padding_size(manifest.size, len(encoded))
    yield _fill(size) + _header(MANIFEST, len(encoded)) + encoded + _fill(len(encoded))
    yield _header(PADDING, padding)
    for start in range(0, padding, len(_ZEROS)):
        yield _ZEROS[: padding - start]
    yield _END


def _padding_size(content: int, manifest: int) -> int:
    bare = sum(_RECORD + size + -size % _RECORD for size in (content, manifest))
    bare += _RECORD + len(_END)
    return padme(bare) - bare


def _header(name: str, size: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    # GNU's base-256 numbers carry sizes of 8 GiB and more, which ustar's octal can't.
    return entry.tobuf(tarfile.GNU_FORMAT if size >= 8**11 else tarfile.USTAR_FORMAT)


def _fill(size: int) -> bytes:
    return bytes(-size % _RECORD)


class _Unpacking:
    """Take the tar apart as it comes; hold nothing of it but the manifest.

    gpg gives out altered plaintext before it says that it is altered, so a tar that doesn't hold
    together is remembered, and told only when gpg has vouched for it.
    """

    def __init__(self, recording: Writable, largest_bytes: int) -> None:
        self._recording = recording
        self._left_bytes = largest_bytes
        self._steps = self._read()
        self._waiting = bytearray()
        self._wanted = next(self._steps)
        self._manifest: Manifest | None = None
        self._failure: CryptoError | None = None

    def feed(self, plaintext: bytes) -> None:
        """Take the next bytes of the tar, as gpg gives them. Raises NotAnEnvelope on a bomb."""
        self._left_bytes -= len(plaintext)
        if self._left_bytes < 0:
            raise NotAnEnvelope("it holds more than it can")
        if self._failure is None:
            try:
                self._unpack(plaintext)
            except (NotAnEnvelope, NewerVersion) as failure:
                self._failure = failure

    def finished(self) -> Manifest:
        """Return the manifest of a tar that was read to its very end."""
        if self._failure is not None:
            raise self._failure
        if self._wanted or self._manifest is None:
            raise NotAnEnvelope("it ends too soon")
        return self._manifest

    def _unpack(self, plaintext: bytes) -> None:
        with memoryview(plaintext) as rest:
            start = 0
            while start < len(rest):
                if not self._wanted:
                    raise NotAnEnvelope("something follows its end")
                step = rest[start : start + self._wanted - len(self._waiting)]
                start += len(step)
                self._waiting += step
                if len(self._waiting) == self._wanted:
                    whole, self._waiting = bytes(self._waiting), bytearray()
                    self._wanted = self._step(whole)

    def _step(self, whole: bytes) -> int:
        try:
            return self._steps.send(whole)
        except StopIteration:
            return 0

    def _read(self) -> Generator[int, bytes, None]:
        """Ask for so many bytes, get them, in the order of the tar."""
        name, size = _header_says((yield _RECORD))
        if not _NAME.fullmatch(name):
            raise NotAnEnvelope("what lies first is neither a recording nor a message")
        digest = sha256()
        left = size
        while left:
            block = yield min(left, len(_ZEROS))
            digest.update(block)
            with memoryview(block) as view:
                self._recording.write(view)
            left -= len(block)
        if size % _RECORD:
            _expect_zeros((yield -size % _RECORD))
        manifest_name, manifest_size = _header_says((yield _RECORD))
        if manifest_name != MANIFEST or not 0 < manifest_size <= LARGEST_MANIFEST_BYTES:
            raise NotAnEnvelope("its manifest is missing or too large")
        manifest = Manifest.decoded((yield manifest_size))
        if (manifest.name, manifest.size, manifest.sha256) != (name, size, digest.hexdigest()):
            raise NotAnEnvelope("the manifest speaks of something else")
        if manifest_size % _RECORD:
            _expect_zeros((yield -manifest_size % _RECORD))
        padding_name, padding = _header_says((yield _RECORD))
        if padding_name != PADDING or padding != _padding_size(size, manifest_size):
            raise NotAnEnvelope("its padding is not as long as it should be")
        while padding:
            block = yield min(padding, len(_ZEROS))
            _expect_zeros(block)
            padding -= len(block)
        _expect_zeros((yield len(_END)))
        self._manifest = manifest


def _header_says(header: bytes) -> tuple[str, int]:
    try:
        entry = tarfile.TarInfo.frombuf(header, "ascii", "strict")
        if _header(entry.name, entry.size) == header:
            return entry.name, entry.size
    except (tarfile.HeaderError, ValueError):
        pass
    raise NotAnEnvelope("a tar header is not one that we write")


def _expect_zeros(block: bytes) -> None:
    if block.count(0) != len(block):
        raise NotAnEnvelope("there are bytes where only zeros belong")
