"""AMF0, in which Flash wrote what it knows of a recording: read for its names, and one number.

    string     u16 length, bytes
    value      u8 kind: 0 number, a double; 1 u8; 2 string; 3 object: strings and values, ended by
               an empty string and 9; 5, 6 nothing; 8 u32 count, then as 3; 10 u32 count, values;
               11 date, a double and u16; 12 u32 length, bytes

Big-endian. Adobe, Action Message Format AMF 0.
"""

import struct
from contextlib import suppress

NUMBER, BOOLEAN, STRING, OBJECT, NOTHING, UNDEFINED, MAP, LIST, DATE, LONG = (
    0, 1, 2, 3, 5, 6, 8, 10, 11, 12,
)  # fmt: skip
END = b"\0\0\x09"
# Bytes of those that are of one length.
FIXED = {NUMBER: 8, BOOLEAN: 1, NOTHING: 0, UNDEFINED: 0, DATE: 10}
DEEPEST = 8
MOST_FIELDS = 10_000

Value = float | str | None


def fields(script: bytes) -> list[tuple[str, Value]]:
    """Return names and values, those inside objects too, as far as they can be read."""
    walk = _Walk(script)
    with suppress(IndexError, struct.error):
        while len(walk.found) < MOST_FIELDS:
            walk.value("", 0)
    return walk.found


def one_number(event: bytes, name: bytes, number: float) -> bytes:
    """Return a script that says an event and one number by its name."""
    said = bytes([STRING]) + _string(event)
    return said + struct.pack(">BI", MAP, 1) + _string(name) + struct.pack(">Bd", 0, number) + END


def _string(text: bytes) -> bytes:
    return struct.pack(">H", len(text)) + text


class _Walk:
    def __init__(self, script: bytes) -> None:
        self.found: list[tuple[str, Value]] = []
        self._script = script
        self._at = 0

    def value(self, name: str, depth: int) -> None:
        """Read a value; IndexError or struct.error where the script ends, or goes too deep."""
        kind = self._script[self._at]
        self._at += 1
        if kind in FIXED:
            raw = self._take(FIXED[kind])
            number = struct.unpack(">d", raw[:8])[0] if kind in (NUMBER, DATE) else None
            self.found.append((name, number))
        elif kind in (STRING, LONG):
            text = self._take(self._count(2 if kind == STRING else 4))
            self.found.append((name, text.decode("utf-8", "replace")))
        elif kind in (OBJECT, MAP, LIST) and depth < DEEPEST:
            count = self._count(4) if kind != OBJECT else 0
            if kind == LIST:
                for _ in range(min(count, MOST_FIELDS)):
                    self.value(name, depth + 1)
            else:
                self._pairs(depth + 1)
        else:
            raise IndexError

    def _pairs(self, depth: int) -> None:
        while self._script[self._at : self._at + 3] != END:
            if len(self.found) > MOST_FIELDS:
                raise IndexError
            name = self._take(self._count(2)).decode("utf-8", "replace")
            self.value(name, depth)
        self._at += len(END)

    def _count(self, width: int) -> int:
        return int.from_bytes(self._take(width), "big")

    def _take(self, length: int) -> bytes:
        self._at += length
        if self._at > len(self._script):
            raise IndexError
        return self._script[self._at - length : self._at]
