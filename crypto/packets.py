"""What a sealed envelope shows from outside, without any key (RFC 4880, sections 4.2 and 4.3).

    tag 1, version 3         a session key, one for each recipient; the recipient's id is 8 zeros
    tag 18 or 20, version 1  the encrypted data, to the very end

gpg names each reader who has a key, but says nothing of one who has a passphrase (tag 3), and
passes over packets that it doesn't know. So whoever counts the readers must read the packets.
"""

import io
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final, TypeVar, cast

from crypto.errors import NotAnEnvelope

T = TypeVar("T")

_SESSION_KEY: Final = 1
_ENCRYPTED_DATA: Final = (18, 20)
MOST_SESSION_KEYS: Final = 128
"""That are tried: twice as many as a newsroom may have readers."""
_LARGEST_SESSION_KEY_BYTES: Final = 16 * 1024
_SESSION_KEY_VERSIONS: Final = {1: (3, 6), 3: (4, 5, 6)}
_ARMOUR: Final = b"-----BEGIN PGP MESSAGE-----"
_BEFORE_ARMOUR: Final = b"\xef\xbb\xbf \t\r\n"
"""What editors and mail programs put there; gpg passes over the line ends alone."""
_HIDDEN: Final = b"\x03" + bytes(8)


@dataclass(frozen=True, slots=True)
class SealedKey:
    """The session key as one hidden recipient gets it: a packet with tag 1."""

    body: bytes = field(repr=False)

    @property
    def algorithm(self) -> int:
        """The recipient's public-key algorithm (RFC 9580, 9.1): all that can be seen of them."""
        return self.body[len(_HIDDEN)]

    def naming(self, fingerprint: str) -> bytes:
        """Return the packet with the id of a key, by its fingerprint, in the place of the zeros."""
        key_id = bytes.fromhex(fingerprint[:16] if len(fingerprint) == 64 else fingerprint[-16:])
        size = len(self.body).to_bytes(4, "big")
        return b"\xc1\xff" + size + _HIDDEN[:1] + key_id + self.body[len(_HIDDEN) :]


def sealed_keys(start: bytes) -> tuple[SealedKey, ...]:
    """Return the session keys at the head of an envelope, of which `start` holds all.

    Raises NotAnEnvelope when it begins with anything else, or with more than MOST_SESSION_KEYS.
    """
    reading, found = io.BytesIO(start), []
    while True:
        tag, size, more = _read_through(_header(), reading)
        if tag != _SESSION_KEY:
            break
        body = _read_through(_session_key(size, more=more), reading)
        found.append(SealedKey(body))
        if len(found) > MOST_SESSION_KEYS:
            raise NotAnEnvelope("it is sealed to more keys than anybody has")
    if tag not in _ENCRYPTED_DATA or not found:
        raise NotAnEnvelope("it is not sealed to keys alone")
    return tuple(found)


class Outline:
    """Look at the packets of one envelope while they go by on their way to gpg."""

    def __init__(self) -> None:
        self._recipients = 0
        self._failure: NotAnEnvelope | None = None
        self._ended = False
        self._waiting = bytearray()
        self._steps = self._read()
        self._wanted = next(self._steps)

    def watch(self, sealed: Iterable[bytes]) -> Iterator[bytes]:
        """Yield `sealed` as it is; what is wrong with it is told by `recipients`."""
        for block in sealed:
            if self._failure is None:
                try:
                    self._look_at(block)
                except NotAnEnvelope as failure:
                    self._failure = failure
            yield block

    def recipients(self) -> int:
        """Return how many keys the envelope, seen to its end, is sealed to.

        Raises NotAnEnvelope when it is anything but hidden recipients and encrypted data.
        """
        if self._failure is not None:
            raise self._failure
        if not self._ended:
            raise NotAnEnvelope("its packets end too soon")
        return self._recipients

    def _look_at(self, block: bytes) -> None:
        with memoryview(block) as rest:
            start = 0
            while start < len(rest):
                if self._ended:
                    raise NotAnEnvelope("something follows the encrypted data")
                step = rest[start : start + abs(self._wanted) - len(self._waiting)]
                start += len(step)
                if self._wanted < 0:
                    self._wanted += len(step)
                else:
                    self._waiting += step
                if len(self._waiting) == self._wanted:
                    whole, self._waiting = bytes(self._waiting), bytearray()
                    self._step(whole)

    def _step(self, whole: bytes) -> None:
        try:
            self._wanted = self._steps.send(whole)
        except StopIteration:
            self._ended = True

    def _read(self) -> Generator[int, bytes, None]:
        """Ask for so many bytes and get them, or pass over as many when the number is negative."""
        tag, size, more = yield from _header()
        while tag == _SESSION_KEY:
            yield from _session_key(size, more=more)
            self._recipients += 1
            tag, size, more = yield from _header()
        if tag not in _ENCRYPTED_DATA or not self._recipients:
            raise NotAnEnvelope("it is not sealed to keys alone")
        while True:
            if size:
                yield -size
            if not more:
                return
            size, more = yield from _length()


def _read_through(steps: Generator[int, bytes, T], start: BinaryIO) -> T:
    wanted = next(steps)
    while True:
        got = start.read(wanted)
        if len(got) < wanted:
            raise NotAnEnvelope("its packets end too soon")
        try:
            wanted = steps.send(got)
        except StopIteration as done:
            return cast("T", done.value)


def _session_key(size: int, *, more: bool) -> Generator[int, bytes, bytes]:
    if more or not len(_HIDDEN) < size <= _LARGEST_SESSION_KEY_BYTES:
        raise NotAnEnvelope("a session key has the wrong size")
    body = yield size
    if not body.startswith(_HIDDEN):
        raise NotAnEnvelope("its recipients are not hidden")
    return body


def _header() -> Generator[int, bytes, tuple[int, int, bool]]:
    """Return a packet's tag, the size of its body, and whether there is more of it after that."""
    first = (yield 1)[0]
    if first & 0xC0 == 0xC0:
        size, more = yield from _length()
        return first & 0x3F, size, more
    if first & 0x80 == 0 or first & 0x03 == 0x03:
        raise NotAnEnvelope("it is not made of packets")
    size = int.from_bytes((yield 1 << (first & 0x03)), "big")
    return first >> 2 & 0x0F, size, False


def _length() -> Generator[int, bytes, tuple[int, bool]]:
    first = (yield 1)[0]
    if first < 192:
        return first, False
    if first < 224:
        return (first - 192 << 8) + (yield 1)[0] + 192, False
    if first < 255:
        return 1 << (first & 0x1F), True
    return int.from_bytes((yield 4), "big"), False


def begins_message(head: bytes) -> bool:
    """Say whether what begins so looks like an encrypted OpenPGP message, binary or armoured.

    `head` are its first bytes, 64 or so. What gpg makes of it is another matter.
    """
    if head.lstrip(_BEFORE_ARMOUR).startswith(_ARMOUR):
        return True
    steps = _header()
    wanted, rest = next(steps), head
    try:
        while len(rest) >= wanted:
            step, rest = rest[:wanted], rest[wanted:]
            wanted = steps.send(step)
    except NotAnEnvelope:
        return False
    except StopIteration as told:
        tag, size, _ = told.value
        return bool(rest) and rest[0] in _SESSION_KEY_VERSIONS.get(tag, ()) and size > 1
    return False


def as_gpg_reads_it(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a message that begins so, without what may stand before its armour."""
    rest = iter(blocks)
    first = next(rest, b"")
    bare = first.lstrip(_BEFORE_ARMOUR)
    yield bare if bare.startswith(_ARMOUR) else first
    yield from rest
