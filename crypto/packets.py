"""What a sealed envelope shows from outside, without any key (RFC 4880, sections 4.2 and 4.3).

    tag 1, version 3         a session key, one for each recipient; the recipient's id is 8 zeros
    tag 18 or 20, version 1  the encrypted data, to the very end

gpg names each reader who has a key, but says nothing of one who has a passphrase (tag 3), and
passes over packets that it doesn't know. So whoever counts the readers must read the packets.
"""

from collections.abc import Generator, Iterable, Iterator
from typing import Final

from crypto.errors import NotAnEnvelope

_SESSION_KEY: Final = 1
_ENCRYPTED_DATA: Final = (18, 20)
_LARGEST_SESSION_KEY_BYTES: Final = 16 * 1024
_HIDDEN: Final = b"\x03" + bytes(8)


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
            if more or not len(_HIDDEN) < size <= _LARGEST_SESSION_KEY_BYTES:
                raise NotAnEnvelope("a session key has the wrong size")
            if not (yield size).startswith(_HIDDEN):
                raise NotAnEnvelope("its recipients are not hidden")
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
