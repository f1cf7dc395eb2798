"""EBML elements: walk them without believing their sizes, and build them anew.

    element   id 1 to 4 bytes, size 1 to 8 bytes, payload; how many bytes each has is told by the
              zero bits at its front; a size of ones only is unknown
    numbers   big-endian, 0 to 8 bytes; 0 bytes are zero
    Void      EC, space that may hold anything;  CRC-32  BF, of its parent's other elements

Ids are written here as they stand in the recording, marker bit and all. RFC 8794.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from scrub.errors import Malformed, TooComplex
from scrub.reading import Reader

VOID, CRC = 0xEC, 0xBF
LONGEST_ID = 4
LONGEST_HEAD = LONGEST_ID + 8
MOST_CHILDREN = 1024
WIDE_SIZE = 1 << 56  # the marker bit of a size of eight bytes


class Element(NamedTuple):
    """Where an element and its payload lie."""

    id: int
    start: int
    payload: int
    end: int
    sized: bool = True  # else `end` is its parent's


def element_at(reader: Reader, at: int, limit: int) -> Element | None:
    """Return the element at `at`, which may run past `limit`; None when there is no head of one."""
    head = reader.upto(at, min(LONGEST_HEAD, limit - at))
    found = read_head(head, 0)
    if found is None:
        return None
    name, length, size = found
    if size < 0:
        return Element(name, at, at + length, limit, sized=False)
    return Element(name, at, at + length, at + length + size)


def read_head(block: bytes, i: int) -> tuple[int, int, int] | None:
    """Return an element's id, the length of its head and its size, -1 when that is unknown."""
    if i + 2 > len(block) or block[i] < 1 << 8 - LONGEST_ID:
        return None
    at = i + 9 - block[i].bit_length()
    if at >= len(block) or not block[at]:
        return None
    width = 9 - block[at].bit_length()
    end = at + width
    if end > len(block):
        return None
    ones = (1 << 7 * width) - 1
    size = int.from_bytes(block[at:end], "big") & ones
    return int.from_bytes(block[i:at], "big"), end - i, -1 if size == ones else size


def children(reader: Reader, start: int, end: int) -> Iterator[Element]:
    """Yield the elements that fill a stretch; Malformed when they don't."""
    at = start
    for _ in range(MOST_CHILDREN):
        if at == end:
            return
        element = element_at(reader, at, end)
        if element is None or element.end > end or not element.sized:
            raise Malformed("an element breaks its parent's bounds", offset=at)
        yield element
        at = element.end
    raise TooComplex("too many elements in one")


def unsigned(reader: Reader, element: Element) -> int:
    """Return an unsigned number; Malformed when it has more than eight bytes."""
    return int.from_bytes(_number(reader, element), "big")


def signed(reader: Reader, element: Element) -> int:
    """Return a number that may be negative."""
    return int.from_bytes(_number(reader, element), "big", signed=True)


def real(reader: Reader, element: Element) -> float:
    """Return a floating-point number of 0, 4 or 8 bytes."""
    raw = _number(reader, element)
    if len(raw) not in (0, 4, 8):
        raise Malformed("a floating-point number has an odd size", offset=element.start)
    number: float = struct.unpack(">d" if len(raw) == 8 else ">f", raw)[0] if raw else 0.0
    return number


def text(reader: Reader, element: Element, most: int) -> bytes:
    """Return a string of at most `most` bytes, without the zeros behind it."""
    return reader.exactly(element.payload, min(most, element.end - element.payload)).rstrip(b"\0")


def _number(reader: Reader, element: Element) -> bytes:
    size = element.end - element.payload
    if size > 8:
        raise Malformed("a number is too long", offset=element.start)
    return reader.exactly(element.payload, size)


def id_bytes(name: int) -> bytes:
    """Return an id as it is written."""
    return name.to_bytes((name.bit_length() + 7) // 8, "big")


def size_bytes(size: int) -> bytes:
    """Return a size in as few bytes as it can be written; all ones would mean unknown."""
    width = ((size + 1).bit_length() + 6) // 7
    return (1 << 7 * width | size).to_bytes(width, "big")


def head_of(name: int, size: int) -> bytes:
    """Return an element's id and size."""
    return id_bytes(name) + size_bytes(size)


def wide_head(name: int, size: int) -> bytes:
    """Return an element's id, and its size in eight bytes: for what may hold much."""
    return id_bytes(name) + (WIDE_SIZE | size).to_bytes(8, "big")


def element(name: int, *payload: bytes) -> bytes:
    """Return an element."""
    body = b"".join(payload)
    return head_of(name, len(body)) + body


def unsigned_element(name: int, number: int) -> bytes:
    """Return an element that is an unsigned number."""
    return element(name, number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big"))


def signed_element(name: int, number: int) -> bytes:
    """Return an element that is a number which may be negative."""
    positive = number if number >= 0 else ~number
    return element(name, number.to_bytes(positive.bit_length() // 8 + 1, "big", signed=True))


def real_element(name: int, number: float) -> bytes:
    """Return an element that is a floating-point number."""
    return element(name, struct.pack(">d", number))
