"""Plant what nobody wrote before, and know it again in any disguise.

    text      "canary" and 10 hex digits, in whatever encoding the place wants
    raw       bytes without a pattern, where a place holds no text
    moment    a second between 2003 and 2014, in whatever clock the place uses

All are made from the name of the recording and of the place, so a corpus is always the same. They
are looked for in the bytes, and in what a reader makes of them: pages joined, data inflated,
escapes undone.
"""

import base64
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import shake_256
from itertools import islice

# Seconds from each clock's zero to 1970.
FROM_1601, FROM_1900, FROM_1904, FROM_2001 = (
    11_644_473_600,
    2_208_988_800,
    2_082_844_800,
    -978_307_200,
)
EARLIEST, LATEST = 1_050_000_000, 1_400_000_000


@dataclass(frozen=True, slots=True)
class Plant:
    """One thing in one place: bytes to look for, or a moment."""

    place: str
    value: bytes
    moment: int = 0

    def forms(self) -> dict[str, bytes]:
        """Return everything this would look like in a file."""
        return _moment_forms(self.moment) if self.moment else _value_forms(self.value)


class Planter:
    """Hands out plants for one recording, and remembers where each went."""

    def __init__(self, recording: str) -> None:
        self.plants: list[Plant] = []
        self._recording = recording

    def text(self, place: str, longest: int = 16) -> bytes:
        """Return ASCII text of up to 16 bytes."""
        return self._planted(
            place, f"canary{self._digest(place).hex()}".encode()[: min(16, longest)]
        )

    def string(self, place: str) -> str:
        """Return the same as a string."""
        return self.text(place).decode()

    def utf16(self, place: str) -> bytes:
        """Return the same in UTF-16, little-endian, without a mark."""
        return self.string(place).encode("utf-16-le")

    def location(self, place: str) -> bytes:
        """Return coordinates as phones write them (ISO 6709)."""
        digits = int.from_bytes(self._digest(place)[:4], "big")
        north, east = digits % 899_999, digits // 899_999 % 999_999
        return self._planted(
            place, b"+%02d.%04d+%03d.%04d/" % (*divmod(north, 10_000), *divmod(east, 10_000))
        )

    def raw(self, place: str, length: int = 8) -> bytes:
        """Return bytes that are neither text nor padding, and never look like a sync code."""
        return self._planted(
            place, bytes((byte | 0x81) & 0xBD for byte in self._digest(place, length))
        )

    def moment(self, place: str) -> int:
        """Return seconds since 1970."""
        span = LATEST - EARLIEST
        moment = EARLIEST + int.from_bytes(self._digest(place)[:6], "big") % span
        self.plants.append(Plant(place, b"", moment))
        return moment

    def date(self, place: str, form: str = "%Y-%m-%dT%H:%M:%S") -> bytes:
        """Return a moment as text."""
        return datetime.fromtimestamp(self.moment(place), UTC).strftime(form).encode()

    def _digest(self, place: str, length: int = 10) -> bytes:
        return shake_256(f"{self._recording} {place}".encode()).digest(length)

    def _planted(self, place: str, value: bytes) -> bytes:
        assert place not in {plant.place for plant in self.plants}, place
        self.plants.append(Plant(place, value))
        return value


def left(plants: list[Plant], recording: bytes) -> list[str]:
    """Return what is still there, as "place (form, view)"."""
    views = dict(_views(recording))
    return [
        f"{plant.place} ({form}, {view})"
        for plant in plants
        for form, value in plant.forms().items()
        for view, seen in views.items()
        if value in seen
    ]


def _value_forms(value: bytes) -> dict[str, bytes]:
    forms = {"as it is": value, "hex": value.hex().encode(), "HEX": value.hex().upper().encode()}
    if value.isascii():
        forms["UTF-16LE"] = value.decode().encode("utf-16-le")
        forms["UTF-16BE"] = value.decode().encode("utf-16-be")
    else:
        forms["backwards"] = value[::-1]
    for before in range(3):
        forms[f"base64, {before} before"] = _in_base64(value, before)
    return forms


def _in_base64(value: bytes, before: int) -> bytes:
    """Return the letters that depend on `value` alone, `before` bytes into a group of three."""
    letters = base64.b64encode(bytes(before) + value).rstrip(b"=")
    first = -(-before * 8 // 6)
    whole = (before + len(value)) * 8 // 6
    return letters[first:whole]


def _moment_forms(moment: int) -> dict[str, bytes]:
    forms = {
        "1904, 32 bits": (moment + FROM_1904).to_bytes(4, "big"),
        "1904, 64 bits": (moment + FROM_1904).to_bytes(8, "big"),
        "1970, big-endian": moment.to_bytes(4, "big"),
        "1970, little-endian": moment.to_bytes(4, "little"),
        "1900": (moment + FROM_1900).to_bytes(4, "big"),
        "1601": ((moment + FROM_1601) * 10**7).to_bytes(8, "little"),
        "2001": ((moment + FROM_2001) * 10**9).to_bytes(8, "big"),
        "milliseconds": float_of(moment * 1000.0),
    }
    when = datetime.fromtimestamp(moment, UTC)
    for form in (
        "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y:%m:%d %H:%M:%S", "%Y-%m-%d%H:%M:%S",
        "%Y%m%dT%H%M%S", "%Y%m%d", "%a %b %d %H:%M:%S %Y",
    ):  # fmt: skip
        text = when.strftime(form)
        forms[form] = text.encode()
        forms[form + ", UTF-16LE"] = text.encode("utf-16-le")
        forms[form + ", UTF-16BE"] = text.encode("utf-16-be")
    return forms


def float_of(number: float) -> bytes:
    """Return a big-endian double, as FLV and CAF write numbers."""
    return struct.pack(">d", number)


def _views(recording: bytes) -> Iterator[tuple[str, bytes]]:
    yield "in the file", recording
    if b"\xff\x00" in recording:
        yield "unsynchronised", recording.replace(b"\xff\x00", b"\xff")
    if b"\0\0\3" in recording:
        yield "in a NAL unit", recording.replace(b"\0\0\3", b"\0\0")
    for serial, joined in _joined_pages(recording).items():
        yield f"in Ogg stream {serial.hex()}", joined
    if inflated := b"\n".join(islice(_inflated(recording), 500)):
        yield "deflated", inflated


def _joined_pages(recording: bytes) -> dict[bytes, bytes]:
    streams: dict[bytes, bytearray] = {}
    at = recording.find(b"OggS")
    while 0 <= at <= len(recording) - 27:
        segments = recording[at + 26]
        body = at + 27 + segments
        end = body + sum(recording[at + 27 : body])
        streams.setdefault(recording[at + 14 : at + 18], bytearray()).extend(recording[body:end])
        at = recording.find(b"OggS", max(end, at + 4))
    return {serial: bytes(joined) for serial, joined in streams.items()}


def _inflated(recording: bytes) -> Iterator[bytes]:
    for match in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", recording):
        try:
            found = zlib.decompressobj().decompress(recording[match.start() :], 1 << 20)
        except zlib.error:
            continue
        if len(found) > 16:
            yield found
